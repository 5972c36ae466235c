"""The records, to read: orders, fills, ledger, journal, funding's answers and who did what."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from orders.admin.base import ReadOnly
from orders.conditions import TYPES
from orders.models import Audit, Fill, Journal, LedgerEntry, Order

SHOWN_MAX = 20_000
STATUSES = (
    "pending_new", "new", "partially_filled", "filled", "pending_cancel", "pending_replace", "canceled", "rejected", "expired",
    "unknown",
)  # fmt: skip
LEDGER_KINDS = ("trade", "fee", "funding", "transfer", "opening", "adjustment")
BOOKS = ("account", "exchange", "fees", "opening", "rounding")
ACTIONS = (
    "login", "logout", "login.fail", "login.token", "auth.fail", "authz", "authz.obj", "valid", "rate", "limit", "csrf", "replay",
    "idemp", "key.create", "key.use", "key.change", "key.revoke", "key.rotate", "limit.set", "limits.change", "limits.profile",
    "halt.halted", "halt.reducing", "halt.active", "user.create", "user.change", "user.delete", "account.create", "journal.cut",
    "journal.drop", "audit.verified", "audit.broken",
)  # fmt: skip


def one_of(name: str, *words: str) -> type[admin.SimpleListFilter]:
    """A filter by a column with known words: Django's own would read the whole table to find them."""

    class OneOf(admin.SimpleListFilter):
        title = name.replace("_", " ")
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
            return [(word, word) for word in words]

        def queryset(self, request: HttpRequest, queryset: Any) -> Any:
            return queryset.filter(**{name: self.value()}) if self.value() else queryset

    return OneOf


@admin.register(Order)
class OrderAdmin(ReadOnly):
    """Orders."""

    list_display = (
        "created_at",
        "account",
        "instrument",
        "side",
        "type",
        "time_in_force",
        "price",
        "stop_price",
        "quantity",
        "filled_quantity",
        "status",
        "request_id",
    )
    list_filter = (
        one_of("status", *STATUSES),
        one_of("side", "buy", "sell"),
        one_of("type", *TYPES),
        one_of("time_in_force", "gtc", "day", "gtd", "ioc", "fok"),
    )
    ordering = ("-id",)  # its ids are made in the order of time, and have the index
    search_fields = ("request_id", "=parent_id", "order_id", "strategy_id", "account__name")
    list_select_related = ("account", "instrument__exchange")


@admin.register(Fill)
class FillAdmin(ReadOnly):
    """Fills."""

    list_display = (
        "at",
        "account",
        "instrument",
        "side",
        "price",
        "quantity",
        "fee",
        "fee_asset",
        "liquidity",
        "realised",
    )
    list_filter = (one_of("side", "buy", "sell"), one_of("liquidity", "maker", "taker"))
    ordering = ("-id",)
    search_fields = ("request_id", "exchange_trade_id", "strategy_id", "account__name")
    list_select_related = ("account", "instrument__exchange", "fee_asset")


@admin.register(LedgerEntry)
class LedgerAdmin(ReadOnly):
    """The double entries."""

    list_display = ("at", "account", "book", "asset", "kind", "amount", "journal_seq")
    list_filter = (one_of("kind", *LEDGER_KINDS), one_of("book", *BOOKS))
    search_fields = ("account__name",)
    list_select_related = ("account", "asset")


@admin.register(Journal)
class JournalAdmin(ReadOnly):
    """The journal. It holds everybody's commands, so it is shown to superusers alone."""

    list_display = ("seq", "shard", "epoch", "at", "kind", "size")
    list_filter = (one_of("kind", "command", "market", "told", "epoch"),)
    ordering = ("-shard", "-seq")
    search_fields = ("=seq",)
    search_help_text = "By seq."
    fields = ("seq", "shard", "epoch", "at", "at_ns", "kind", "content", "chained_hash")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = admin.ModelAdmin.get_queryset(self, request)
        return rows if request.user.is_superuser else rows.none()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.is_superuser)

    @admin.display(description="Bytes")
    def size(self, row: Journal) -> int:
        return len(row.payload)

    @admin.display(description="Payload")
    def content(self, row: Journal) -> str:
        raw = bytes(row.payload)
        try:
            return raw.decode()[:SHOWN_MAX]
        except UnicodeDecodeError:
            return raw.hex()[:SHOWN_MAX]

    @admin.display(description="Hash")
    def chained_hash(self, row: Journal) -> str:
        return bytes(row.hash).hex()


@admin.register(Audit)
class AuditAdmin(ReadOnly):
    """Who did what."""

    list_display = ("at", "actor", "action", "target", "owner")
    list_filter = (one_of("action", *ACTIONS),)
    search_fields = ("actor", "target")
    list_select_related = ("owner",)
    exclude = ("hash",)
