"""What travels to an engine and back: strict, small, msgpack, on the stream `commands.<shard>.<epoch>`.

A stream entry is one command, or several that were sent together: they have one age, stand in order in one transaction, and
are each decided, remembered and answered by themselves, as if they had come one by one.

Decimals are already ticks and lots here, checked by the door against the instrument's `spec_version`; the engine
refuses a command made under another one. `body_hash` identifies what was asked, so that a request_id used again with
another body is told from a repeat.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """What every command carries: who asks, when by the bus server's clock (0 = not known), and where the answer goes.
    `reply_to` '' = nobody waits.
    """

    owner_id: int
    reply_to: str = ""
    reply_id: int = 0
    sent_ms: int = 0
    accepted_ns: int = 0  # when the door had read it, by the wall clock of its machine; 0 = not known
    key_id: int | None = None


class Terms(msgspec.Struct, frozen=True, omit_defaults=True, array_like=True):
    """The conditions of an order that the core decides by; 0 = there is none. `trail` is ticks, or basis points of the price."""

    stop_ticks: int = 0
    trail: int = 0
    trail_percent: bool = False
    expires_at_ns: int = 0
    take_profit_ticks: int = 0
    stop_loss_ticks: int = 0
    stop_loss_limit_ticks: int = 0


class Place(Message, frozen=True, kw_only=True, omit_defaults=True, tag="place"):
    """A new order. `price_ticks` is 0 for a type without a price of its own; `terms` None for an order without conditions."""

    account_id: int
    instrument_id: int
    spec_version: int
    request_id: str
    body_hash: bytes
    type: str
    side: str
    time_in_force: str
    price_ticks: int = 0
    quantity_lots: int
    terms: Terms | None = None
    post_only: bool = False
    reduce_only: bool = False
    allow_duplicate: bool = False
    unwind: bool = False  # a flatten's own, made by the engine: past halts and limits, as long as it surely reduces
    strategy_id: str = ""
    source: str = ""
    order_id: str = ""
    user_id: str = ""
    extra: dict[str, Any] = {}
    order_notional_max: str | None = None  # caps of the key that asks, as decimal text in the quote asset
    day_notional_max: str | None = None


class Cancel(Message, frozen=True, kw_only=True, omit_defaults=True, tag="cancel"):
    """Cancel the order with our `id`, or the one placed as `client` by any of the owner's accounts in `account_ids`."""

    account_ids: list[int]
    request_id: str
    body_hash: bytes
    id: str = ""
    client: str = ""


class Amend(Message, frozen=True, kw_only=True, omit_defaults=True, tag="amend"):
    """Another price or total quantity, as decimal text: the engine knows the order's instrument. None = as it was."""

    account_ids: list[int]
    request_id: str
    body_hash: bytes
    id: str = ""
    client: str = ""
    price: str | None = None
    quantity: str | None = None


class CancelAll(Message, frozen=True, kw_only=True, omit_defaults=True, tag="cancel_all"):
    """Cancel every open order of these accounts that passes the filters; a market that is gone does not stop the rest."""

    account_ids: list[int]
    instrument_id: int | None = None
    side: str | None = None
    strategy_id: str | None = None


class Flatten(Message, frozen=True, kw_only=True, omit_defaults=True, tag="flatten"):
    """Cancel every open order of the account and close what it holds, step by step, until it is flat or nothing can be done.
    Comes as a row (an urgent command), never on the stream."""

    account_id: int


class Check(Message, frozen=True, kw_only=True, omit_defaults=True, tag="check"):
    """Would this order be taken? A question for the read lane, never for the command stream: nothing is kept of it."""

    order: Place


class ReportedFill(msgspec.Struct, frozen=True, array_like=True):
    """One execution as an exchange tells it."""

    exchange_trade_id: str
    price_ticks: int
    quantity_lots: int
    maker: bool
    fee: str = ""  # decimal, in fee_asset; '' where the exchange told none
    fee_asset: str = ""


class ExchangeReport(Message, frozen=True, kw_only=True, omit_defaults=True, tag="exchange_report"):
    """What a poll or a user stream found at the exchange and the order does not know yet; applied exactly once.

    `closed` is '' while the order stands there, else the exec_type of its end: '4' canceled, 'C' expired, '8' rejected.
    """

    account_id: int
    id: str
    fills: list[ReportedFill] = []
    closed: str = ""


class Query(Message, frozen=True, kw_only=True, omit_defaults=True, tag="query"):
    """A question to the simulator's market half, for its exchange port: fetch_order, fetch_orders (all of `order_nos`), open_orders,
    fills. Changes nothing."""

    kind: str
    account_id: int
    order_no: int = 0
    order_nos: list[int] = []
    since_ns: int = 0


Command = Place | Cancel | Amend | CancelAll | ExchangeReport | Query | Check | Flatten


class _Many(msgspec.Struct, frozen=True, array_like=True):
    """Commands sent together: where the answers go, the reply_id of the first (the others follow), each as `encode` made it,
    and when they were sent.
    """

    reply_to: str
    reply_id: int
    commands: list[bytes]
    sent_ms: int = 0


encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)
_many: msgspec.msgpack.Decoder[_Many] = msgspec.msgpack.Decoder(_Many)


def decode(raw: bytes) -> Command:
    """One command. Raises msgspec.MsgspecError for anything that is not one."""
    return _decoder.decode(raw)


def encode_many(commands: list[bytes], reply_to: str = "", reply_id: int = 0, sent_ms: int = 0) -> bytes:
    """One stream entry of several commands, each encoded already; it is their only address, so they need none of their own."""
    return encode(_Many(reply_to, reply_id, commands, sent_ms))


def is_many(payload: bytes) -> bool:
    """Whether a stream entry holds several: those are an array, one command is a map."""
    return payload[:1] == b"\x94"


def count(payload: bytes) -> int:
    """How many commands a stream entry holds; one that cannot be read counts as one."""
    if not is_many(payload):
        return 1
    try:
        return len(_many.decode(payload).commands)
    except msgspec.MsgspecError:
        return 1


def decode_entry(payload: bytes) -> list[tuple[bytes, Command]]:
    """The commands of a stream entry in order, each with the bytes that are kept of it. Raises msgspec.MsgspecError."""
    if not is_many(payload):
        return [(payload, _decoder.decode(payload))]
    many = _many.decode(payload)
    found = []
    for number, raw in enumerate(many.commands, many.reply_id):
        command = _decoder.decode(raw)
        # nobody has seen it yet: its address is filled in where it stands instead of making it anew
        msgspec.structs.force_setattr(command, "reply_to", many.reply_to)
        msgspec.structs.force_setattr(command, "reply_id", number)
        msgspec.structs.force_setattr(command, "sent_ms", many.sent_ms)
        found.append((raw, command))
    return found


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """An engine's answer: an HTTP status of api.md, extra headers, the JSON body as it goes to the client."""

    status: int
    headers: dict[str, str]
    body: bytes
