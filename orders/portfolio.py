"""What an owner has and what it is worth: the one computation behind the API, the portfolio page and the dashboard.

Marks come from the market mirror of the process that asks. Without a fresh mark a position's worth is unknown, and so is every
sum it is part of: unknown is shown as unknown, never as zero. Paper and live money are never added up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from functools import reduce
from typing import Any

from django.db.models import QuerySet, Sum

from marketdata import clock
from marketdata.mirror import default_mirror
from marketdata.models import Instrument
from marketdata.precision import decimal_text
from orders import rows, shapes, valuation
from orders.models import Account, Balance, EquityPoint, Fill, LedgerEntry, Position

_WIDE = Context(prec=60)
FLOWS = ("opening", "transfer", "adjustment")
OPENING = timedelta(seconds=5)  # the first minute of a day is told within it


@dataclass(frozen=True, slots=True)
class Mark:
    """What an instrument is valued at: the mid of its book, exactly, and whether its source still lives."""

    price: Fraction
    fresh: bool


@dataclass(slots=True)
class AccountView:
    """One account on the portfolio page. None = not known at the moment."""

    account: Account
    balances: list[dict[str, Any]]
    positions: list[dict[str, Any]]
    equity: Decimal | None
    equity_at_midnight: Decimal | None
    change_today: Decimal | None
    realised: dict[str, Decimal] = field(default_factory=dict)
    unrealised: dict[str, Decimal | None] = field(default_factory=dict)
    fees: dict[str, Decimal] = field(default_factory=dict)


@dataclass(slots=True)
class Mode:
    """All accounts of one mode, and their sum in one reporting asset (None where unknown or where assets differ)."""

    name: str
    accounts: list[AccountView]
    reporting_asset: str | None
    equity: Decimal | None
    change_today: Decimal | None


def mark_of(instrument_id: int, tick_size: Decimal) -> Mark | None:
    """The instrument's mark as this process sees it; None when it never saw both sides."""
    mirror = default_mirror()
    found = mirror.mark(instrument_id)
    if found is None:
        return None
    return Mark(Fraction(found[0], 2) * Fraction(tick_size), not mirror.stale(instrument_id))


def marks() -> dict[str, valuation.Marks]:
    """Fresh mids by exchange, as valuation wants them; '' holds every exchange's, the first listed winning."""
    by_exchange: dict[str, dict[tuple[str, str], Fraction]] = {}
    everywhere: dict[tuple[str, str], Fraction] = {}
    for spec in default_mirror().instruments():
        mark = mark_of(spec.id, spec.tick_size)
        if mark is not None and mark.fresh:
            pair = (spec.base, spec.quote)
            by_exchange.setdefault(spec.exchange, {})[pair] = mark.price
            everywhere.setdefault(pair, mark.price)
    return {"": everywhere, **by_exchange}


def unrealised(position: Position, price: Fraction, cost: Decimal | None = None) -> Decimal:
    """What the open quantity has gained at a price, in the settle asset: its worth there less what it cost (the cost has its
    quantity's sign). An inverse contract is worth base, and gains as it takes less of it. `cost` under another method."""
    cost = position.cost if cost is None else cost
    if not position.quantity:
        return Decimal(0)
    if rows.is_inverse(position.instrument):
        return _WIDE.subtract(cost, valuation.to_decimal(Fraction(position.quantity) / price))
    return _WIDE.subtract(valuation.to_decimal(Fraction(position.quantity) * price), cost)


def position_shapes(found: QuerySet[Position]) -> list[dict[str, Any]]:
    """Positions as the API shows them, valued now."""
    return [
        _position_shape(position, mark_of(position.instrument_id, position.instrument.tick_size))
        for position in _ordered(found)
    ]


def account_shapes(found: QuerySet[Position]) -> list[dict[str, Any]]:
    """The same by account and instrument, all strategies together: what an exchange is compared with. `strategy_id` is null."""
    sums: dict[tuple[int, int], list[Position]] = {}
    for position in _ordered(found):
        sums.setdefault((position.account_id, position.instrument_id), []).append(position)
    return [_account_shape(strategies) for strategies in sums.values()]


def _ordered(found: QuerySet[Position]) -> QuerySet[Position]:
    return found.select_related("account", "instrument__exchange").order_by(
        "account_id", "instrument_id", "strategy_id"
    )


def _account_shape(strategies: list[Position]) -> dict[str, Any]:
    mark = mark_of(strategies[0].instrument_id, strategies[0].instrument.tick_size)
    whole = Position(account=strategies[0].account, instrument=strategies[0].instrument, strategy_id="")
    for name in ("quantity", "cost", "realised", "fees"):
        setattr(whole, name, reduce(_WIDE.add, (getattr(one, name) for one in strategies)))
    whole.as_of_seq = max(one.as_of_seq for one in strategies)
    shown = _position_shape(whole, mark) | {"strategy_id": None}
    if mark is not None and mark.fresh:  # the sum of what their rows show, to the last unit
        gained = reduce(_WIDE.add, (unrealised(one, mark.price) for one in strategies))
        shown["unrealised"] = decimal_text(gained)
    if len({one.quantity > 0 for one in strategies if one.quantity}) > 1:
        shown["average_price"] = None  # one long, one short: their costs have no mean
    return shown


def _position_shape(position: Position, mark: Mark | None) -> dict[str, Any]:
    worth = unrealised(position, mark.price) if mark is not None and mark.fresh else None
    return shapes.position_shape(
        account=position.account.name,
        exchange=position.instrument.exchange.name,
        symbol=position.instrument.symbol,
        strategy_id=position.strategy_id,
        quantity=decimal_text(position.quantity),
        average_price=shapes.mean_price_text(
            position.cost, position.quantity, inverse=rows.is_inverse(position.instrument)
        ),
        mark_price=decimal_text(valuation.to_decimal(mark.price)) if mark else None,
        realised=decimal_text(position.realised),
        unrealised=None if worth is None else decimal_text(worth),
        fees=decimal_text(position.fees),
        as_of_seq=position.as_of_seq,
        reconciled_at=clock.iso(clock.now()) if position.account.kind in ("simulated", "paper") else None,
        state="OK" if mark is not None and mark.fresh else "STALE",
    )


def equity(account: Account, known: dict[str, valuation.Marks]) -> Decimal | None:
    """What the account's balances, and what its open contracts have gained, are worth now in its reporting asset; None when
    some mark or rate is unknown."""
    held = list(Balance.objects.filter(account=account).values_list("asset__code", "total"))
    contracts = (
        Position.objects.filter(account=account).exclude(instrument__kind=Instrument.Kind.SPOT).exclude(quantity=0)
    )
    for position in contracts.select_related("instrument__base", "instrument__quote"):
        mark = mark_of(position.instrument_id, position.instrument.tick_size)
        if mark is None or not mark.fresh:
            return None
        held.append((rows.settle_code(position.instrument), unrealised(position, mark.price)))
    return valuation.worth(held, account.reporting_asset.code, {**known[""], **known.get(account.exchange.name, {})})


def midnight(now: datetime) -> datetime:
    """The start of the trading day, which is UTC's."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def view(account: Account, known: dict[str, valuation.Marks]) -> AccountView:
    """Everything the portfolio page shows of one account."""
    balances = Balance.objects.filter(account=account).select_related("account", "asset").order_by("asset_id")
    positions = list(
        Position.objects.filter(account=account).select_related("account", "instrument__exchange", "instrument__base", "instrument__quote")
        .order_by("instrument_id", "strategy_id")
    )  # fmt: skip
    now_worth = equity(account, known)
    start_worth, change = _since_midnight(account, now_worth, known)
    made = AccountView(account, [rows.balance(row) for row in balances], [], now_worth, start_worth, change)
    for position in positions:
        mark = mark_of(position.instrument_id, position.instrument.tick_size)
        made.positions.append(_position_shape(position, mark))
        settle = rows.settle_code(position.instrument)
        made.realised[settle] = made.realised.get(settle, Decimal(0)) + position.realised
        made.fees[settle] = made.fees.get(settle, Decimal(0)) + position.fees
        worth = unrealised(position, mark.price) if mark is not None and mark.fresh else None
        before = made.unrealised.get(settle, Decimal(0))
        made.unrealised[settle] = None if worth is None or before is None else before + worth
    return made


def _since_midnight(
    account: Account, now_worth: Decimal | None, known: dict[str, valuation.Marks]
) -> tuple[Decimal | None, Decimal | None]:
    """(equity at midnight UTC, or at the first point since; change since then without deposits and withdrawals).

    An account that was first funded today began the day with nothing, and all its flows are today's.
    """
    start = midnight(clock.now())
    points = EquityPoint.objects.filter(account=account)
    point = (
        points.filter(at__gte=start, at__lt=start + OPENING).order_by("at").first()
    )  # told with the core's own day_open
    point = point or points.filter(at__lte=start).order_by("-at").first()
    if point is None and not LedgerEntry.objects.filter(account=account, at__lte=start).exists():
        began, since = Decimal(0), start
    else:
        point = point or points.filter(at__gt=start).order_by("at").first()
        if point is None:
            return None, None
        began, since = point.equity, max(start, point.at)
    if now_worth is None:
        return began, None
    flows = (
        LedgerEntry.objects.filter(account=account, book="account", kind__in=FLOWS, at__gt=since)
        .values("asset__code").annotate(sum=Sum("amount")).values_list("asset__code", "sum")
    )  # fmt: skip
    flow = valuation.worth(flows, account.reporting_asset.code, {**known[""], **known.get(account.exchange.name, {})})
    return began, None if flow is None else now_worth - began - flow


def portfolio(owner_id: int) -> list[Mode]:
    """The owner's accounts by mode: paper money first, live money apart, never one sum of both."""
    known = marks()
    accounts = Account.objects.filter(owner_id=owner_id).select_related(*rows.ACCOUNT_RELATED)
    paper = [view(account, known) for account in accounts if shapes.is_paper(account.kind)]
    live = [view(account, known) for account in accounts if not shapes.is_paper(account.kind)]
    return [_mode(name, views) for name, views in (("paper", paper), ("live", live)) if views]


def _mode(name: str, views: list[AccountView]) -> Mode:
    assets = {one.account.reporting_asset.code for one in views}
    asset = assets.pop() if len(assets) == 1 else None
    return Mode(
        name, views, asset, _sum(asset, (one.equity for one in views)), _sum(asset, (one.change_today for one in views))
    )


def _sum(asset: str | None, amounts: Iterable[Decimal | None]) -> Decimal | None:
    total = Decimal(0)
    for amount in amounts:
        if amount is None or asset is None:
            return None
        total = _WIDE.add(total, amount)
    return total


def recount(account_id: int, instrument_id: int, strategy_id: str = "") -> tuple[Decimal, Decimal, Decimal]:
    """(quantity, realised, fees) of a position counted again from its fills: what the position must equal, to the last unit.
    Fees are those taken in the settle asset; others stand in the fills and in the ledger, in their own."""
    quantity = realised = fees = Decimal(0)
    fills = Fill.objects.filter(account_id=account_id, instrument_id=instrument_id, strategy_id=strategy_id)
    for fill in fills.select_related("instrument", "fee_asset", "instrument__base", "instrument__quote"):
        base = _WIDE.multiply(
            fill.quantity, fill.instrument.contract_size
        )  # fills count contracts, positions their base
        quantity = _WIDE.add(quantity, base if fill.side == "buy" else -base)
        realised = _WIDE.add(realised, fill.realised)
        if fill.fee_asset.code == rows.settle_code(fill.instrument):
            fees = _WIDE.add(fees, fill.fee)
    return quantity, realised, fees
