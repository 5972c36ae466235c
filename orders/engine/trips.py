"""What the core halted by itself -> a halt's row with what tripped, its limit and value, in the transaction that made it trip."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from marketdata import clock
from orders import sentences, shapes
from orders._core import (
    REASONS,
    SCOPE_ACCOUNT,
    SCOPE_EXCHANGE,
    SCOPE_INSTRUMENT,
    SCOPE_POSITION,
    SCOPE_STRATEGY,
    TRIP_FORMAT,
)
from orders.audit import lines
from orders.engine import numbers
from orders.engine.batch import Batch
from orders.engine.stops import BETWEEN, NUMBERS, SCOPES, STATES, UNNAMED
from orders.engine.teller import Teller
from orders.engine.world import World
from orders.ids import strategy_key

log = logging.getLogger(__name__)
SET_BY = "the engine"
_RECORD = struct.Struct(TRIP_FORMAT)
_WORDS = {number: word for word, number in STATES.items()}
_ROW = """
INSERT INTO orders_halt (scope, key, owner_id, state, reason, code, "limit", value, until, set_by, set_at, version)
VALUES (%(scope)s, %(key)s, %(owner)s, %(state)s, %(reason)s, %(code)s, %(limit)s, %(value)s, %(until)s, %(by)s, %(at)s, 1)
ON CONFLICT (scope, key, owner_id) DO UPDATE SET state = EXCLUDED.state, reason = EXCLUDED.reason, code = EXCLUDED.code,
  "limit" = EXCLUDED.limit, value = EXCLUDED.value, until = EXCLUDED.until, set_by = EXCLUDED.set_by, set_at = EXCLUDED.set_at,
  version = orders_halt.version + 1
"""


@dataclass(frozen=True, slots=True)
class Trip:
    """One record of the core's."""

    at_ns: int
    until_ns: int
    key: int
    scope: int
    code: str
    state: int
    limit: int
    value: int


def taken(core: Any) -> list[Trip]:
    """What tripped since the last call, oldest first."""
    found: list[Trip] = []
    while packed := core.trips():
        for row in _RECORD.iter_unpack(packed):
            at_ns, until_ns, key, scope, reason, state, *words = row
            limit, value = words[0] | (words[1] << 64), words[2] | (words[3] << 64)
            found.append(Trip(at_ns, until_ns, key, scope, REASONS[reason], state, limit, value))
    return found


def write(cursor: psycopg.Cursor[Any], batch: Batch, teller: Teller, world: World) -> None:
    """A row, a line of the audit and a journal entry for each; the accounts hear of it. Nothing to do is the usual case."""
    teller.core.watch(batch.at_ns)
    trips = taken(teller.core)
    for trip in trips:
        scope, key, owner_id = _named(batch, world, trip) or _numbered(trip)
        limit, value = numbers.show(trip.code, trip.limit), numbers.show(trip.code, trip.value)
        reason = sentences.of(shapes.reason_shape(trip.code, limit, value)) if trip.state else ""
        until = clock.from_ns(trip.until_ns) if trip.until_ns else None
        words = {
            "scope": scope, "key": key, "owner": owner_id, "state": _WORDS[trip.state], "reason": reason[:200],
            "code": trip.code if trip.state else "", "limit": limit, "value": value, "until": until, "by": SET_BY, "at": batch.at,
        }  # fmt: skip
        cursor.execute(_ROW, words)
        _audit(cursor, batch.at, words)
        _remember(world, trip, words)
        words_told = world.stops[trip.scope, trip.key] if trip.state else {}
        teller.tell(batch, ("set_halt", [trip.scope, trip.key, trip.state], words_told))
        log.warning("%s %s is %s: %s", scope, key, _WORDS[trip.state], reason)
    if trips:
        teller.announce_halts(batch, world)


def _named(batch: Batch, world: World, trip: Trip) -> tuple[str, str, int | None] | None:
    """Scope, key and owner as a row has them."""
    if trip.scope == SCOPE_ACCOUNT:
        account = world.accounts.get(trip.key)
        return ("account", account.name, account.owner_id) if account else None
    if (
        trip.scope == SCOPE_STRATEGY
    ):  # the core knows its number only; the order that made it trip is in this very batch
        for order in batch.touched.values():
            if strategy_key(order.account.owner_id, order.strategy_id) == trip.key:
                return "strategy", order.strategy_id, order.account.owner_id
        return None
    if trip.scope == SCOPE_EXCHANGE:
        name = next((spec.exchange for spec in world.instruments.values() if spec.exchange_id == trip.key), None)
        return ("exchange", name, None) if name else None
    spec = world.instruments.get(trip.key & 0xFFFFFFFF)
    market = f"{spec.exchange}:{spec.symbol}" if spec else ""
    if trip.scope == SCOPE_INSTRUMENT:
        return ("instrument", market, None) if spec else None
    account = world.accounts.get(trip.key >> 32)
    if trip.scope != SCOPE_POSITION or spec is None or account is None:
        return None
    return "position", f"{account.name}{BETWEEN}{market}", account.owner_id


def _numbered(trip: Trip) -> tuple[str, str, int | None]:
    """Of something that has no name here (any more): the row carries the core's number, or a restart would lose the halt."""
    scope = next(word for word, number in SCOPES.items() if number == trip.scope)
    log.error("%s tripped in scope %s, number %d, which has no name here", trip.code, scope, trip.key)
    return scope, f"{UNNAMED}{trip.key}", None


def _audit(cursor: psycopg.Cursor[Any], at: datetime, words: dict[str, Any]) -> None:
    told = lines.line(
        f"halt.{words['state']}", actor=SET_BY, target=f"{words['scope']}:{words['key']}", owner_id=words["owner"], at=at,
        code=words["code"], limit=str(words["limit"]), value=str(words["value"]),
    )  # fmt: skip
    lines.add(cursor, told)


def _remember(world: World, trip: Trip, words: dict[str, Any]) -> None:
    """The picture of the rows gets the row, so that nobody takes it for news."""
    place = trip.scope, trip.key
    world.halts[place] = trip.state
    world.stops[place] = {"reason": NUMBERS[trip.code], "limit": trip.limit, "value": trip.value}
    if trip.until_ns:
        world.stops[place]["until_ns"] = trip.until_ns
        world.due_ns = min(world.due_ns, trip.until_ns)
    world.halt_rows = [row for row in world.halt_rows if (row["scope"], row["key"]) != (words["scope"], words["key"])]
    if trip.state == 0:
        return
    world.halt_rows.append(
        {"scope": words["scope"], "key": words["key"], "state": words["state"], "owner_id": words["owner"],
         "reason": words["reason"], "set_by": SET_BY, "set_at": words["at"].isoformat(), "version": 0, "code": trip.code,
         "limit": words["limit"], "value": words["value"], "until": clock.iso(words["until"]) if words["until"] else None}
    )  # fmt: skip
