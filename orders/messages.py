"""What travels to an engine and back: strict, small, msgpack. One command a stream entry, `commands.<shard>.<epoch>`.

Decimals are already ticks and lots here, checked by the door against the instrument's `spec_version`; the engine
refuses a command made under another one. `body_hash` identifies what was asked, so that a request_id used again with
another body is told from a repeat.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="op"):
    """What every command carries: who asks, and where the answer goes. `reply_to` '' = nobody waits."""

    owner_id: int
    reply_to: str = ""
    reply_id: int = 0
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


Command = Place | Cancel | Amend | CancelAll | ExchangeReport | Query | Check

encode = msgspec.msgpack.Encoder().encode
_decoder: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


def decode(raw: bytes) -> Command:
    """The command in a stream entry. Raises msgspec.MsgspecError for anything that is not one."""
    return _decoder.decode(raw)


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """An engine's answer: an HTTP status of api.md, extra headers, the JSON body as it goes to the client."""

    status: int
    headers: dict[str, str]
    body: bytes
