"""Halts: the switches that stop trading."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest

from orders import release, services
from orders.admin.base import OwnerScoped, scoped
from orders.errors import ApiError
from orders.models import Halt

OWN_SCOPES = (Halt.Scope.OWNER, Halt.Scope.ACCOUNT, Halt.Scope.STRATEGY, Halt.Scope.KEY, Halt.Scope.POSITION)


class HaltForm(ModelForm):
    """A scope, whose, and why."""

    class Meta:
        model = Halt
        fields = ("scope", "key", "owner", "state", "reason")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        scope = data.get("scope")
        if scope == Halt.Scope.GLOBAL and data.get("key"):
            raise ValidationError({"key": "The global scope has no key."})
        if scope and scope != Halt.Scope.GLOBAL and not data.get("key"):
            raise ValidationError({"key": "Name the thing: an exchange, owner or account by its name, sim:BTC/USDT…"})
        if scope in OWN_SCOPES and not data.get("owner"):
            raise ValidationError({"owner": "This scope is somebody's: say whose."})
        if data.get("state") == Halt.State.ACTIVE and self.instance.state != Halt.State.ACTIVE:
            halt = self.instance
            try:
                release.clean(release.affected(halt.scope, halt.key, halt.owner))
            except ApiError as error:
                raise ValidationError({"state": error.message}) from None
        return data


@admin.register(Halt)
class HaltAdmin(OwnerScoped):
    """Halts. Obeyed by every engine from its next transaction on; open orders stay, cancels are always taken."""

    form = HaltForm
    list_display = ("scope", "key", "owner", "state", "code", "reason", "until", "set_by", "set_at")
    list_filter = ("state", "scope")
    search_fields = ("key", "reason")
    list_select_related = ("owner",)
    readonly_fields = ("code", "limit", "value", "until", "set_by", "set_at", "version")
    actions = ("resume",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Halt]:
        return scoped(admin.ModelAdmin.get_queryset(self, request), request, "owner", shared=True)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "scope", "key", "owner") if obj is not None else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Halt, form: Any, change: bool) -> None:
        made = services.set_halt(
            obj.scope, obj.key, obj.state, by=request.user.get_username(), reason=obj.reason, owner=obj.owner
        )
        obj.pk, obj.version, obj.set_at, obj._state.adding = made.pk, made.version, made.set_at, False

    @admin.action(description="Resume trading", permissions=["change"])
    def resume(self, request: HttpRequest, halts: QuerySet[Halt]) -> None:
        resumed = 0
        for halt in halts:
            by = request.user.get_username()
            try:
                release.release(halt.scope, halt.key, by=by, reason="resumed in the admin", owner=halt.owner)
                resumed += 1
            except ApiError as error:
                self.message_user(request, f"{halt}: {error.message}", messages.ERROR)
        self.message_user(request, f"Resumed {resumed}.")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A halt that is over is resumed; its row says who did it and when."""
        return False
