"""What the pages of the console share: whose rows one sees, and pages nobody can write through."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from marketdata import bus, channels
from orders import auth, catalog
from orders.audit import lines
from orders.models import Owner

COUNTED_MAX = 10_000


class OwnerScoped(admin.ModelAdmin):
    """Staff see the rows of their own owner; superusers see all. `owner_path` leads from a row to its owner."""

    owner_path = "owner"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return scoped(super().get_queryset(request), request, self.owner_path)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A list of choices is a query too: nobody picks somebody else's things."""
        if db_field.related_model is Owner and "queryset" not in kwargs:
            kwargs["queryset"] = scoped(Owner.objects.all(), request, "")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def scoped(rows: QuerySet[Any], request: HttpRequest, owner_path: str, *, shared: bool = False) -> QuerySet[Any]:
    """The rows this person may see; with `shared` also those that belong to nobody."""
    if request.user.is_superuser:
        return rows
    user_path = f"{owner_path}__user" if owner_path else "user"
    mine = Q(**{user_path: request.user})
    return rows.filter(mine | Q(**{f"{owner_path}__isnull": True}) if shared else mine)


class BoundedPaginator(Paginator):
    """Counts no further than the pages anybody turns: the records grow for ever."""

    @cached_property
    def count(self) -> int:
        return len(self.object_list.order_by().values_list("pk")[:COUNTED_MAX])


class ReadOnly(OwnerScoped):
    """Records only the engine writes. Not even a superuser changes one here."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class Obeyed(admin.ModelAdmin):
    """Rings the engines after each change and forgets what this process remembers of the rows."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(ring)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)
        transaction.on_commit(ring)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        transaction.on_commit(ring)


def ring() -> None:
    """Accounts, limits, funding or halts changed."""
    auth.forget()
    catalog.default().forget()
    bus.default().wake(channels.WAKE_CONTROL)


def note(request: HttpRequest, action: str, target: str, owner: Owner | None = None, **detail: Any) -> None:
    """Who did what, in the audit."""
    lines.note(
        action,
        actor=request.user.get_username(),
        target=target,
        owner_id=owner.pk if owner else None,
        ip=request.META.get("REMOTE_ADDR") or "",
        **detail,
    )
