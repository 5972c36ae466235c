"""What bounds and stops trading, by scope, as its rows say it: limits, halts, gates; and when the clock alone changes one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg

from marketdata import clock
from marketdata.precision import decimal_text
from orders import limits
from orders._core import (
    GATE_ARM,
    HALT_ACTIVE,
    HALT_HALTED,
    HALT_REDUCING,
    REASONS,
    SCOPE_ACCOUNT,
    SCOPE_EXCHANGE,
    SCOPE_GLOBAL,
    SCOPE_INSTRUMENT,
    SCOPE_KEY,
    SCOPE_OWNER,
    SCOPE_POSITION,
    SCOPE_STRATEGY,
)
from orders.engine import numbers
from orders.engine.sweeps import KEPT_MS
from orders.ids import strategy_key

if TYPE_CHECKING:
    from orders.engine.world import World

MS_NS = 1_000_000
ITSELF = ("the clock", "the engine")  # who ends a halt without a person
STATES = {"active": HALT_ACTIVE, "reducing": HALT_REDUCING, "halted": HALT_HALTED}
UNNAMED = "#"  # before the core's own number, where a halt it made is of something without a name here
BETWEEN = "|"  # of an account and an instrument, in the key of a position
NUMBERS = {name: number for number, name in REASONS.items()}

SCOPES = {
    "global": SCOPE_GLOBAL, "exchange": SCOPE_EXCHANGE, "owner": SCOPE_OWNER, "account": SCOPE_ACCOUNT, "key": SCOPE_KEY,
    "strategy": SCOPE_STRATEGY, "instrument": SCOPE_INSTRUMENT, "position": SCOPE_POSITION,
}  # fmt: skip

#: (scope, key) as the core numbers them
Place = tuple[int, int]

_HALTS = """
SELECT h.scope, h.key, h.state, h.owner_id, h.reason, h.code, h.limit, h.value, h.until, h.set_by, h.set_at, h.version
FROM orders_halt h ORDER BY h.id
"""
_LIMITS = """
SELECT scope, key, owner_id, jsonb_object_agg(code, value::text) FROM orders_risklimit WHERE scope <> ''
GROUP BY scope, key, owner_id ORDER BY scope, key, owner_id
"""
_EXPIRE = """
UPDATE orders_halt SET state = 'active', code = '', "limit" = NULL, value = NULL, until = NULL, set_at = %(at)s,
       set_by = 'the clock', version = version + 1
WHERE until <= %(at)s AND state <> 'active'
"""


def expire(cursor: psycopg.Cursor[Any], at: datetime) -> None:
    """Locks whose time is over are no halts any more."""
    cursor.execute(_EXPIRE, {"at": at})


def read(cursor: psycopg.Cursor[Any], world: World) -> None:
    """Limits of scopes, halts and gates into a world whose instruments and accounts are read already."""
    _read_halts(cursor, world)
    _read_gates(cursor, world)
    for scope, key, owner_id, values in cursor.execute(_LIMITS).fetchall():
        pairs = tuple(sorted((code, Decimal(value)) for code, value in values.items()))
        for place in places(world, scope, _key_id(cursor, key) if scope == "key" else key, owner_id):
            world.limits[place] = limits.for_scope(scope, dict(pairs))


def _read_halts(cursor: psycopg.Cursor[Any], world: World) -> None:
    for scope, key, state, owner_id, reason, code, limit, value, until, set_by, set_at, version in cursor.execute(
        _HALTS
    ).fetchall():
        stop: dict[str, int] = {}
        if code in NUMBERS:
            stop = {"reason": NUMBERS[code], "limit": numbers.told(code, limit), "value": numbers.told(code, value)}
        if until is not None:
            stop["until_ns"] = clock.to_ms(until) * MS_NS
            world.due_ns = min(world.due_ns, stop["until_ns"]) if state != "active" else world.due_ns
        for place in places(world, scope, _key_id(cursor, key) if scope == "key" else key, owner_id):
            if state == "active" and set_by not in ITSELF and clock.now_ms() - clock.to_ms(set_at) < KEPT_MS:
                world.resumed[place] = clock.to_ms(set_at)
            if STATES[state] >= world.halts.get(place, HALT_ACTIVE):
                world.halts[place], world.stops[place] = STATES[state], stop
        if state != "active":
            world.halt_rows.append(
                {"scope": scope, "key": key, "state": state, "owner_id": owner_id, "reason": reason, "set_by": set_by,
                 "set_at": set_at.isoformat(), "version": version, "code": code, "limit": _text(limit), "value": _text(value),
                 "until": clock.iso(until) if until is not None else None}
            )  # fmt: skip


def _read_gates(cursor: psycopg.Cursor[Any], world: World) -> None:
    """A live account is armed by a person, for a time."""
    now_ns = clock.now_ns()
    rows = cursor.execute("SELECT id, armed_until FROM orders_account WHERE kind = 'live'").fetchall()
    for account_id, armed_until in rows:
        if account_id not in world.accounts:
            continue
        ends_ns = clock.to_ms(armed_until) * MS_NS if armed_until is not None else 0
        world.gates[SCOPE_ACCOUNT, account_id] = 0 if ends_ns > now_ns else GATE_ARM
        if ends_ns > now_ns:
            world.due_ns = min(world.due_ns, ends_ns)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else decimal_text(number)


def _key_id(cursor: psycopg.Cursor[Any], key: str) -> str:
    if key[:1] == UNNAMED:
        return key
    row = cursor.execute("SELECT id FROM orders_apikey WHERE key = %s", (key,)).fetchone()
    return str(row[0]) if row else ""


def places(world: World, scope: str, key: str, owner_id: int | None) -> Iterator[Place]:
    """(scope, key) as the core numbers them; a name that means nothing here stops nothing here. A key comes as its id."""
    accounts, instruments = world.accounts.values(), world.instruments.values()
    if owner_id is None and key[:1] == UNNAMED and key[1:].isdecimal():
        yield SCOPES[scope], int(key[1:])
    elif scope == "global":
        yield SCOPE_GLOBAL, 0
    elif scope == "owner" and owner_id is not None:
        yield SCOPE_OWNER, owner_id
    elif scope == "strategy" and owner_id is not None:
        yield SCOPE_STRATEGY, strategy_key(owner_id, key)
    elif scope == "account":
        yield from ((SCOPE_ACCOUNT, account.id) for account in accounts if account.name == key)
    elif scope == "exchange":
        yield from {(SCOPE_EXCHANGE, spec.exchange_id) for spec in instruments if spec.exchange == key}
    elif scope == "instrument":
        yield from ((SCOPE_INSTRUMENT, spec.id) for spec in instruments if f"{spec.exchange}:{spec.symbol}" == key)
    elif scope == "key" and key:
        yield SCOPE_KEY, int(key)
    elif scope == "position":
        name, _, market = key.partition(BETWEEN)
        for account in accounts:
            if account.name == name:
                for _, instrument_id in places(world, "instrument", market, None):
                    yield SCOPE_POSITION, account.id << 32 | instrument_id
