"""The live desk, and the events a run is told of: klines of the table, execution reports of the outbox, each after a
cursor."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from marketdata import clock, intervals, store
from marketdata.domain import Kline
from marketdata.models import Instrument
from marketdata.models import Kline as KlineRow
from marketdata.precision import decimal_text
from orders.models import Order
from orders.shapes import mean_price_text
from strategies.domain import Conditions, Market, Position, Report, Side, Signal

REPORTS_MAX = 200
KLINES_MAX = 500

_NEWEST_REPORT = "SELECT max(account_seq) FROM orders_executionreport WHERE account_id = %s"
_REPORTS = """
    SELECT account_seq, at, exec_type, payload::text FROM orders_executionreport
    WHERE account_id = %s AND account_seq > %s AND account_seq <= %s AND kind = 'report'
      AND payload -> 'order' ->> 'strategy_id' = %s
    ORDER BY account_seq LIMIT %s
"""
_POSITION = (
    "SELECT quantity, cost FROM orders_position WHERE account_id = %s AND instrument_id = %s AND strategy_id = %s"
)


class Closed(RuntimeError):
    """A strategy wished to trade after it was stopped."""


@dataclass
class Wish:
    """An order or a cancel a strategy asked for during one event."""

    number: int
    fields: dict[str, Any] = field(default_factory=dict)
    cancels: int | None = None


@dataclass
class LiveDesk:
    """A desk for one event of one run. What was wished is in `wishes` and `signals` afterwards, in order."""

    instrument: Instrument
    interval: str
    at: datetime
    held: Position
    next_number: int
    newest_open: datetime | None
    is_open: bool = True
    wishes: list[Wish] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)

    def klines(self, count: int) -> list[Kline]:
        """See Desk."""
        if self.newest_open is None:
            return []
        end = self.newest_open + _length(self.interval)
        return [bar for bar in store.history(self.instrument.pk, self.interval, end=end, limit=count) if bar.closed]

    def position(self) -> Position:
        """See Desk."""
        return self.held

    def buy(self, quantity: Decimal, price: Decimal | None = None, conditions: Conditions | None = None) -> int:
        """See Desk."""
        return self._order(Side.BUY, quantity, price, conditions)

    def sell(self, quantity: Decimal, price: Decimal | None = None, conditions: Conditions | None = None) -> int:
        """See Desk."""
        return self._order(Side.SELL, quantity, price, conditions)

    def cancel(self, number: int) -> None:
        """See Desk."""
        self.wishes.append(Wish(self._number(), cancels=number))

    def signal(self, signal: Signal) -> None:
        """See Desk."""
        self.signals.append(signal)

    def now(self) -> datetime:
        """See Desk."""
        return self.at

    def _order(self, side: Side, quantity: Decimal, price: Decimal | None, conditions: Conditions | None) -> int:
        if not self.is_open:
            raise Closed("it wished to trade after it was stopped")
        fields: dict[str, Any] = {
            "exchange": self.instrument.exchange.name,
            "symbol": self.instrument.symbol,
            "type": "market" if price is None else "limit",
            "side": side.value,
            "quantity": decimal_text(quantity),
        }
        if price is not None:
            fields |= {"price": decimal_text(price), "time_in_force": "gtc"}
        if conditions is not None:
            fields |= conditions.fields()
        wish = Wish(self._number(), fields)
        self.wishes.append(wish)
        return wish.number

    def _number(self) -> int:
        self.next_number += 1
        return self.next_number - 1


def market_of(instrument: Instrument) -> Market:
    """An instrument as strategies know it."""
    return Market(
        instrument.exchange.name,
        instrument.symbol,
        instrument.tick_size,
        instrument.lot_size,
        instrument.quantity_min,
        instrument.notional_min,
    )


# -- klines -----------------------------------------------------------------------------------------------------------


def newest_closed(instrument_id: int, interval: str) -> datetime | None:
    """Open time of the newest closed kline there is."""
    closed = [bar for bar in store.history(instrument_id, interval, limit=2) if bar.closed]
    return clock.from_ms(closed[-1].open_ms) if closed else None


def klines_after(instrument_id: int, interval: str, cursor: datetime, limit: int = KLINES_MAX) -> list[Kline]:
    """The next closed klines after the one that opened at `cursor`, oldest first, however far behind the newest they
    are."""
    length = _length(interval)
    first = cursor + length
    bars = store.history(instrument_id, interval, first=first, end=first + limit * length, limit=limit)
    if not bars:
        jump = _next_stored(instrument_id, interval, first)
        if jump is not None:
            bars = store.history(instrument_id, interval, first=jump, end=jump + limit * length, limit=limit)
    return [bar for bar in bars if bar.closed]


def klines_waiting(instrument_id: int, interval: str, cursor: datetime, most: int) -> list[Kline]:
    """The newest `most` closed klines after the cursor."""
    bars = store.history(instrument_id, interval, first=cursor + _length(interval), limit=most + 1)
    return [bar for bar in bars if bar.closed][-most:]


def _next_stored(instrument_id: int, interval: str, first: datetime) -> datetime | None:
    """Where the series goes on after a hole, at the open of a bar of this interval."""
    row = (
        KlineRow.objects.filter(
            instrument_id=instrument_id, interval__in={interval, intervals.BASE}, open_time__gte=first
        )
        .order_by("open_time")
        .values_list("open_time", flat=True)
        .first()
    )
    return None if row is None else clock.from_ms(intervals.open_ms(clock.to_ms(row), interval))


def close_time(bar: Kline, interval: str) -> datetime:
    """When a kline closed."""
    return clock.from_ms(intervals.close_ms(bar.open_ms, interval))


def _length(interval: str) -> timedelta:
    return timedelta(milliseconds=intervals.length_ms(interval))


# -- reports ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard:
    """One row of the outbox about an order of the strategy, whichever run placed it."""

    seq: int
    at: datetime
    exec_type: str
    payload: dict[str, Any]

    @property
    def request_id(self) -> str:
        """The request_id the order was placed under; of a leg, that of the order it follows."""
        parent = self.payload["order"].get("parent_id")
        if parent is None:
            return str(self.payload["order"]["request_id"])
        return str(Order.objects.filter(pk=parent).values_list("request_id", flat=True).first() or "")

    @property
    def leg(self) -> str:
        """`tp` or `sl`; '' for an order that was placed."""
        order = self.payload["order"]
        return str(order["request_id"])[:2] if order.get("parent_id") else ""

    def position(self, instrument: Instrument) -> dict[str, Any] | None:
        """The strategy's position after it, as a run keeps it; None when it says nothing of it."""
        position = self.payload.get("position")
        if not position or position.get("symbol") != instrument.symbol:
            return None
        return {"quantity": position["quantity"], "average_price": position.get("average_price"), "seq": self.seq}

    def report(self, number: int) -> Report:
        """As the strategy is told of it."""
        order = self.payload["order"]
        average = order.get("average_price")
        return Report(
            number=number,
            exec_type=self.exec_type,
            status=order["status"],
            side=Side(order["side"]),
            quantity=Decimal(order["quantity"]),
            filled_quantity=Decimal(order["filled_quantity"]),
            average_price=None if average is None else Decimal(average),
            code=(order.get("reason") or {}).get("code", ""),
            at=self.at,
            leg=self.leg,
        )


def newest_report(account_id: int) -> int:
    """account_seq of the newest row of an account's outbox; 0 when it is empty."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST_REPORT, [account_id])
        return int(cursor.fetchone()[0] or 0)


def reports_after(account_id: int, strategy_id: str, cursor_seq: int) -> tuple[list[Heard], int]:
    """The next rows about a strategy's orders, and the account_seq up to which nothing else is to be read."""
    top = newest_report(account_id)
    if top <= cursor_seq:
        return [], cursor_seq
    with connection.cursor() as cursor:
        cursor.execute(_REPORTS, [account_id, cursor_seq, top, strategy_id, REPORTS_MAX])
        heard = [Heard(seq, at, exec_type, json.loads(payload)) for seq, at, exec_type, payload in cursor.fetchall()]
    return heard, heard[-1].seq if len(heard) == REPORTS_MAX else top


def position_row(account_id: int, instrument_id: int, strategy_id: str) -> dict[str, Any]:
    """The strategy's position as the table has it, as a run keeps it."""
    with connection.cursor() as cursor:
        cursor.execute(_POSITION, [account_id, instrument_id, strategy_id])
        row = cursor.fetchone()
    if row is None or not row[0]:
        return {}
    quantity, cost = row
    return {"quantity": decimal_text(quantity), "average_price": mean_price_text(cost, quantity)}


def position_of(kept: dict[str, Any]) -> Position:
    """A run's kept position as strategies see it."""
    average = kept.get("average_price")
    return Position(Decimal(kept.get("quantity", "0")), None if average is None else Decimal(average))
