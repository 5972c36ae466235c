"""Plain wishes, read in the time of a few dictionary look-ups: a limit or market order without conditions, a cancel by name.

Whatever is not plainly right is None, and `intake` reads it in full and says what is wrong with it. What is read here is to the
byte what `intake` makes of the same fields: a test holds the two together.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from marketdata import clock
from marketdata.precision import decimal_text, ratio
from orders import catalog, messages
from orders.identity import Identity
from orders.ids import body_hash
from orders.shapes import PAPER_KINDS

REMEMBERED_MAX = 10_000
_FIELDS = frozenset(("account", "exchange", "symbol", "side", "type", "price", "quantity", "time_in_force", "request_id",
                     "strategy_id", "source", "post_only", "reduce_only", "allow_duplicate"))  # fmt: skip
_TIFS = frozenset(("gtc", "ioc", "fok"))
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,14})(?:\.([0-9]{1,15}))?", re.ASCII).fullmatch
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII).fullmatch


class _Where(NamedTuple):
    """Where an order goes: found once, true while the catalog and the caller's identity are the same."""

    identity: Identity
    generation: int
    account_id: int
    instrument_id: int
    spec_version: int
    tick: tuple[int, int]
    lot: tuple[int, int]
    order_max: str | None
    day_max: str | None


class _Reach(NamedTuple):
    identity: Identity
    generation: int
    account_ids: list[int]


_where: dict[tuple[Any, ...], _Where] = {}
_reach: dict[tuple[Any, ...], _Reach] = {}


def place(identity: Identity, body: Mapping[str, Any]) -> messages.Place | None:
    """A plain place, or None. Raises catalog.NotInMemory."""
    if not body.keys() <= _FIELDS:
        return None
    get = body.get
    side, kind, request_id = get("side"), get("type"), get("request_id")
    where = _place_of(identity, get("account"), get("exchange"), get("symbol"))
    if where is None or (side != "buy" and side != "sell"):
        return None
    quantity = _steps(get("quantity"), where.lot)
    if kind == "limit":
        price, tif = _steps(get("price"), where.tick), "gtc"
    elif kind == "market" and get("price") is None:
        price, tif = (0, None), "ioc"
    else:
        return None
    asked_tif = get("time_in_force")
    if asked_tif is not None:
        tif = asked_tif
    if quantity is None or price is None or type(tif) is not str or tif not in _TIFS:
        return None
    if request_id is None:
        request_id = str(uuid.uuid4())
    elif type(request_id) is not str or not _REQUEST_ID(request_id):
        return None
    strategy_id = "" if (told := get("strategy_id")) is None else told
    source = "" if (told := get("source")) is None else told
    if type(strategy_id) is not str or type(source) is not str or len(strategy_id) > 64 or len(source) > 32:
        return None
    flags, parts = _flags(body)
    if flags is None:
        return None
    return messages.Place(
        owner_id=identity.owner_id, key_id=identity.key_id, account_id=where.account_id,
        instrument_id=where.instrument_id, spec_version=where.spec_version, request_id=request_id,
        body_hash=body_hash("place", where.account_id, where.instrument_id, kind, side, tif, price[1], quantity[1], "", "",
                            strategy_id, None, *parts),
        type=kind, side=side, time_in_force=tif, price_ticks=price[0], quantity_lots=quantity[0],
        post_only=flags[0], reduce_only=flags[1], allow_duplicate=flags[2], strategy_id=strategy_id, source=source,
        order_notional_max=where.order_max, day_notional_max=where.day_max,
        accepted_ns=clock.now_ns(),
    )  # fmt: skip


def cancel(identity: Identity, order: Mapping[str, Any]) -> messages.Cancel | None:
    """A plain cancel, or None. Raises catalog.NotInMemory."""
    request_id = order.get("request_id")
    client, order_id = order.get("client"), order.get("id")
    if len(order) != (1 if request_id is None else 2) or type(client or order_id) is not str:
        return None
    if request_id is None:
        request_id = str(uuid.uuid4())
    elif type(request_id) is not str or not _REQUEST_ID(request_id):
        return None
    if client is not None:
        if not _REQUEST_ID(client):
            return None
        order_id = ""
    else:
        try:
            order_id = str(uuid.UUID(order_id))
        except ValueError:
            return None
    return messages.Cancel(
        owner_id=identity.owner_id, key_id=identity.key_id, account_ids=_reach_of(identity), request_id=request_id,
        body_hash=body_hash("cancel", order_id, client or ""), id=order_id, client=client or "",
    )  # fmt: skip


def _flags(body: Mapping[str, Any]) -> tuple[tuple[bool, bool, bool] | None, list[str]]:
    """post_only, reduce_only, allow_duplicate, and what the hash of the body has of them; (None, …) when one is no flag."""
    found, parts = [], []
    for name in ("post_only", "reduce_only", "allow_duplicate"):
        value = body.get(name)
        if value is True:
            parts.append(f"{name}=True")
        elif value is not None and value is not False:
            return None, parts
        found.append(value is True)
    return (found[0], found[1], found[2]), parts


def _steps(value: Any, step: tuple[int, int]) -> tuple[int, str] | None:
    """(ticks or lots, canonical text) of a number above zero on its step, or None."""
    found = _NUMBER(value) if type(value) is str else None
    if found is None:
        return None
    whole, fraction = found.groups()
    number, places = step
    if fraction is None:
        units, text = int(whole) * 10**places, whole
    else:
        fraction = fraction.rstrip("0")
        if len(fraction) > places:
            return None
        units = int(whole + fraction.ljust(places, "0"))
        text = f"{whole}.{fraction}" if fraction else whole
    if number != 1:
        units, rest = divmod(units, number)
        if rest:
            return None
    return (units, text) if 0 < units <= 2**62 else None


def _place_of(identity: Identity, account: Any, exchange: Any, symbol: Any) -> _Where | None:
    known = catalog.default()
    generation = known.generation()
    key = (identity.key_id, identity.user_id, account, exchange, symbol)
    try:
        found = _where.get(key)
    except TypeError:  # a list or an object where a name belongs
        return None
    if found is not None and found.identity is identity and found.generation == generation:
        return found
    made = _find(identity, generation, known, account, exchange, symbol)
    if made is not None:
        if len(_where) >= REMEMBERED_MAX:
            _where.clear()
        _where[key] = made
    return made


def _find(
    identity: Identity, generation: int, known: catalog.Catalog, name: Any, exchange: Any, symbol: Any
) -> _Where | None:
    """Only what is there and allowed; whatever else is said about it is intake's to say."""
    if type(symbol) is not str or any(
        text is not None and (type(text) is not str or not text) for text in (name, exchange)
    ):
        return None
    if name is None:
        spec = known.instrument(exchange or "", symbol)
        account = known.default_of(identity.owner_id, spec.exchange) if spec else None
    else:
        account = known.account(name)
        spec = known.instrument(exchange or account.exchange, symbol) if account else None
    if account is None or account.owner_id != identity.owner_id or account.kind not in PAPER_KINDS:
        return None
    if spec is None or account.exchange != spec.exchange:
        return None
    if not identity.may_use_account(account.id) or not identity.may_use_symbol(spec.symbol):
        return None
    return _Where(
        identity, generation, account.id, spec.id, spec.spec_version, ratio(spec.tick_size), ratio(spec.lot_size),
        None if identity.order_notional_max is None else decimal_text(identity.order_notional_max),
        None if identity.day_notional_max is None else decimal_text(identity.day_notional_max),
    )  # fmt: skip


def _reach_of(identity: Identity) -> list[int]:
    known = catalog.default()
    generation = known.generation()
    key = (identity.key_id, identity.user_id)
    found = _reach.get(key)
    if found is None or found.identity is not identity or found.generation != generation:
        if len(_reach) >= REMEMBERED_MAX:
            _reach.clear()
        found = _reach[key] = _Reach(identity, generation, known.reachable(identity))
    return found.account_ids
