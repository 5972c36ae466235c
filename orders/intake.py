"""What a client asks, read strictly and turned into commands. Every door comes through here.

A field that is not known, a decimal that is not text, a word that is no word of ours: 400 with a sentence a field, nothing done.
`null` for an optional field is the field left out.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from marketdata.precision import decimal_text, parse_decimal, to_lots, to_ticks
from orders import catalog, messages, sentences
from orders.errors import ApiError, invalid
from orders.identity import Identity
from orders.ids import body_hash
from orders.shapes import PAPER_KINDS

REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}", re.ASCII)
TYPES = ("limit", "market", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop")
SIDES = ("buy", "sell")
TIFS = ("gtc", "day", "gtd", "ioc", "fok")
OFFERED_TYPES = ("limit", "market")
OFFERED_TIFS = ("gtc", "ioc")
TEXTS = {"order_id": 128, "user_id": 128, "source": 32, "strategy_id": 64, "account": 64, "exchange": 32, "symbol": 48}
DECIMALS = ("price", "quantity", "stop_price", "trail_amount", "trail_percent")
FLAGS = ("post_only", "reduce_only", "extended_hours", "is_paper_trading", "allow_duplicate")
OTHERS = ("request_id", "client_order_id", "type", "side", "time_in_force", "expires_at", "take_profit", "stop_loss",
          "spec_version", "tags", "api_key")  # fmt: skip
# What the seed systems' newer clients send beside: kept with the order, read by nobody.
CARRIED = ("market_type", "strategy_name", "interval", "internal", "need_notification")
PLACE_FIELDS = frozenset((*TEXTS, *DECIMALS, *FLAGS, *OTHERS, *CARRIED))
CHANGE_FIELDS = frozenset(("id", "client", "price", "quantity", "request_id", "api_key"))


@dataclass(slots=True)
class _Reader:
    """Reads fields one by one and gathers what is wrong with them."""

    body: Mapping[str, Any]
    errors: dict[str, str]

    def text(self, name: str, longest: int) -> str:
        value = self.body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > longest:
            self.errors[name] = f"must be text of at most {longest} characters"
            return ""
        return value

    def word(self, name: str, words: tuple[str, ...], default: str | None = None) -> str:
        value = self.body.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value.lower() not in words:
            self.errors[name] = f"must be one of {', '.join(words)}"
            return words[0]
        return value.lower()

    def decimal(self, name: str) -> Decimal | None:
        value = self.body.get(name)
        if value is None:
            return None
        try:
            number = parse_decimal(value)
        except ValueError as error:
            self.errors[name] = str(error)
            return None
        if value.startswith("-") or number == 0:
            self.errors[name] = f'was "{value}"; it must be greater than zero'
            return None
        return number

    def flag(self, name: str) -> bool | None:
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            self.errors[name] = "must be true or false"
            return None
        return value


def read_place(identity: Identity, body: Mapping[str, Any], header_id: str = "") -> messages.Place:
    """A place as an engine understands it. Raises ApiError: 400, 403, 404, 409, 422."""
    reader = _Reader(body, {})
    for name in body.keys() - PLACE_FIELDS:
        reader.errors[name] = "is no field of an order"
    texts = {name: reader.text(name, longest) for name, longest in TEXTS.items()}
    kind = reader.word("type", TYPES)
    side = reader.word("side", SIDES)
    time_in_force = reader.word("time_in_force", TIFS, "ioc" if kind == "market" else "gtc")
    numbers = {name: reader.decimal(name) for name in DECIMALS}
    flags = {name: reader.flag(name) for name in FLAGS}
    request_id = _request_id(reader, header_id)
    price, quantity = numbers["price"], numbers["quantity"]
    if quantity is None and "quantity" not in reader.errors:
        reader.errors["quantity"] = "is missing"
    if not texts["symbol"] and "symbol" not in reader.errors:
        reader.errors["symbol"] = "is missing"
    if kind == "limit" and price is None and "price" not in reader.errors:
        reader.errors["price"] = "is missing; a limit order needs one"
    if kind == "market" and price is not None:
        reader.errors["price"] = "a market order has none"
    spec_version = body.get("spec_version")
    if spec_version is not None and (isinstance(spec_version, bool) or not isinstance(spec_version, int)):
        reader.errors["spec_version"] = "must be a whole number"
    tags = body.get("tags")
    if tags is not None and not (
        isinstance(tags, list) and len(tags) <= 16 and all(isinstance(t, str) and len(t) <= 64 for t in tags)
    ):
        reader.errors["tags"] = "must be a list of at most 16 texts of at most 64 characters"
    _raise(reader)
    _refuse_not_offered(body, kind, time_in_force, flags)
    account, spec = _where(identity, texts)
    _refuse_mode(account, flags["is_paper_trading"])
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
            texts["order_id"], texts["user_id"], texts["strategy_id"], spec_version,
        ),
        type=kind,
        side=side,
        time_in_force=time_in_force,
        price_ticks=0 if price is None else _steps("PRICE_PRECISION", to_ticks, price, spec.tick_size),
        quantity_lots=_steps("QTY_PRECISION", to_lots, quantity, spec.lot_size),
        strategy_id=texts["strategy_id"],
        source=texts["source"],
        order_id=texts["order_id"],
        user_id=texts["user_id"],
        order_notional_max=_canonical(identity.order_notional_max),
        day_notional_max=_canonical(identity.day_notional_max),
        extra=_kept(body, tags, flags["extended_hours"]),
    )  # fmt: skip


def _kept(body: Mapping[str, Any], tags: Any, extended_hours: bool | None) -> dict[str, Any]:
    """What is only kept with the order."""
    kept = {name: str(body[name])[:64] for name in CARRIED if body.get(name) is not None}
    return kept | {name: value for name, value in (("tags", tags), ("extended_hours", extended_hours)) if value}


def read_cancel(
    identity: Identity, target: str, body: Mapping[str, Any] | None = None, header_id: str = ""
) -> messages.Cancel:
    """A cancel of `target`: our id, or client:<request_id>. Raises ApiError 400 or 404."""
    reader = _change_reader(body or {}, ("request_id", "api_key"))
    request_id = _request_id(reader, header_id)
    _raise(reader)
    order_id, client = read_target(target)
    return messages.Cancel(
        owner_id=identity.owner_id, key_id=identity.key_id, account_ids=reachable(identity), request_id=request_id,
        body_hash=body_hash("cancel", order_id, client), id=order_id, client=client,
    )  # fmt: skip


def read_amend(identity: Identity, target: str, body: Mapping[str, Any], header_id: str = "") -> messages.Amend:
    """Another price or quantity for `target`. Raises ApiError 400 or 404."""
    reader = _change_reader(body, ("price", "quantity", "request_id", "api_key"))
    price, quantity = reader.decimal("price"), reader.decimal("quantity")
    if price is None and quantity is None and not reader.errors:
        reader.errors["price"] = "is missing, and so is quantity: there is nothing to change"
    request_id = _request_id(reader, header_id)
    _raise(reader)
    order_id, client = read_target(target)
    return messages.Amend(
        owner_id=identity.owner_id, key_id=identity.key_id, account_ids=reachable(identity), request_id=request_id,
        body_hash=body_hash("amend", order_id, client, _canonical(price), _canonical(quantity)), id=order_id, client=client,
        price=_canonical(price), quantity=_canonical(quantity),
    )  # fmt: skip


def read_target(target: str) -> tuple[str, str]:
    """(our id, request_id) with one of them empty; 404 for what can be neither."""
    if target.startswith("client:"):
        if REQUEST_ID.fullmatch(target[7:]):
            return "", target[7:]
    else:
        try:
            return str(uuid.UUID(target)), ""
        except ValueError:
            pass
    raise ApiError(404, "NOT_FOUND", sentences.SENTENCES["NOT_FOUND"])


def reachable(identity: Identity) -> list[int]:
    """The accounts this identity may act on."""
    return [
        account.id
        for account in catalog.default().accounts_of(identity.owner_id)
        if identity.may_use_account(account.id) and identity.may_use_kind(account.kind)
    ]


def _change_reader(body: Mapping[str, Any], fields: tuple[str, ...]) -> _Reader:
    reader = _Reader(body, {})
    for name in body.keys() - set(fields):
        reader.errors[name] = "cannot be given here"
    return reader


def _request_id(reader: _Reader, header_id: str) -> str:
    given = [value for value in (reader.body.get("request_id"), reader.body.get("client_order_id"), header_id) if value]
    if not given:
        return str(uuid.uuid4())
    if any(not isinstance(value, str) or not REQUEST_ID.fullmatch(value) for value in given):
        reader.errors["request_id"] = "must be 1 to 64 of A-Z a-z 0-9 . _ : -"
    elif len(set(given)) > 1:
        reader.errors["request_id"] = "is given twice with different values"
    return str(given[0])


def _raise(reader: _Reader) -> None:
    if not reader.errors:
        return
    error = invalid(reader.errors)
    if all(sentence == "is no field of an order" for sentence in reader.errors.values()):
        error.code = "UNKNOWN_FIELD"
    raise error


def _refuse_not_offered(
    body: Mapping[str, Any], kind: str, time_in_force: str, flags: Mapping[str, bool | None]
) -> None:
    """Words of the contract that no exchange of this installation offers yet are refused, never ignored."""
    asked = [name for name in ("post_only", "reduce_only", "extended_hours") if flags[name]]
    asked += [name for name in ("take_profit", "stop_loss", "stop_price", "trail_amount", "trail_percent", "expires_at")
              if body.get(name) is not None]  # fmt: skip
    if kind not in OFFERED_TYPES or time_in_force not in OFFERED_TIFS or asked:
        raise ApiError(
            422,
            "TIF_UNSUPPORTED",
            sentences.SENTENCES["TIF_UNSUPPORTED"],
            value=", ".join([kind, time_in_force, *asked]),
        )


def _where(identity: Identity, texts: Mapping[str, str]) -> tuple[catalog.KnownAccount, catalog.KnownInstrument]:
    """The account and instrument meant, if this identity may use them."""
    known = catalog.default()
    account = None
    if texts["account"]:
        account = known.account(texts["account"])
        if account is None or account.owner_id != identity.owner_id:
            raise ApiError(404, "NOT_FOUND", sentences.SENTENCES["NOT_FOUND"])
    exchange = texts["exchange"] or (account.exchange if account else "")
    spec = known.instrument(exchange, texts["symbol"])
    if spec is None or (account is not None and account.exchange != spec.exchange):
        raise ApiError(
            422, "INSTRUMENT_UNKNOWN", sentences.SENTENCES["INSTRUMENT_UNKNOWN"], value=f"{exchange}:{texts['symbol']}"
        )
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


def _refuse_mode(account: catalog.KnownAccount, is_paper_trading: bool | None) -> None:
    paper = account.kind in PAPER_KINDS
    if is_paper_trading is not None and is_paper_trading != paper:
        words = {"limit": "paper" if paper else "live", "value": "paper" if is_paper_trading else "live"}
        raise ApiError(422, "MODE_MISMATCH", sentences.of({"code": "MODE_MISMATCH", **words}), **words)


def _steps(code: str, convert: Any, value: Decimal, step: Decimal) -> int:
    try:
        units = int(convert(value, step))
    except ValueError as error:
        raise ApiError(
            422,
            code,
            f"{str(error)[:1].upper()}{str(error)[1:]}. Nothing was placed.",
            limit=decimal_text(step),
            value=decimal_text(value),
        ) from None
    if units > 2**62:
        raise ApiError(422, "NUMBER_OVERFLOW", sentences.SENTENCES["NUMBER_OVERFLOW"], value=decimal_text(value))
    return units


def _canonical(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _u32(value: int) -> int:
    """A spec_version nobody ever had is as stale as an old one."""
    return value if 0 <= value < 2**32 else 0
