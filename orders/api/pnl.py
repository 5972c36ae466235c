"""Profit and loss, and the equity curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from django.db.models import Case, DecimalField, F, Q, Sum, Value, When
from django.db.models.functions import TruncDate
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import clock
from marketdata.models import Instrument
from marketdata.precision import decimal_text
from orders import documents as docs
from orders import pnl, portfolio, shapes
from orders.api.base import PAGED, Query, View, address, chosen_accounts, everything, instruments_named
from orders.errors import ApiError, invalid
from orders.models import Account, EquityPoint, Fill, Position
from orders.rows import is_inverse
from orders.shapes import JSON

FOLDED_FILLS_MAX = 200_000
SPAN_DAYS_MAX = 400
GROUPS = ("day", "total")
MONEY = DecimalField(max_digits=38, decimal_places=18)
ZERO = Decimal(0)

Place = tuple[int, int, str]  # account_id, instrument_id, strategy_id: what a position is


@dataclass(slots=True)
class Sums:
    """What happened to one position on one day."""

    realised: Decimal = ZERO
    fees: Decimal = ZERO


class Pnl(View):
    """What trading made."""

    @extend_schema(
        operation_id="list_pnl",
        summary="What trading made, by account, symbol, strategy and day",
        description="In the settle asset: the quote, of an inverse contract the base. `unrealised` and `residual` are of the "
        "open position and stand in the row of today; earlier days have 0, so every column may be summed. A position whose "
        "mark is not known has null.",
        parameters=[
            docs.ACCOUNT,
            docs.EXCHANGE,
            docs.SYMBOL,
            docs.STRATEGY_ID,
            OpenApiParameter("method", enum=pnl.METHODS),
            OpenApiParameter("by", enum=GROUPS, description="Rows for each day (unless said), or totals."),
            *docs.SPAN,
            *docs.PAGE,
        ],
        responses={200: docs.page_of(docs.Pnl), 422: docs.Error, **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account", "exchange", "symbol", "strategy_id", "method", "by", "from", "to", *PAGED))
        method = query.choice("method", pnl.METHODS) or "average"
        by_day = (query.choice("by", GROUPS) or "day") == "day"
        span = _span(query)
        accounts = chosen_accounts(self.identity, query.text("account"))
        scope = Q(account_id__in=[account.pk for account in accounts])
        scope &= instruments_named(query.text("symbol"), query.text("exchange"))
        if (strategy_id := query.text("strategy_id")) is not None:
            scope &= Q(strategy_id=strategy_id)
        positions = list(Position.objects.filter(scope).select_related("account", "instrument"))
        if method == "average":
            days = _recorded(scope, span)
            costs = {_place(row): row.cost for row in positions}
            residuals = _residuals(scope, positions)
        else:
            days, costs = _folded(scope, method, span)
            residuals = {}
        marks = {row.instrument_id: _mark(row) for row in positions}
        names = {account.pk: account.name for account in accounts}
        found: list[JSON] = []
        for row in positions:
            place = _place(row)
            mark = marks.get(row.instrument_id)
            standing = _unrealised(row, mark, costs.get(place, ZERO))
            found += _rows(row, names, days.get(place, {}), standing, residuals.get(place, ZERO), by_day, span)
        return everything(request, query, found)


class Equity(View):
    """An account's worth over time."""

    @extend_schema(
        operation_id="list_equity",
        summary="An account's equity, once a minute, in its reporting asset",
        description="Of one account (your first unless said: what different accounts hold is never summed). Minutes at "
        "which it could not be known are missing.",
        parameters=[OpenApiParameter("account"), *docs.SPAN, docs.LIMIT],
        responses={200: docs.EquityCurve, **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account", "from", "to", "limit"))
        accounts = chosen_accounts(self.identity, query.text("account"))
        if not accounts:
            return Response({"results": [], "next": None, "account": "", "asset": ""})
        account: Account = accounts[0]
        points = EquityPoint.objects.filter(account=account)
        if moment := query.moment("from"):
            points = points.filter(at__gte=moment)
        if moment := query.moment("to"):
            points = points.filter(at__lt=moment)
        limit = query.limit()
        newest = list(points.order_by("-at")[: limit + 1])
        before = None
        if len(newest) > limit:
            newest.pop()
            before = address(request, to=clock.iso(newest[-1].at))
        rows = [
            [clock.to_ms(point.at), decimal_text(point.equity), decimal_text(point.cash_flow)]
            for point in reversed(newest)
        ]
        return Response(
            {"results": rows, "next": before, "account": account.name, "asset": account.reporting_asset.code}
        )


@dataclass(frozen=True, slots=True)
class Span:
    """From one time up to another; None = without end."""

    first: datetime | None
    last: datetime | None

    def fills(self) -> Q:
        found = Q()
        if self.first:
            found &= Q(at__gte=self.first)
        if self.last:
            found &= Q(at__lt=self.last)
        return found

    def holds(self, moment: datetime) -> bool:
        return (self.first is None or moment >= self.first) and (self.last is None or moment < self.last)


def _span(query: Query) -> Span:
    first, last = query.moment("from"), query.moment("to")
    if first and ((last or clock.now()) - first).days > SPAN_DAYS_MAX and last:
        raise invalid({"from": f"The span is longer than {SPAN_DAYS_MAX} days; ask for parts of it."})
    return Span(first, last)


def _place(row: Position | Fill) -> Place:
    return (row.account_id, row.instrument_id, row.strategy_id)


def _fee_in_settle() -> Case:
    """A fill's fee in what its instrument settles in: one of the other asset at the fill's price, one of a third is no part."""
    inverse = Q(instrument__inverse=True) & ~Q(instrument__kind=Instrument.Kind.SPOT)
    own = Q(fee_asset_id=F("instrument__quote_id"))
    other = Q(fee_asset_id=F("instrument__base_id"))
    return Case(
        When(inverse & other, then=F("fee")),
        When(inverse & own & Q(price__gt=0), then=F("fee") / F("price")),
        When(own & ~inverse, then=F("fee")),
        When(other & ~inverse, then=F("fee") * F("price")),
        default=Value(ZERO),
        output_field=MONEY,
    )


def _recorded(scope: Q, span: Span) -> dict[Place, dict[date, Sums]]:
    """What the engine recorded fill by fill under the average method, summed in the database."""
    rows = (
        Fill.objects.filter(scope, span.fills())
        .order_by()
        .annotate(day=TruncDate("at"))
        .values("account_id", "instrument_id", "strategy_id", "day")
        .annotate(made=Sum("realised"), paid=Sum(_fee_in_settle()))
    )
    found: dict[Place, dict[date, Sums]] = defaultdict(dict)
    for row in rows:
        place = (row["account_id"], row["instrument_id"], row["strategy_id"])
        found[place][row["day"]] = Sums(row["made"], row["paid"])
    return found


def _residuals(scope: Q, positions: Iterable[Position]) -> dict[Place, Decimal]:
    """What came in less what went out, plus what the open quantity cost, less what was realised: 0 but for rounding."""
    rows = (
        Fill.objects.filter(scope)
        .order_by()
        .values("account_id", "instrument_id", "strategy_id")
        .annotate(
            bought=Sum("cost", filter=Q(side="buy"), default=ZERO),
            sold=Sum("cost", filter=Q(side="sell"), default=ZERO),
            made=Sum("realised"),
        )
    )
    found: dict[Place, Decimal] = {}
    flows = {(row["account_id"], row["instrument_id"], row["strategy_id"]): row for row in rows}
    for position in positions:
        row = flows.get(_place(position), {"bought": ZERO, "sold": ZERO, "made": ZERO})
        came = row["sold"] - row["bought"] + position.cost
        found[_place(position)] = (-came if is_inverse(position.instrument) else came) - row["made"]
    return found


def _folded(scope: Q, method: str, span: Span) -> tuple[dict[Place, dict[date, Sums]], dict[Place, Decimal]]:
    """The same by a recount of all fills from the first, and what the open quantities cost under the method."""
    if Fill.objects.filter(scope)[: FOLDED_FILLS_MAX + 1].count() > FOLDED_FILLS_MAX:
        raise ApiError(
            422,
            "TOO_MANY_FILLS",
            f"More than {FOLDED_FILLS_MAX} fills would have to be recounted; narrow it by account, symbol or strategy_id.",
            limit=str(FOLDED_FILLS_MAX),
        )
    days: dict[Place, dict[date, Sums]] = defaultdict(lambda: defaultdict(Sums))
    folds: dict[Place, pnl.Fold] = {}
    fills = Fill.objects.filter(scope).select_related("instrument").annotate(paid=_fee_in_settle())
    for fill in fills.order_by("at", "account_seq").iterator(chunk_size=5000):
        place = _place(fill)
        if place not in folds:
            folds[place] = pnl.Fold(method, is_inverse(fill.instrument))
        made = folds[place].apply(pnl.Trade.of(fill.side, fill.cost, fill.quantity * fill.instrument.contract_size))
        if span.holds(fill.at):
            sums = days[place][fill.at.date()]
            sums.realised += pnl.money(made)
            sums.fees += fill.paid
    return days, {place: pnl.money(fold.cost) for place, fold in folds.items()}


def _mark(row: Position) -> Fraction | None:
    mark = portfolio.mark_of(row.instrument_id, row.instrument.tick_size)
    return mark.price if mark is not None and mark.fresh else None


def _unrealised(row: Position, mark: Fraction | None, cost: Decimal) -> Decimal | None:
    if not row.quantity:
        return ZERO
    return None if mark is None else portfolio.unrealised(row, mark, cost)


def _rows(
    position: Position,
    names: dict[int, str],
    days: dict[date, Sums],
    standing: Decimal | None,
    residual: Decimal,
    by_day: bool,
    span: Span,
) -> list[JSON]:
    """The rows of one position, the newest day last."""
    today = clock.now().date()
    if not by_day:
        total = Sums(
            sum((sums.realised for sums in days.values()), ZERO), sum((sums.fees for sums in days.values()), ZERO)
        )
        return [_row(position, names, None, total, standing, residual)]
    present = span.holds(clock.now())
    wanted = sorted(set(days) | ({today} if present and (position.quantity or residual) else set()))
    return [
        _row(
            position,
            names,
            day,
            days.get(day, Sums()),
            standing if day == today and present else ZERO,
            residual if day == today and present else ZERO,
        )
        for day in wanted
    ]


def _row(
    position: Position,
    names: dict[int, str],
    day: date | None,
    sums: Sums,
    unrealised: Decimal | None,
    residual: Decimal,
) -> JSON:
    return shapes.pnl_shape(
        account=names[position.account_id],
        symbol=position.instrument.symbol,
        strategy_id=position.strategy_id,
        day=day.isoformat() if day else None,
        realised=decimal_text(sums.realised),
        unrealised=None if unrealised is None else decimal_text(unrealised),
        fees=decimal_text(sums.fees),
        funding="0",
        residual=decimal_text(residual),
    )
