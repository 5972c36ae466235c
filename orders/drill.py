"""The kill drill: halt, cancel all and flatten a paper account that is trading, and measure how long each took.

Nothing is pretended: orders are placed through the ordinary door the whole time, the halt is the row every halt is, and all
moments but the press itself are those of the engine's own rows.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Max, Min

from marketdata import clock, store
from marketdata.models import Exchange, Instrument
from marketdata.precision import decimal_text
from orders import seeding, services, urgent
from orders.errors import ApiError
from orders.models import Account, Drill, Halt, Order, Owner
from orders.shapes import PAPER_KINDS

LAST_ORDER_MS, CANCEL_MS = 1000, 3000  # what it is held against
STANDING = 5  # orders that wait while the press comes
PACE_S = 0.01  # between two orders of the one that goes on placing
KNOWN_S = 8.0  # how long an engine may take to know a new account
WAIT_S = 30.0
ABANDONED = timedelta(minutes=2)
WORTH = 20  # smallest orders' worth that is bought to be sold again

_pause = threading.Event()  # never set: a bounded rest


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where it is played."""

    owner: Owner
    account: Account
    instrument: Instrument
    price: Decimal

    def fields(self, **more: str) -> dict[str, Any]:
        market = {"exchange": self.account.exchange.name, "symbol": self.instrument.symbol}
        return {
            "account": self.account.name,
            "side": "buy",
            "allow_duplicate": True,
            "source": "drill",
            **market,
            **more,
        }

    def far(self) -> dict[str, Any]:
        """An order that will not trade: at half the price."""
        step = self.instrument.tick_size
        price = self.price / 2 // step * step
        return self.fields(type="limit", price=decimal_text(price), quantity=decimal_text(self.quantity(2)))

    def quantity(self, times: int) -> Decimal:
        """So many times the smallest order there may be, at half the price."""
        spec = self.instrument
        least = max(spec.quantity_min, spec.notional_min * 2 / self.price, spec.lot_size)
        return -(-least * times // spec.lot_size) * spec.lot_size


class _Trader(threading.Thread):
    """Goes on placing until it is told to end, as a strategy would."""

    def __init__(self, stage: _Stage) -> None:
        super().__init__(name="kill drill", daemon=True)
        self.stage = stage
        self.over = threading.Event()
        self.taken = self.refused = 0

    def run(self) -> None:
        try:
            while not self.over.wait(PACE_S):
                if services.place(self.stage.owner, self.stage.far()).status == 201:
                    self.taken += 1
                else:
                    self.refused += 1
        finally:
            connection.close()


def run(owner: Owner, by: str, account: Account | None = None) -> Drill:
    """One drill, from the first order to the release. Raises ApiError when it cannot be played, with nothing left behind."""
    if account is not None and account.kind not in PAPER_KINDS:
        raise _refused("A drill sells what the account holds, so it is only played on paper. Nothing was done.")
    if Drill.objects.filter(owner=owner, flat_ms=None, detail={}, at__gt=clock.now() - ABANDONED).exists():
        raise ApiError(409, "DRILL_RUNNING", "A drill of yours is under way; its result will stand here in a moment.")
    account = account or account_for(owner)
    stage = _stage(owner, account)
    row = Drill.objects.create(owner=owner, account=account, actor=by[:96], at=clock.now())
    trader = _Trader(stage)
    try:
        _prepare(stage)
        trader.start()
        _until(lambda: trader.taken > 2, WAIT_S)
        _press(row, stage, trader, by)
    except ApiError as error:
        row.detail = {"failed": error.message}
        raise
    finally:
        trader.over.set()
        if trader.is_alive():
            trader.join(5)
        services.set_halt("account", account.name, Halt.State.ACTIVE, by=by, reason="the drill is over", owner=owner)
        row.orders = trader.taken + STANDING + 1
        row.save()
    return row


def account_for(owner: Owner) -> Account:
    """The account made for drills: simulated, with the usual paper money."""
    name = name_for(owner)
    found = Account.objects.filter(owner=owner, name=name).select_related("exchange").first()
    if found is not None:
        return found
    exchange = Exchange.objects.filter(source=Exchange.Source.SIMULATOR, enabled=True).order_by("id").first()
    if exchange is None:
        raise _refused("There is no simulated exchange to play a drill on; name a paper account. Nothing was done.")
    return seeding.seed_account(owner, {"name": name, "exchange": exchange.name})[0]


def name_for(owner: Owner) -> str:
    """What it is called."""
    return f"drill-{owner.name}"[:64]


def _stage(owner: Owner, account: Account) -> _Stage:
    stops = Halt.objects.exclude(state=Halt.State.ACTIVE).filter(scope__in=("global", "owner", "account"))
    if stops.filter(scope="global").exists() or stops.filter(owner=owner, key__in=(owner.name, account.name)).exists():
        raise _refused("Trading is stopped, and a drill needs orders to stop. Resume first; nothing was done.")
    found = Instrument.objects.filter(exchange=account.exchange, status="trading", kind="spot").order_by("id").first()
    bar = store.latest(found.pk) if found else None
    if found is None or bar is None:
        raise _refused("Nothing is traded on this account's exchange yet, so no drill can be played. Nothing was done.")
    return _Stage(owner, account, found, bar.close)


def _prepare(stage: _Stage) -> None:
    """Something to lose: a position, and orders that stand."""
    until_ns = clock.monotonic_ns() + int(KNOWN_S * 1e9)
    first = stage.fields(type="market", quantity=decimal_text(stage.quantity(WORTH)))
    reply = services.place(stage.owner, first)
    while (
        reply.status in (404, 422, 503) and clock.monotonic_ns() < until_ns
    ):  # a new account, or its money, is not known yet
        _pause.wait(0.1)
        reply = services.place(stage.owner, first)
    if reply.status != 201:
        raise _refused(json.loads(reply.body).get("message", "No engine answered."))
    for _ in range(STANDING):
        services.place(stage.owner, stage.far())


def _press(row: Drill, stage: _Stage, trader: _Trader, by: str) -> None:
    """The press, and what followed, by the rows."""
    pressed_at = row.at = clock.now()
    account = stage.account
    services.set_halt("account", account.name, Halt.State.HALTED, by=by, reason="kill drill", owner=stage.owner)
    reply = services.cancel_all(stage.owner, account_ids=[account.pk])
    flat = urgent.wait(urgent.flatten(account, by), WAIT_S)
    _until(lambda: trader.refused > 0, 2.0)
    mine = Order.objects.filter(account=account, created_at__gt=pressed_at - timedelta(minutes=5))
    taken = mine.exclude(status="rejected").exclude(source="flatten").aggregate(last=Max("created_at"))
    ended = mine.filter(status="canceled", updated_at__gt=pressed_at).aggregate(
        first=Min("updated_at"), last=Max("updated_at")
    )
    row.last_order_ms = _ms(pressed_at, taken["last"])
    row.cancel_issued_ms, row.canceled_ms = _ms(pressed_at, ended["first"]), _ms(pressed_at, ended["last"])
    answer = flat.answer or {}
    row.flat_ms = _ms(pressed_at, flat.decided_at) if answer.get("flat") else None
    row.detail = {
        "cancel_all": reply.status, "flatten": flat.pk, "canceled": answer.get("canceled", 0), "closing_orders": answer.get("orders", 0),
        "refused_after": trader.refused, "left": answer.get("left", []), "message": answer.get("message", "Not flat yet."),
    }  # fmt: skip


def _ms(begin: datetime, end: datetime | None) -> int | None:
    return None if end is None else max(0, round((end - begin).total_seconds() * 1000))


def _until(done: Any, seconds: float) -> None:
    until_ns = clock.monotonic_ns() + int(seconds * 1e9)
    while not done() and clock.monotonic_ns() < until_ns:
        _pause.wait(0.005)


def _refused(message: str) -> ApiError:
    return ApiError(422, "DRILL_IMPOSSIBLE", message)


def passed(row: Drill) -> bool:
    """Whether it was as fast as it must be, and flat in the end."""
    times = row.last_order_ms, row.cancel_issued_ms, row.flat_ms
    return None not in times and row.last_order_ms <= LAST_ORDER_MS and row.cancel_issued_ms <= CANCEL_MS  # type: ignore[operator]


def shape(row: Drill) -> dict[str, Any]:
    """A drill as the API answers it; times in milliseconds since the press."""
    return {
        "id": row.pk, "account": row.account.name, "at": clock.iso(row.at), "by": row.actor, "passed": passed(row),
        "last_order_ms": row.last_order_ms, "cancel_issued_ms": row.cancel_issued_ms, "canceled_ms": row.canceled_ms,
        "flat_ms": row.flat_ms, "orders": row.orders,
        "message": row.detail.get("message") or row.detail.get("failed", ""),
    }  # fmt: skip
