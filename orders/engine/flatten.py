"""Flat, step by step: cancel what is open, then close each position at the market, until nothing is left or nothing can be done.

One step a transaction. What a step did is in the rows, so a successor that finds the job unfinished simply goes on: it cancels
what is open and closes what is held, as they are then. The orders are numbered by the job, the number is stored with the step
that used it, and so none is placed twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from marketdata.precision import amount_text
from orders import messages, sentences, shapes
from orders.engine.batch import Batch
from orders.engine.change import matching, sweep
from orders.engine.orders import LiveOrder
from orders.engine.place import place
from orders.engine.recorder import Recorder
from orders.engine.world import InstrumentSpec
from orders.ids import body_hash

CANCELS_A_STEP = 2_000
ORDERS_A_STEP = 50
STEPS_MAX = 2_000  # of closing; a position that shrinks by less than that is not worth the wait
PAUSE_NS = 250_000_000  # between two tries to trade what could not be traded
PATIENCE_NS = 3_000_000_000  # so long nothing moved: nothing can be done
SOURCE = "flatten"
TOO_SMALL = ("QTY_MIN", "NOTIONAL_MIN")  # what is left is less than the instrument trades: dust

Where = tuple[int, str]  # (instrument, strategy)


@dataclass(slots=True)
class Job:
    """A flatten under way. `orders`, `canceled` and `canceled_at` are stored with each step, the rest begins anew after a crash."""

    id: int
    command: messages.Flatten
    raw: bytes
    actor: str
    asked_at: datetime
    orders: int = 0
    canceled: int = 0
    canceled_at: datetime | None = None
    steps: int = 0
    moved_ns: int = 0
    next_ns: int = 0
    dust: dict[Where, str] = field(default_factory=dict)
    stuck: dict[Where, dict[str, Any]] = field(default_factory=dict)

    @property
    def account_id(self) -> int:
        return self.command.account_id


@dataclass(frozen=True, slots=True)
class Held:
    """A position that is not flat, in whole lots; `spec` None where its instrument cannot be traded at all."""

    where: Where
    quantity: int
    lots: int
    spec: InstrumentSpec | None


def step(recorder: Recorder, cursor: psycopg.Cursor[Any], batch: Batch, job: Job) -> bool:
    """One step; True when the job is over: flat, or nothing can be done."""
    if job.moved_ns == 0:
        job.moved_ns = batch.at_ns
    if _cancel(recorder, batch, job):
        return False
    if job.canceled_at is None:
        job.canceled_at = batch.at
    wanted = [one for one in held(recorder, job.account_id) if one.lots and one.where not in job.dust]
    if not wanted:
        return True
    job.steps += 1
    for one in wanted[:ORDERS_A_STEP]:
        if _close(recorder, cursor, batch, job, one):
            job.moved_ns = batch.at_ns
    if any(one.lots and one.where not in job.dust for one in held(recorder, job.account_id)):
        job.next_ns = batch.at_ns if job.moved_ns == batch.at_ns else batch.at_ns + PAUSE_NS
        return batch.at_ns - job.moved_ns > PATIENCE_NS or job.steps >= STEPS_MAX
    return True


def held(recorder: Recorder, account_id: int) -> list[Held]:
    """What the account holds, strategy by strategy, largest number of lots first."""
    found = []
    for (owner, instrument_id, strategy_id), place_of in recorder.fold.books.positions.items():
        if owner != account_id or place_of[0] == 0:
            continue
        spec = recorder.world.instruments.get(instrument_id)
        lots = abs(place_of[0]) // spec.base_unit if spec else 1
        found.append(Held((instrument_id, strategy_id), place_of[0], lots, spec))
    return sorted(found, key=lambda one: -one.lots)


def answer(recorder: Recorder, batch: Batch, job: Job) -> dict[str, Any]:
    """What became of it, for the row and for whoever asked."""
    rest = held(recorder, job.account_id)
    dust = [one for one in rest if one.lots == 0 or one.where in job.dust]
    left = [one for one in rest if one not in dust]
    account = recorder.world.accounts[job.account_id]
    return {
        "account": account.name,
        "flat": not left,
        "canceled": job.canceled,
        "orders": job.orders,
        "canceled_ms": _ms(job.asked_at, job.canceled_at or batch.at),
        "took_ms": _ms(job.asked_at, batch.at),
        "dust": [_shown(recorder, one, {"code": job.dust.get(one.where, "QTY_MIN")}) for one in dust],
        "left": [_shown(recorder, one, job.stuck.get(one.where, {"code": "INSTRUMENT_NOT_TRADING"})) for one in left],
        "message": _sentence(account.name, len(left), len(dust)),
    }


def _cancel(recorder: Recorder, batch: Batch, job: Job) -> bool:
    """Cancel open orders, so many at once; True when some were."""
    all_of_it = messages.CancelAll(owner_id=job.command.owner_id, account_ids=[job.account_id])
    gone = matching(recorder, all_of_it)[:CANCELS_A_STEP]
    if gone:
        sweep(recorder, batch, job.raw, gone)
        job.canceled += sum(not order.is_open for order in gone)
        job.moved_ns = batch.at_ns
    return bool(gone)


def _close(recorder: Recorder, cursor: psycopg.Cursor[Any], batch: Batch, job: Job, one: Held) -> bool:
    """A reduce-only market order against one position; True when something was traded."""
    if one.spec is None:
        job.stuck[one.where] = {"code": "INSTRUMENT_NOT_TRADING"}
        return False
    lots = one.lots
    most = int(one.spec.quantity_max // one.spec.lot_size)
    if most:
        lots = min(lots, most)
    order = _order(recorder, cursor, batch, job, one, lots)
    reason = order.reason or {}
    if order.status == "rejected" and reason.get("code") == "BALANCE_INSUFFICIENT":
        affordable = _affordable(lots, reason)
        if affordable:
            order = _order(recorder, cursor, batch, job, one, affordable)
            reason = order.reason or {}
    if order.filled_lots:
        job.stuck.pop(one.where, None)
        return True
    if reason.get("code") in TOO_SMALL:
        job.dust[one.where] = reason["code"]
    else:
        job.stuck[one.where] = reason or {"code": "NO_LIQUIDITY"}
    return False


def _order(
    recorder: Recorder, cursor: psycopg.Cursor[Any], batch: Batch, job: Job, one: Held, lots: int
) -> LiveOrder:  # fmt: skip
    assert one.spec is not None
    job.orders += 1
    command = messages.Place(
        owner_id=job.command.owner_id, account_id=job.account_id, instrument_id=one.spec.id,
        spec_version=one.spec.spec_version, request_id=f"{SOURCE}~{job.id}~{job.orders}",
        body_hash=body_hash(SOURCE, job.id, job.orders), type="market", side="sell" if one.quantity > 0 else "buy",
        time_in_force="ioc", quantity_lots=lots, reduce_only=True, unwind=True, strategy_id=one.where[1], source=SOURCE,
    )  # fmt: skip
    place(recorder, cursor, batch, messages.encode(command), command, 0)
    order = recorder.orders.by_request(job.account_id, command.request_id)
    assert order is not None
    return order


def _affordable(lots: int, reason: dict[str, Any]) -> int:
    """So many lots as what is free pays for; 0 when none."""
    free, needed = Decimal(reason.get("limit") or 0), Decimal(reason.get("value") or 0)
    return int(lots * free / needed) if 0 < free < needed else 0


def _shown(recorder: Recorder, one: Held, reason: dict[str, Any]) -> dict[str, Any]:
    spec = one.spec or recorder.world.unusable.get(one.where[0])
    given = {"limit": None, "value": None, **reason}
    return {
        "exchange": spec.exchange if spec else "",
        "symbol": spec.symbol if spec else "",
        "strategy_id": one.where[1],
        "quantity": amount_text(one.quantity),
        "reason": shapes.reason_shape(given["code"], given["limit"], given["value"]),
        "message": sentences.of(given),
    }


def _sentence(account: str, left: int, dust: int) -> str:
    beside = f" {dust} remainder{'s' if dust > 1 else ''} too small to trade stayed." if dust else ""
    if left == 0:
        return f"{account} is flat: no order stands and nothing is held.{beside}"
    return f"{account} is NOT flat: {left} position{'s' if left > 1 else ''} could not be closed. Look at what is left.{beside}"


def _ms(begin: datetime, end: datetime) -> int:
    return max(0, round((end - begin).total_seconds() * 1000))
