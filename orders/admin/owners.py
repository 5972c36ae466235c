"""Owners: the people as engines know them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from orders.admin.base import Obeyed, OwnerScoped
from orders.models import Owner


@admin.register(Owner)
class OwnerAdmin(Obeyed, OwnerScoped):
    """Owners. A user becomes one by coming in; here they can be made beforehand."""

    owner_path = ""
    list_display = ("name", "user", "shard", "account_names")
    search_fields = ("name", "user__username")
    list_select_related = ("user",)
    autocomplete_fields = ("user",)

    @admin.display(description="Accounts")
    def account_names(self, owner: Owner) -> str:
        return ", ".join(account.name for account in owner.accounts.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("accounts")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """An owner's shard is where its journal is: moving one is a command of its own, not a change of a number."""
        return ("user", "shard") if obj is not None else ("shard",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
