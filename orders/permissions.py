"""What somebody may do, asked of every REST view. Whose things they may see is in the queries (orders/api/base.py)."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from orders.identity import Identity

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class HasScope(BasePermission):
    """The view's `required_scope`: a word, or a word a method. A view that says nothing is read with `read` and changed
    with `operate`."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """True, or AuthError with the scope that is missing."""
        if not isinstance(request.auth, Identity):
            return False
        asked = getattr(view, "required_scope", None)
        scope = asked if isinstance(asked, str) else (asked or {}).get(request.method)
        request.auth.require(scope or ("read" if request.method in SAFE_METHODS else "operate"))
        return True
