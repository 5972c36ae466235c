"""What a client asks, read strictly and turned into commands. Every door comes through here.

A field that is not known, a decimal that is not text, a word that is no word of ours: 400 with a sentence a field, nothing done.
`null` for an optional field is the field left out.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from marketdata import clock
from marketdata.precision import decimal_text, to_lots, to_ticks
from orders import catalog, conditions, messages, sentences
from orders.errors import ApiError
from orders.identity import Identity
from orders.ids import body_hash
from orders.reading import NO_FIELD, Reader, steps
from orders.shapes import PAPER_KINDS

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
TARGET = re.compile(rf"(?:tp~|sl~)?{REQUEST_ID.pattern}", re.ASCII)  # a leg of ours has a name too
SIDES = ("buy", "sell")
TEXTS = {"order_id": 128, "user_id": 128, "source": 32, "strategy_id": 64, "account": 64, "exchange": 32, "symbol": 48}
OTHERS = ("request_id", "client_order_id", "type", "side", "price", "quantity", "time_in_force", "spec_version", "tags",
          "is_paper_trading", "api_key")  # fmt: skip
# What the seed systems' newer clients send beside: kept with the order, read by nobody.
CARRIED = ("market_type", "strategy_name", "interval", "internal", "need_notification")
PLACE_FIELDS = frozenset((*TEXTS, *conditions.FIELDS, *OTHERS, *CARRIED))
CHANGE_FIELDS = frozenset(("id", "client", "price", "quantity", "request_id", "api_key"))


def read_place(identity: Identity, body: Mapping[str, Any], header_id: str = "") -> messages.Place:
    """A place as an engine understands it. Raises ApiError: 400, 403, 404, 409, 422."""
    reader = Reader(body, {})
    for name in body.keys() - PLACE_FIELDS:
        reader.wrong(name, NO_FIELD)
    texts = {name: reader.text(name, longest) for name, longest in TEXTS.items()}
    kind = reader.word("type", conditions.TYPES)
    side = reader.word("side", SIDES)
    time_in_force = reader.word("time_in_force", conditions.TIFS, "ioc" if kind == "market" else "gtc")
    price, quantity = _numbers(reader, kind)
    asked = conditions.read(reader, kind, time_in_force)
    is_paper_trading = reader.flag("is_paper_trading")
    request_id = _request_id(reader, header_id)
    if not texts["symbol"]:
        reader.wrong("symbol", "is missing")
    spec_version = _spec_version(reader)
    kept = _kept(reader, asked)
    reader.done()
    conditions.refuse_not_offered(asked)
    account, spec = _where(identity, texts)
    _refuse_mode(account, is_paper_trading)
    assert quantity is not None
    return messages.Place(
        owner_id=identity.owner_id,
        key_id=identity.key_id,
        account_id=account.id,
        instrument_id=spec.id,
        spec_version=spec.spec_version if spec_version is None else _u32(spec_version),
        request_id=request_id,
        body_hash=body_hash(
            "place", account.id, spec.id, kind, side, time_in_force, _canonical(price), _canonical(quantity),
            texts["order_id"], texts["user_id"], texts["strategy_id"], spec_version, *asked.parts(),
        ),
        type=kind,
        side=side,
        time_in_force=time_in_force,
        price_ticks=0 if price is None else steps("PRICE_PRECISION", to_ticks, price, spec.tick_size),
        quantity_lots=steps("QTY_PRECISION", to_lots, quantity, spec.lot_size),
        terms=asked.terms(spec.tick_size),
        post_only=asked.post_only,
        reduce_only=asked.reduce_only,
        allow_duplicate=asked.allow_duplicate,
        strategy_id=texts["strategy_id"],
        source=texts["source"],
        order_id=texts["order_id"],
        user_id=texts["user_id"],
        order_notional_max=_canonical(identity.order_notional_max),
        day_notional_max=_canonical(identity.day_notional_max),
        extra=kept,
        accepted_ns=clock.now_ns(),
    )  # fmt: skip


def _numbers(reader: Reader, kind: str) -> tuple[Decimal | None, Decimal | None]:
    """(price, quantity); which types have a price."""
    price, quantity = reader.decimal("price"), reader.decimal("quantity")
    if quantity is None:
        reader.wrong("quantity", "is missing")
    name = kind.replace("_", " ")
    if kind in conditions.PRICED and price is None:
        reader.wrong("price", f"is missing; a {name} order needs one")
    if kind not in conditions.PRICED and price is not None:
        reader.wrong("price", f"a {name} order has none")
    return price, quantity


def _spec_version(reader: Reader) -> int | None:
    value = reader.body.get("spec_version")
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        reader.wrong("spec_version", "must be a whole number")
        return None
    return value


def _kept(reader: Reader, asked: conditions.Conditions) -> dict[str, Any]:
    """What is only kept with the order."""
    body = reader.body
    tags = body.get("tags")
    if tags is not None and not (
        isinstance(tags, list) and len(tags) <= 16 and all(isinstance(t, str) and len(t) <= 64 for t in tags)
    ):
        reader.wrong("tags", "must be a list of at most 16 texts of at most 64 characters")
    kept: dict[str, Any] = {name: str(body[name])[:64] for name in CARRIED if body.get(name) is not None}
    if tags:
        kept["tags"] = tags
    if asked.extended_hours is not None:
        kept["extended_hours"] = asked.extended_hours
    return kept


def read_cancel(
    identity: Identity, target: str, body: Mapping[str, Any] | None = None, header_id: str = ""
) -> messages.Cancel:
    """A cancel of `target`: our id, or client:<request_id>. Raises ApiError 400 or 404."""
    reader = reader_of(body or {}, ("request_id", "api_key"))
    request_id = _request_id(reader, header_id)
    reader.done()
    order_id, client = read_target(target)
    return messages.Cancel(
        owner_id=identity.owner_id, key_id=identity.key_id, account_ids=reachable(identity), request_id=request_id,
        body_hash=body_hash("cancel", order_id, client), id=order_id, client=client,
    )  # fmt: skip


def read_amend(identity: Identity, target: str, body: Mapping[str, Any], header_id: str = "") -> messages.Amend:
    """Another price or quantity for `target`. Raises ApiError 400 or 404."""
    reader = reader_of(body, ("price", "quantity", "request_id", "api_key"))
    price, quantity = reader.decimal("price"), reader.decimal("quantity")
    if price is None and quantity is None and not reader.errors:
        reader.wrong("price", "is missing, and so is quantity: there is nothing to change")
    request_id = _request_id(reader, header_id)
    reader.done()
    order_id, client = read_target(target)
    return messages.Amend(
        owner_id=identity.owner_id, key_id=identity.key_id, account_ids=reachable(identity), request_id=request_id,
        body_hash=body_hash("amend", order_id, client, _canonical(price), _canonical(quantity)), id=order_id, client=client,
        price=_canonical(price), quantity=_canonical(quantity),
    )  # fmt: skip


def read_target(target: str) -> tuple[str, str]:
    """(our id, request_id) with one of them empty; 404 for what can be neither."""
    if target.startswith("client:"):
        if TARGET.fullmatch(target[7:]):
            return "", target[7:]
    else:
        try:
            return str(uuid.UUID(target)), ""
        except ValueError:
            pass
    raise not_found()


def reachable(identity: Identity) -> list[int]:
    """The accounts this identity may act on."""
    return catalog.default().reachable(identity)


def not_found() -> ApiError:
    """404: not there, or not theirs; from outside the two look the same."""
    return ApiError(404, "NOT_FOUND", sentences.SENTENCES["NOT_FOUND"])


def reader_of(body: Mapping[str, Any], fields: tuple[str, ...]) -> Reader:
    """A reader of a body that may have these fields and no others."""
    reader = Reader(body, {})
    for name in body.keys() - set(fields):
        reader.wrong(name, "cannot be given here")
    return reader


def _request_id(reader: Reader, header_id: str) -> str:
    given = [value for value in (reader.body.get("request_id"), reader.body.get("client_order_id"), header_id) if value]
    if not given:
        return str(uuid.uuid4())
    if any(not isinstance(value, str) or not REQUEST_ID.fullmatch(value) for value in given):
        reader.wrong("request_id", "must be 1 to 64 of A-Z a-z 0-9 . _ : -")
    elif len(set(given)) > 1:
        reader.wrong("request_id", "is given twice with different values")
    return str(given[0])


def _where(identity: Identity, texts: Mapping[str, str]) -> tuple[catalog.KnownAccount, catalog.KnownInstrument]:
    """The account and instrument meant, if this identity may use them."""
    known = catalog.default()
    account = None
    if texts["account"]:
        account = known.account(texts["account"])
        if account is None or account.owner_id != identity.owner_id:
            raise not_found()
    exchange = texts["exchange"] or (account.exchange if account else "")
    spec = instrument_of(exchange, texts["symbol"])
    if account is not None and account.exchange != spec.exchange:
        raise _instrument_unknown(exchange, texts["symbol"])
    account = account or known.default_account(identity.owner_id, spec.exchange)
    if (
        not identity.may_use_account(account.id)
        or not identity.may_use_symbol(spec.symbol)
        or not identity.may_use_kind(account.kind)
    ):
        raise ApiError(
            403,
            "AUTH_RESTRICTED",
            "This key may not trade here; nothing was placed. Use one that covers the account and symbol.",
        )
    if account.kind not in PAPER_KINDS:
        raise ApiError(422, "LIVE_NOT_ARMED", "This account is not armed for live trading; nothing was placed.")
    return account, spec


def instrument_of(exchange: str, symbol: str) -> catalog.KnownInstrument:
    """By any of its names. Raises ApiError 422."""
    found = catalog.default().instrument(exchange, symbol)
    if found is None:
        raise _instrument_unknown(exchange, symbol)
    return found


def _instrument_unknown(exchange: str, symbol: str) -> ApiError:
    return ApiError(422, "INSTRUMENT_UNKNOWN", sentences.SENTENCES["INSTRUMENT_UNKNOWN"], value=f"{exchange}:{symbol}")


def _refuse_mode(account: catalog.KnownAccount, is_paper_trading: bool | None) -> None:
    paper = account.kind in PAPER_KINDS
    if is_paper_trading is not None and is_paper_trading != paper:
        words = {"limit": "paper" if paper else "live", "value": "paper" if is_paper_trading else "live"}
        raise ApiError(422, "MODE_MISMATCH", sentences.of({"code": "MODE_MISMATCH", **words}), **words)


def _canonical(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _u32(value: int) -> int:
    """A spec_version nobody ever had is as stale as an old one."""
    return value if 0 <= value < 2**32 else 0
