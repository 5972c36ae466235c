"""What the kill switch would do to somebody's money, before they press: open orders, what is held, what closing would cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db.models import Count

from marketdata.precision import decimal_text
from orders import drill, rows, urgent, valuation
from orders.models import Account, Drill, Halt, Order, Owner, Position, UrgentCommand
from orders.portfolio import mark_of
from orders.shapes import FINAL_STATUSES, PAPER_KINDS

DRILLS, FLATTENS = 5, 3
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Closing:
    """One order a flatten would place."""

    symbol: str
    exchange: str
    strategy_id: str
    verb: str
    quantity: str
    worth: Decimal | None  # at the mark, in `asset`; None: no fresh mark
    fee: Decimal | None
    asset: str


def page(owner: Owner, halts: list[Halt]) -> dict[str, Any]:
    """How things stand."""
    counted = _open_orders(owner)
    accounts = list(Account.objects.filter(owner=owner).order_by("id"))
    held = {
        row["account"]: row["n"] for row in _held(owner).values("account").annotate(n=Count("instrument")).order_by()
    }
    asked = UrgentCommand.objects.filter(owner=owner, kind="flatten").exclude(account__name=drill.name_for(owner))
    flattens = list(asked.select_related("account")[:FLATTENS])
    return {
        "halts": [rows.halt(one) for one in halts],
        "halted": any(one.state == Halt.State.HALTED and one.scope in ("global", "owner") for one in halts),
        "may_resume": any(one.owner_id == owner.pk for one in halts),
        "open_orders": sum(counted.values()),
        "accounts": [
            {"name": one.name, "mode": "paper" if one.kind in PAPER_KINDS else "live", "orders": counted.get(one.pk, 0),
             "positions": held.get(one.pk, 0)}
            for one in accounts
        ],
        "flattens": [urgent.shape(row) for row in flattens],
        "running": any(row.decided_seq is None for row in flattens),
        "drills": [drill.shape(row) for row in Drill.objects.filter(owner=owner).select_related("account")[:DRILLS]],
        "last_limit": drill.LAST_ORDER_MS, "cancel_limit": drill.CANCEL_MS,
    }  # fmt: skip


def flattening(account: Account) -> dict[str, Any]:
    """What a flatten of this account would do now, for whoever must confirm it."""
    closings = [_closing(row) for row in _held(account.owner).filter(account=account)]
    return {
        "account": account,
        "is_live": account.kind not in PAPER_KINDS,
        "open_orders": _open_orders(account.owner).get(account.pk, 0),
        "closings": closings,
        "totals": list(_totals(closings)),
        "unknown": sum(one.worth is None for one in closings),
    }


def _open_orders(owner: Owner) -> dict[int, int]:
    found = Order.objects.filter(account__in=Account.objects.filter(owner=owner)).exclude(status__in=FINAL_STATUSES)
    return dict(found.order_by().values_list("account").annotate(n=Count("id")))


def _held(owner: Owner) -> Any:
    found = Position.objects.filter(account__in=Account.objects.filter(owner=owner)).exclude(quantity=0)
    return found.select_related("instrument__exchange", "instrument__base", "instrument__quote")


def _closing(row: Position) -> Closing:
    spec = row.instrument
    mark = mark_of(spec.pk, spec.tick_size)
    worth = fee = None
    if mark is not None and mark.fresh:
        at_mark = abs(Fraction(row.quantity))
        worth = valuation.to_decimal(at_mark / mark.price if rows.is_inverse(spec) else at_mark * mark.price)
        fee = worth * spec.exchange.taker_fee_ppm / MILLION
    verb = "Sell" if row.quantity > 0 else "Buy back"
    return Closing(
        spec.symbol,
        spec.exchange.name,
        row.strategy_id,
        verb,
        decimal_text(abs(row.quantity)),
        worth,
        fee,
        rows.settle_code(spec),
    )


def _totals(closings: Iterable[Closing]) -> Iterable[dict[str, Any]]:
    """Worth and fees by asset: different assets are not added up."""
    sums: dict[str, list[Decimal]] = {}
    for one in closings:
        if one.worth is not None and one.fee is not None:
            known = sums.setdefault(one.asset, [Decimal(0), Decimal(0)])
            known[0] += one.worth
            known[1] += one.fee
    return ({"asset": asset, "worth": worth, "fee": fee} for asset, (worth, fee) in sums.items())
