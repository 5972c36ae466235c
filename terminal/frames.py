"""The frames of the sockets, as api.md has them. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

FRAME_MAX = 16 * 1024  # bytes a client may send
CHANNELS_MAX = 200  # channels one socket may listen to

_encode = msgspec.json.Encoder().encode
MARKET_KINDS = ("klines", "book", "trades", "ticker")


class Frame(str):
    """A frame's text, which many sockets may be sent: it is put on the wire's form once for all of them."""

    @cached_property
    def wire(self) -> bytes:
        """The bytes of the WebSocket message (RFC 6455, 5.2: final, text, unmasked, as servers send)."""
        payload = self.encode()
        return header(len(payload)) + payload


def header(length: int) -> bytes:
    """The head of an unmasked text frame."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65536:
        return struct.pack("!BBH", 0x81, 126, length)
    return struct.pack("!BBQ", 0x81, 127, length)


class Op(msgspec.Struct):
    """What a client asks. `channels` is a list of names, or for resume {name: last q seen}."""

    op: str
    channels: list[str] | dict[str, int] = []
    id: int | str | None = None
    flights: list[list[int | str]] = []  # of `painted`: [order id, sent, received, painted], ns since the click

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


def frame(channel: str, seq: int, previous: int | None, now_ms: int, exchange_ms: int, payload: bytes) -> Frame:
    """A frame with an already encoded payload; `previous` None makes it a snapshot."""
    before = "null" if previous is None else str(previous)
    name = _encode(channel).decode()
    return Frame(f'{{"v":1,"ch":{name},"q":{seq},"pq":{before},"t":{now_ms},"x":{exchange_ms},"d":{payload.decode()}}}')


def payload(value: Any) -> bytes:
    """A payload as JSON."""
    return _encode(value)


def error(channel: str | None, code: str, message: str) -> Frame:
    """Why an op did nothing."""
    return Frame(_encode({"op": "error", "ch": channel, "code": code, "message": message}).decode())


def pong(op: Op, now_ms: int) -> Frame:
    """The answer to a ping, with the server's clock."""
    return Frame(_encode({"op": "pong", "id": op.id, "t": now_ms}).decode())


def beat(now_ms: int, seqs: Mapping[str, int]) -> Frame:
    """Sent every second whatever happens: silence means a dead line. `seqs` is what each channel was last told, so that a client
    sees even that the newest frame of a quiet channel never came."""
    if not seqs:
        return Frame(f'{{"op":"beat","t":{now_ms}}}')
    return Frame(f'{{"op":"beat","t":{now_ms},"q":{_encode(seqs).decode()}}}')


def unsubscribed(names: Iterable[str]) -> Frame:
    """Confirms an unsubscribe."""
    return Frame(_encode({"op": "unsubscribed", "channels": list(names)}).decode())
