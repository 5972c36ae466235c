"""The frames of the sockets, as api.md has them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

FRAME_MAX = 16 * 1024  # bytes a client may send
CHANNELS_MAX = 200  # channels one socket may listen to

_encode = msgspec.json.Encoder().encode
MARKET_KINDS = ("klines", "book", "trades", "ticker")


class Op(msgspec.Struct):
    """What a client asks. `channels` is a list of names, or for resume {name: last q seen}."""

    op: str
    channels: list[str] | dict[str, int] = []
    id: int | str | None = None

    def names(self) -> list[str]:
        """The channels named, at most CHANNELS_MAX."""
        return list(self.channels)[:CHANNELS_MAX]


decode = msgspec.json.Decoder(Op).decode


class MarketName(NamedTuple):
    """A market channel taken apart: `klines:sim:BTC/USDT:1m`."""

    kind: str
    exchange: str
    symbol: str
    interval: str


def market_name(channel: str) -> MarketName | None:
    """The parts of a market channel's name; None when it is none. Symbols may hold colons (BTC/USDT:USDT)."""
    kind, _, rest = channel.partition(":")
    exchange, _, symbol = rest.partition(":")
    interval = ""
    if kind == "klines":
        symbol, _, interval = symbol.rpartition(":")
    if kind not in MARKET_KINDS or not exchange or not symbol:
        return None
    return MarketName(kind, exchange, symbol, interval)


def frame(channel: str, seq: int, previous: int | None, now_ms: int, exchange_ms: int, payload: bytes) -> str:
    """A frame with an already encoded payload; `previous` None makes it a snapshot."""
    before = "null" if previous is None else str(previous)
    name = _encode(channel).decode()
    return f'{{"v":1,"ch":{name},"q":{seq},"pq":{before},"t":{now_ms},"x":{exchange_ms},"d":{payload.decode()}}}'


def payload(value: Any) -> bytes:
    """A payload as JSON."""
    return _encode(value)


def error(channel: str | None, code: str, message: str) -> str:
    """Why an op did nothing."""
    return _encode({"op": "error", "ch": channel, "code": code, "message": message}).decode()


def pong(op: Op, now_ms: int) -> str:
    """The answer to a ping, with the server's clock."""
    return _encode({"op": "pong", "id": op.id, "t": now_ms}).decode()


def beat(now_ms: int) -> str:
    """Sent every second whatever happens: silence means a dead line."""
    return f'{{"op":"beat","t":{now_ms}}}'


def unsubscribed(names: Iterable[str]) -> str:
    """Confirms an unsubscribe."""
    return _encode({"op": "unsubscribed", "channels": list(names)}).decode()
