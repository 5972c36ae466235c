"""The audit: who did what, newest first."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import clock
from orders import documents as docs
from orders.api.base import Query, View, address
from orders.audit import floods
from orders.errors import invalid
from orders.identity import Identity
from orders.models import Audit, AuditCount
from orders.shapes import JSON

FILTERS = ("action", "actor", "target", "from", "to", "limit", "cursor")


class AuditLines(View):
    """Who did what."""

    @extend_schema(
        operation_id="list_audit",
        summary="Who did what, newest first",
        description="Your own lines; with scope operate also those of the installation, with admin everybody's. Refusals are "
        "counted: one line a minute, action and address. The minute under way comes first, without a seq, for operators.",
        parameters=[
            OpenApiParameter("action", description="As key.create, halt.halted, auth.fail."),
            OpenApiParameter("actor"),
            OpenApiParameter("target"),
            *docs.SPAN,
            *docs.PAGE,
        ],
        responses={200: docs.page_of(docs.AuditLine), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, FILTERS)
        limit, cursor = query.limit(), query.text("cursor")
        found = Audit.objects.filter(_visible(self.identity), _matching(query))
        counting: list[JSON] = []
        if cursor is not None:
            if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
                raise invalid({"cursor": "It is not one of ours; take it from `next`."})
            found = found.filter(seq__lt=int(cursor))
        elif self.identity.scopes & {"operate", "admin"} and not query.text("actor") and not query.text("target"):
            floods.default().flush()
            counting = [_count(row) for row in floods.open_counts() if query.text("action") in (None, row.action)]
        rows = list(found.order_by("-seq")[: limit + 1])
        following = None
        if len(rows) > limit:
            rows.pop()
            following = address(request, cursor=str(rows[-1].seq))
        return Response({"results": counting + [_shape(row) for row in rows], "next": following})


def _visible(identity: Identity) -> Q:
    if "admin" in identity.scopes:
        return Q()
    mine = Q(owner_id=identity.owner_id)
    return mine | Q(owner__isnull=True) if "operate" in identity.scopes else mine


def _matching(query: Query) -> Q:
    found = Q()
    for name in ("action", "actor", "target"):
        text = query.text(name)
        if text is not None:
            found &= Q(**{name: text})
    if moment := query.moment("from"):
        found &= Q(at__gte=moment)
    if moment := query.moment("to"):
        found &= Q(at__lt=moment)
    return found


def code_of(action: str) -> str:
    """KEY_CREATE for key.create: how the codes of security events are written."""
    return action.upper().replace(".", "_")


def _shape(row: Audit) -> JSON:
    return {
        "seq": row.seq,
        "time": clock.iso(row.at),
        "code": code_of(row.action),
        "action": row.action,
        "actor": row.actor,
        "target": row.target,
        "address": row.ip,
        "detail": row.detail,
        "hash": bytes(row.hash).hex(),
    }


def _count(row: AuditCount) -> dict[str, Any]:
    return {
        "seq": None,
        "time": clock.iso(row.minute),
        "code": code_of(row.action),
        "action": row.action,
        "actor": "",
        "target": f"{row.count} times",
        "address": row.ip,
        "detail": {"minute": clock.iso(row.minute), "count": row.count, "targets": row.targets},
        "hash": None,
    }
