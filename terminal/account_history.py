"""What the account channel needs of PostgreSQL. Synchronous: the sockets call it in a thread, never in their loop."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import close_old_connections, connection, transaction
from django.db.models import Q

from marketdata.precision import decimal_text
from orders import rows, shapes
from orders.models import Account, Balance, ExecutionReport, Fill, Halt, Order, Position

FILLS = 50
OPEN_STATUSES = ("pending_new", "new", "partially_filled", "pending_cancel", "pending_replace", "unknown")

_encode = msgspec.json.Encoder().encode


def account_id(user_id: int, wanted: str) -> int | None:
    """The id of this user's account, by its name or id; None when it is somebody else's or none."""
    close_old_connections()
    found = Q(name=wanted)
    if wanted.isascii() and wanted.isdigit() and len(wanted) < 12:
        found |= Q(pk=int(wanted))
    try:
        return Account.objects.filter(found, owner__user_id=user_id).order_by("pk").values_list("pk", flat=True).first()
    finally:
        connection.close()


def newest(account_ids: list[int]) -> dict[int, int]:
    """The highest account_seq of each account."""
    close_old_connections()
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a, (SELECT account_seq FROM orders_executionreport WHERE account_id = a ORDER BY account_seq DESC LIMIT 1)"
                " FROM unnest(%s::bigint[]) AS a",
                [account_ids],
            )
            return {account: seq for account, seq in cursor.fetchall() if seq is not None}
    finally:
        connection.close()


def changes(account: int, after: int | None, limit: int) -> list[tuple[int, bytes]]:
    """(account_seq, JSON) of the changes after one, in order."""
    close_old_connections()
    try:
        found = ExecutionReport.objects.filter(account_id=account, account_seq__gt=after or 0).order_by("account_seq")
        return [(seq, _encode(payload)) for seq, payload in found.values_list("account_seq", "payload")[:limit]]
    finally:
        connection.close()


def snapshot(account: int) -> tuple[int, bytes]:
    """The account as it stands, and the account_seq it stands at; both of one moment."""
    close_old_connections()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            seq = (
                ExecutionReport.objects.filter(account_id=account)
                .order_by("-account_seq")
                .values_list("account_seq", flat=True)
                .first()
            )
            return seq or 0, _encode(_standing(account))
    finally:
        connection.close()


def _standing(account_id: int) -> dict[str, Any]:
    account = Account.objects.select_related("owner", "exchange").get(pk=account_id)
    orders = Order.objects.filter(account=account, status__in=OPEN_STATUSES).select_related(*rows.ORDER_RELATED)
    fills = Fill.objects.filter(account=account).select_related(*rows.FILL_RELATED)[:FILLS]
    balances = Balance.objects.filter(account=account).select_related("account", "asset").order_by("asset_id")
    return {
        "kind": "snapshot",
        "orders": [rows.order(order) for order in orders],
        "positions": [_position(position, account) for position in _positions(account)],
        "balances": [rows.balance(balance) for balance in balances],
        "fills": [rows.fill(fill) for fill in fills],
        "halts": [rows.halt(halt) for halt in halts_of(account.owner_id)],
    }


def halts_of(owner_id: int) -> list[Halt]:
    """What keeps this owner from trading: their own halts and those of the whole installation."""
    return list(Halt.objects.filter(Q(owner_id=owner_id) | Q(owner__isnull=True)).exclude(state=Halt.State.ACTIVE))


def _positions(account: Account) -> list[Position]:
    found = Position.objects.filter(account=account).select_related("instrument__exchange")
    return list(found.order_by("instrument__position", "instrument_id", "strategy_id"))


def _position(row: Position, account: Account) -> shapes.JSON:
    """Without a mark: the page values it by the live touch."""
    return shapes.position_shape(
        account=account.name,
        exchange=row.instrument.exchange.name,
        symbol=row.instrument.symbol,
        strategy_id=row.strategy_id,
        quantity=decimal_text(row.quantity),
        average_price=shapes.mean_price_text(row.cost, row.quantity, inverse=rows.is_inverse(row.instrument)),
        mark_price=None,
        realised=decimal_text(row.realised),
        unrealised=None,
        fees=decimal_text(row.fees),
        as_of_seq=row.as_of_seq,
        reconciled_at=None,
        state="open" if row.quantity else "flat",
    )
