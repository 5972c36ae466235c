"""Names of the bus's streams and channels, and the shapes that travel on them, one line each. Pure.

Streams: `commands.<shard>.<epoch>` (field c), `market.<exchange>` (field b, a block of blocks.py).
Pub/sub: `replies.<client id>`, `account`, `klines`, `wake`.
"""

from __future__ import annotations

import msgspec

COMMAND_FIELD = b"c"
BLOCK_FIELD = b"b"
MARKET_LENGTH = 5000  # blocks kept on a market stream, about
MARKET_PREFIX = "market."

ACCOUNT = "account"  # msgpack [[account_id, account_seq, json bytes]...]
KLINES = "klines"  # msgpack [[exchange, symbol, interval, open_ms, open, high, low, close, volume, closed]...]
WAKE = "wake"  # text: one of the WAKE_ words, some with more after a space

WAKE_SUBSCRIPTIONS = "subscriptions"  # subscriptions or instruments changed
WAKE_CONTROL = "control"  # halts, limits, arming or specs changed
WAKE_STRATEGIES = "strategies"  # a strategy was started, stopped or changed
WAKE_HISTORY = "history"  # "history <exchange> <symbol> <interval>": stored klines changed behind the newest


def commands(shard: int, epoch: int) -> str:
    """The command stream of one lease epoch of one shard."""
    return f"{commands_of(shard)}{epoch}"


def commands_of(shard: int) -> str:
    """How the names of a shard's command streams begin, whatever the epoch."""
    return f"commands.{shard}."


def reads(shard: int) -> str:
    """Where a shard's engine hears questions that change nothing."""
    return f"reads.{shard}"


def market(exchange: str) -> str:
    """The stream of an exchange's market blocks."""
    return MARKET_PREFIX + exchange


def replies(client_id: str) -> str:
    """Where one client hears the answers to its commands."""
    return f"replies.{client_id}"


class KlineNews(msgspec.Struct, array_like=True, frozen=True):
    """One bar as it travels on `klines`; prices and volume are decimal text."""

    exchange: str
    symbol: str
    interval: str
    open_ms: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    closed: bool

    def row(self) -> list[int | str | bool]:
        """As a kline row of the sockets: [open_ms, open, high, low, close, volume, closed]."""
        return [self.open_ms, self.open, self.high, self.low, self.close, self.volume, self.closed]


_encode = msgspec.msgpack.Encoder().encode
_decode_klines = msgspec.msgpack.Decoder(list[KlineNews]).decode
_decode_account = msgspec.msgpack.Decoder(list[tuple[int, int, bytes]]).decode


def encode_klines(news: list[KlineNews]) -> bytes:
    """The bytes of one message on `klines`."""
    return _encode(news)


def decode_klines(payload: bytes) -> list[KlineNews]:
    """The bars of one message on `klines`; msgspec.ValidationError when the shape is another."""
    return _decode_klines(payload)


def encode_account(news: list[tuple[int, int, bytes]]) -> bytes:
    """The bytes of one message on `account`: (account_id, account_seq, JSON of the change), in commit order."""
    return _encode(news)


def decode_account(payload: bytes) -> list[tuple[int, int, bytes]]:
    """The changes of one message on `account`."""
    return _decode_account(payload)


def history(exchange: str, symbol: str, interval: str) -> str:
    """The wake text that says: stored klines of this series changed, read them again."""
    return f"{WAKE_HISTORY} {exchange} {symbol} {interval}"
