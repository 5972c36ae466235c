"""What the engine must know of the world, read from rows: accounts, instruments, limits, halts, fundings.

`read` makes an immutable picture of the rows; `told` says what the core must be told when one picture follows another. What the
core was told is journalled, so that a replay needs no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import psycopg

from orders import limits
from orders._core import (
    HALT_ACTIVE,
    INSTRUMENT_DELISTED,
    INSTRUMENT_HALTED,
    INSTRUMENT_TRADING,
    KIND_INVERSE,
    KIND_LINEAR,
    KIND_SPOT,
    SCOPE_ACCOUNT,
)
from orders.engine import stops

AMOUNT_UNIT = 10**18
NEVER_NS = 2**63 - 1
_STATUS = {"trading": INSTRUMENT_TRADING, "halted": INSTRUMENT_HALTED, "delisted": INSTRUMENT_DELISTED}

#: (method of Core, its positional arguments, its keyword arguments)
Telling = tuple[str, list[int], dict[str, Any]]


class SpecError(Exception):
    """An instrument's steps cannot be represented exactly; it is left out and its orders are refused."""


@dataclass(frozen=True, slots=True)
class InstrumentSpec:
    """An instrument as the engine trades it; units are amounts of 10^-18."""

    id: int
    exchange_id: int
    exchange: str
    source: str
    symbol: str
    base_id: int
    base: str
    quote_id: int
    quote: str
    tick_size: Decimal
    lot_size: Decimal
    contract_size: Decimal
    quantity_min: Decimal
    quantity_max: Decimal
    notional_min: Decimal
    status: str
    spec_version: int
    maker_fee_ppm: int
    taker_fee_ppm: int
    kind: str
    inverse: bool
    stale_after_ms: int
    simulation: dict[str, Any] = field(compare=False, hash=False)
    # one tick as a price and one lot as a quantity, of 10^-18; made once, for they are asked of every order
    tick: int = field(init=False, compare=False, hash=False, default=0)
    lot: int = field(init=False, compare=False, hash=False, default=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tick", int(self.tick_size.scaleb(18)))
        object.__setattr__(self, "lot", int(self.lot_size.scaleb(18)))

    @property
    def is_contract(self) -> bool:
        """Fills move only what was realised and fees."""
        return self.kind != "spot"

    @property
    def is_inverse(self) -> bool:
        """A contract worth a fixed amount of quote, settled in base."""
        return self.is_contract and self.inverse

    @property
    def settle_id(self) -> int:
        """The asset that fees and what a contract realised are counted in."""
        return self.base_id if self.is_inverse else self.quote_id

    @property
    def settle(self) -> str:
        """Its code."""
        return self.base if self.is_inverse else self.quote

    @property
    def base_unit(self) -> int:
        """What a position counts of one lot: base; of an inverse contract quote."""
        return _exact(self.lot_size * self.contract_size * AMOUNT_UNIT, self.symbol)

    @property
    def quote_unit(self) -> int:
        """Quote amount of one tick times one lot; of an inverse contract the price of one tick."""
        if self.is_inverse:
            return _exact(self.tick_size * AMOUNT_UNIT, self.symbol)
        return _exact(self.tick_size * self.lot_size * self.contract_size * AMOUNT_UNIT, self.symbol)

    def notional(self, side: str, ticks: int, lots: int) -> tuple[int, int]:
        """(what a fill is worth in the settle asset, what rounding added to it). Only an inverse contract is ever rounded:
        down for who buys, up for who sells, against the trader both times."""
        if not self.is_inverse:
            return ticks * lots * self.quote_unit, 0
        whole, rest = divmod(lots * self.base_unit * AMOUNT_UNIT, ticks * self.quote_unit)
        return (whole, 0) if side == "buy" or not rest else (whole + 1, 1)

    def telling(self) -> Telling:
        """What the core is told of it."""
        kind = (KIND_INVERSE if self.inverse else KIND_LINEAR) if self.is_contract else KIND_SPOT
        return (
            "set_instrument",
            [self.id],
            {
                "exchange": self.exchange_id,
                "spec_version": self.spec_version,
                "base_asset": self.base_id,
                "quote_asset": self.quote_id,
                "base_unit": self.base_unit,
                "quote_unit": self.quote_unit,
                "quantity_min_lots": -(-self.quantity_min // self.lot_size).__int__(),
                "quantity_max_lots": int(self.quantity_max // self.lot_size),
                "notional_min": int(self.notional_min * AMOUNT_UNIT),
                "status": _STATUS[self.status],
                "maker_fee_ppm": self.maker_fee_ppm,
                "taker_fee_ppm": self.taker_fee_ppm,
                "kind": kind,
                "stale_after_ns": self.stale_after_ms * 1_000_000,
            },
        )


def _exact(value: Decimal, symbol: str) -> int:
    if value != int(value) or value <= 0:
        raise SpecError(f"{symbol}: tick size times lot size is finer than 18 places")
    return int(value)


@dataclass(frozen=True, slots=True)
class AccountSpec:
    """An account as the engine knows it."""

    id: int
    name: str
    owner_id: int
    exchange_id: int
    exchange: str
    kind: str
    reporting_asset_id: int
    reporting_asset: str
    margin: int
    limits: tuple[tuple[str, Decimal], ...]

    def telling(self) -> Telling:
        """What the core is told of it."""
        words = {"owner": self.owner_id, "exchange": self.exchange_id, "reporting_asset": self.reporting_asset_id}
        return "set_account", [self.id], words | {"margin": self.margin}


@dataclass(frozen=True, slots=True)
class FundingRow:
    """A wish to change an account's money that no engine has answered yet."""

    id: int
    account_id: int
    kind: str
    asset_id: int | None
    amount: int


@dataclass(slots=True)
class World:
    """One picture of the rows."""

    instruments: dict[int, InstrumentSpec] = field(default_factory=dict)
    accounts: dict[int, AccountSpec] = field(default_factory=dict)
    assets: dict[int, str] = field(default_factory=dict)
    halts: dict[stops.Place, int] = field(default_factory=dict)
    stops: dict[stops.Place, dict[str, int]] = field(default_factory=dict)  # of halts that tripped: why, until when
    resumed: dict[stops.Place, int] = field(default_factory=dict)  # scopes a person let go on lately, and when, in ms
    gates: dict[stops.Place, int] = field(default_factory=dict)
    limits: dict[stops.Place, dict[str, int]] = field(default_factory=dict)  # of every scope but accounts
    due_ns: int = NEVER_NS  # when the clock alone changes this picture
    halt_rows: list[dict[str, Any]] = field(default_factory=list)
    fundings: list[FundingRow] = field(default_factory=list)
    openings: dict[int, dict[int, int]] = field(default_factory=dict)
    leaving: dict[int, int] = field(default_factory=dict)  # owner -> the shard that is to have it
    arriving: list[int] = field(default_factory=list)  # owners another shard let go for us
    wrong: list[str] = field(default_factory=list)
    unusable: dict[int, InstrumentSpec] = field(default_factory=dict)  # those of `wrong`: names for the orders they had


_INSTRUMENTS = """
SELECT i.id, e.id, e.name, e.source, i.symbol, b.id, b.code, q.id, q.code, i.tick_size, i.lot_size, i.contract_size,
       i.quantity_min, i.quantity_max, i.notional_min, CASE WHEN e.enabled THEN i.status ELSE 'halted' END, i.spec_version,
       e.maker_fee_ppm, e.taker_fee_ppm, i.kind, i.inverse, i.stale_after_ms, i.simulation
FROM marketdata_instrument i JOIN marketdata_exchange e ON e.id = i.exchange_id
JOIN marketdata_asset b ON b.id = i.base_id JOIN marketdata_asset q ON q.id = i.quote_id ORDER BY i.id
"""
_ACCOUNTS = """
SELECT a.id, a.name, a.owner_id, e.id, e.name, a.kind, r.id, r.code, a.margin,
       COALESCE((SELECT jsonb_object_agg(code, value::text) FROM orders_risklimit WHERE profile_id = a.profile_id), '{}')
    || COALESCE((SELECT jsonb_object_agg(code, value::text) FROM orders_risklimit WHERE account_id = a.id), '{}')
FROM orders_account a JOIN orders_owner o ON o.id = a.owner_id JOIN marketdata_exchange e ON e.id = a.exchange_id
JOIN marketdata_asset r ON r.id = a.reporting_asset_id WHERE o.shard = %s AND o.settled ORDER BY a.id
"""
_MOVING = """
SELECT id, moving_to, settled FROM orders_owner
WHERE shard = %s AND (moving_to IS NOT NULL AND moving_to <> shard OR NOT settled) ORDER BY id
"""
_FUNDINGS = """
SELECT f.id, f.account_id, f.kind, f.asset_id, (f.amount * 1e18)::numeric(56,0)
FROM orders_funding f JOIN orders_owner o ON o.id = f.owner_id
WHERE o.shard = %s AND f.applied_seq IS NULL AND f.refused = '' ORDER BY f.id
"""
_OPENINGS = """
SELECT f.account_id, f.asset_id, (sum(f.amount) * 1e18)::numeric(56,0)
FROM orders_funding f JOIN orders_owner o ON o.id = f.owner_id
WHERE o.shard = %s AND f.kind = 'opening' AND f.refused = '' GROUP BY f.account_id, f.asset_id
ORDER BY f.account_id, f.asset_id
"""


def read(cursor: psycopg.Cursor[Any], shard: int) -> World:
    """The rows as they are in this transaction."""
    world = World()
    world.assets = dict(cursor.execute("SELECT id, code FROM marketdata_asset").fetchall())
    for row in cursor.execute(_INSTRUMENTS).fetchall():
        spec = InstrumentSpec(*row)
        try:
            spec.telling()
        except (SpecError, ArithmeticError) as error:
            world.wrong.append(str(error))
            world.unusable[spec.id] = spec
            continue
        world.instruments[spec.id] = spec
    for *columns, values in cursor.execute(_ACCOUNTS, (shard,)).fetchall():
        pairs = tuple(sorted((code, Decimal(value)) for code, value in values.items()))
        account = AccountSpec(*columns, pairs)
        world.accounts[account.id] = account
    for owner_id, to, settled in cursor.execute(_MOVING, (shard,)).fetchall():
        if not settled:
            world.arriving.append(owner_id)
        else:
            world.leaving[owner_id] = to
    stops.read(cursor, world)
    world.fundings = [
        FundingRow(row[0], row[1], row[2], row[3], int(row[4]))
        for row in cursor.execute(_FUNDINGS, (shard,)).fetchall()
    ]
    for account_id, asset_id, amount in cursor.execute(_OPENINGS, (shard,)).fetchall():
        world.openings.setdefault(account_id, {})[asset_id] = int(amount)
    return world


def told(old: World, new: World) -> Iterator[Telling]:
    """What the core must be told when `new` follows `old`, in the order it must hear it. Deterministic."""
    for spec in list(new.instruments.values()):  # whoever hears this may leave one out meanwhile
        if old.instruments.get(spec.id) != spec:
            yield spec.telling()
    for gone in old.instruments.keys() - new.instruments.keys():
        method, arguments, words = old.instruments[gone].telling()
        yield method, arguments, words | {"status": INSTRUMENT_DELISTED}
    for account in new.accounts.values():
        before = old.accounts.get(account.id)
        if before is None or before.telling() != account.telling():
            yield account.telling()
        if before is None or before.limits != account.limits:
            values = limits.for_core(dict(account.limits))
            if values is not None:
                yield "set_limits", [SCOPE_ACCOUNT, account.id], values
            elif before is not None:
                yield "clear_limits", [SCOPE_ACCOUNT, account.id], {}
    yield from _stops_told(old, new)


def _stops_told(old: World, new: World) -> Iterator[Telling]:
    for place in sorted(old.limits.keys() | new.limits.keys()):
        wanted = new.limits.get(place)
        if wanted is None:
            yield "clear_limits", [*place], {}
        elif old.limits.get(place) != wanted:
            yield "set_limits", [*place], dict(wanted)
    for place in sorted(old.gates.keys() | new.gates.keys()):
        if old.gates.get(place) != new.gates.get(place, 0):
            yield "set_gates", [*place, new.gates.get(place, 0)], {}
    for place in sorted(old.halts.keys() | new.halts.keys()):
        state = new.halts.get(place, HALT_ACTIVE)
        if old.halts.get(place, HALT_ACTIVE) != state:
            yield "set_halt", [*place, state], dict(new.stops.get(place, {})) if state != HALT_ACTIVE else {}
