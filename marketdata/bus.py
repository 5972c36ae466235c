"""The bus: the only file that talks to Redis or Valkey.

The bus is a doorbell. It may be flushed or restarted at any moment; nothing that matters lives only here. So nothing is
retried behind the caller's back (a repeated XADD would be a repeated command): an unreachable bus is `BusDown`, and the
caller knows what that means for its own work. `Listener` and `BlockTail` are the long-lived readers; they reconnect by
themselves and never raise BusDown.
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterable, Mapping
from functools import cache
from typing import Any, NamedTuple

import redis
import redis.asyncio
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from marketdata import channels, clock

CONNECT_TIMEOUT_S = 2.0
ANSWER_TIMEOUT_S = 5.0
RECONNECT_S = 0.2
HASTY_S = 0.5
HASTY_PAUSE_NS = 1_000_000_000


class BusDown(Exception):
    """The bus did not answer. What was sent may or may not have arrived."""


class Entry(NamedTuple):
    """One entry of a stream: its id (b"<ms>-<n>", by the server's clock) and its payload."""

    id: bytes
    payload: bytes

    @property
    def ms(self) -> int:
        """The server's time at which the entry was added."""
        return int(self.id.split(b"-", 1)[0])


def _options(answer_s: float | None) -> dict[str, Any]:
    return {
        "protocol": 2,
        "socket_timeout": answer_s,
        "socket_connect_timeout": min(CONNECT_TIMEOUT_S, answer_s or CONNECT_TIMEOUT_S),
        "health_check_interval": 0,
    }


class Bus:
    """A synchronous client, safe to share between threads; `default()` gives the process its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_options(ANSWER_TIMEOUT_S))
        # Blocking reads wait as long as they are told, so they use connections without an answer timeout.
        self._blocking = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_options(None))

    def close(self) -> None:
        """Close all connections."""
        self._redis.close()
        self._blocking.close()

    def ping(self) -> bool:
        """True when the bus answers."""
        try:
            return bool(self._call(self._redis.ping))
        except BusDown:
            return False

    def time_ns(self) -> int:
        """The server's clock in nanoseconds since 1970, the clock of entry ids."""
        seconds, micros = self._call(self._redis.time)
        return (int(seconds) * 1_000_000 + int(micros)) * 1000

    # -- streams of commands -------------------------------------------------------------------------------------------

    def create_stream(self, stream: str) -> None:
        """Make an empty stream, so that `add` finds it. Harmless when it is there."""

        def make() -> None:
            if not self._redis.exists(stream):
                entry = self._redis.xadd(stream, {b"_": b""})
                self._redis.xdel(stream, entry)

        self._call(make)

    def stream_exists(self, stream: str) -> bool:
        """True when the stream is there (an empty one counts)."""
        return bool(self._call(self._redis.exists, stream))

    def take_stream(self, stream: str, new_name: str) -> bool:
        """Rename a stream at once, so that nobody adds to it any more; False when there is none."""

        def rename() -> bool:
            try:
                return bool(self._redis.rename(stream, new_name))
            except redis.ResponseError:  # no such key
                return False

        return bool(self._call(rename))

    def delete_stream(self, stream: str) -> None:
        """Forget a stream."""
        self._call(self._redis.delete, stream)

    def delete_streams(self, prefix: str) -> None:
        """Forget every stream whose name begins so."""

        def delete() -> None:
            for name in list(self._redis.scan_iter(match=f"{prefix}*", count=1000)):
                self._redis.delete(name)

        self._call(delete)

    def add(self, stream: str, payload: bytes, field: bytes = channels.COMMAND_FIELD) -> bytes | None:
        """Append to an existing stream; the entry's id, or None when the stream is not there (nothing was written)."""
        entry: bytes | None = self._call(self._redis.xadd, stream, {field: payload}, nomkstream=True)
        return entry

    def add_many(
        self, stream: str, payloads: Iterable[bytes], field: bytes = channels.COMMAND_FIELD
    ) -> list[bytes | None]:
        """Append several in one round trip; ids in order, None for each that was surely not written: the stream is
        not there, or the bus refuses to write (its memory is full).
        """

        def send() -> list[bytes | None]:
            pipeline = self._redis.pipeline(transaction=False)
            for payload in payloads:
                pipeline.xadd(stream, {field: payload}, nomkstream=True)
            return [_written(answer) for answer in pipeline.execute(raise_on_error=False)]

        answer: list[bytes | None] = self._call(send)
        return answer

    def read(self, after: Mapping[str, bytes], count: int, block_ms: int | None) -> dict[str, list[Entry]]:
        """Entries after the given ids, at most `count` a stream; waits up to block_ms (0 or None: not at all).

        Streams without news are absent from the answer. The first field of an entry is its payload.
        """
        # To the server BLOCK 0 means for ever, which nobody here wants.
        client = self._blocking if block_ms else self._redis
        answer = self._call(client.xread, dict(after), count=count, block=block_ms or None)
        return {stream.decode(): _entries(entries) for stream, entries in (answer or ())}

    def length(self, stream: str) -> int:
        """How many entries stand in a stream."""
        return int(self._call(self._redis.xlen, stream))

    def trim(self, stream: str, before: bytes) -> None:
        """Forget the entries before an id."""
        self._call(self._redis.xtrim, stream, minid=before, approximate=False)

    # -- market blocks -------------------------------------------------------------------------------------------------

    def publish_block(self, exchange: str, block: bytes) -> None:
        """Append a block to the exchange's bounded stream, which is made when absent."""
        self._call(
            self._redis.xadd,
            channels.market(exchange),
            {channels.BLOCK_FIELD: block},
            maxlen=channels.MARKET_LENGTH,
            approximate=True,
        )

    def newest_blocks(self, exchange: str, count: int) -> list[Entry]:
        """The newest `count` blocks of an exchange, oldest first."""
        return _entries(self._call(self._redis.xrevrange, channels.market(exchange), count=count))[::-1]

    # -- news ----------------------------------------------------------------------------------------------------------

    def publish(self, channel: str, payload: bytes | str) -> int:
        """Tell whoever listens; how many did."""
        return int(self._call(self._redis.publish, channel, payload))

    def publish_many(self, messages: Iterable[tuple[str, bytes]]) -> None:
        """Several messages in one round trip."""

        def send() -> None:
            pipeline = self._redis.pipeline(transaction=False)
            for channel, payload in messages:
                pipeline.publish(channel, payload)
            pipeline.execute()

        self._call(send)

    def wake(self, text: str) -> None:
        """Ring the doorbell: "subscriptions", "control", "strategies" (channels.py). An unreachable bus is no error
        here: whoever is woken also looks by itself.
        """
        try:
            self._redis.publish(channels.WAKE, text)
        except redis.RedisError:
            return

    def listener(self, *names: str) -> Listener:
        """A reader of the channels named."""
        return Listener(self.url, names)

    def _call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except (redis.RedisError, OSError) as error:
            raise BusDown(f"the bus did not answer: {error}") from error


class HastyBus(Bus):
    """For a loop that must go on while the bus stands still, as an engine's: an answer that does not come in half a second
    counts as none, and for the second after that nobody asks.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        options = _options(HASTY_S)
        self._redis = self._blocking = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)
        self._ask_again_ns = 0

    def _call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        began_ns = clock.monotonic_ns()
        if began_ns < self._ask_again_ns:
            raise BusDown("the bus did not answer a moment ago")
        try:
            return super()._call(function, *args, **kwargs)
        except BusDown:
            now_ns = clock.monotonic_ns()
            if now_ns - began_ns >= HASTY_S * 900_000_000:
                self._ask_again_ns = now_ns + HASTY_PAUSE_NS
            raise


def _written(answer: Any) -> bytes | None:
    """The id of an added entry; None where the server refused to add it."""
    if isinstance(answer, redis.ResponseError):
        return None
    if isinstance(answer, Exception):
        raise answer
    return answer  # type: ignore[no-any-return]


def _entries(raw: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> list[Entry]:
    return [Entry(entry_id, next(iter(fields.values()))) for entry_id, fields in raw if fields]


class Listener:
    """Reads pub/sub channels, for one thread. Reconnects and subscribes again by itself; `lost` counts how often
    messages may have been missed, so that a reader who needs every message can look in PostgreSQL again.
    """

    def __init__(self, url: str, names: Iterable[str]) -> None:
        self._names = tuple(names)
        self._redis = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), **_options(None))
        self._pubsub: Any = None
        self._closed = threading.Event()
        self.lost = 0

    def open(self) -> bool:
        """Subscribe now; False when the bus is down. `get` does it when needed."""
        try:
            pubsub = self._redis.pubsub()  # type: ignore[no-untyped-call]
            pubsub.subscribe(*self._names)
            for _ in self._names:  # the confirmations: after them nothing published is missed
                pubsub.get_message(timeout=CONNECT_TIMEOUT_S)
        except (redis.RedisError, OSError):
            return False
        self._pubsub = pubsub
        return True

    def get(self, timeout_s: float) -> tuple[str, bytes] | None:
        """The next (channel, payload), or None when none came in time or the bus is away."""
        if self._pubsub is None and not self.open():
            self._closed.wait(min(RECONNECT_S, timeout_s))
            return None
        try:
            message = self._pubsub.get_message(timeout=timeout_s)
        except (redis.ConnectionError, redis.TimeoutError, OSError, ValueError):
            self._drop()
            return None
        if message is None or message["type"] != "message":
            return None
        return message["channel"].decode(), message["data"]

    def _drop(self) -> None:
        self.lost += 1
        pubsub, self._pubsub = self._pubsub, None
        try:
            pubsub.close()
        except (redis.RedisError, OSError):
            return

    def close(self) -> None:
        """Stop listening."""
        self._closed.set()
        if self._pubsub is not None:
            self._drop()
        self._redis.close()


class BlockTail:
    """Reads the market streams of a changing set of exchanges, for one thread. An absent bus, a flush or a restart
    only means that nothing comes for a while. `backlog` is how many of the newest blocks to begin with; None: all
    that the stream still holds.
    """

    def __init__(self, bus: Bus, backlog: int | None = 0) -> None:
        self._bus = bus
        self._backlog = backlog
        self._after: dict[str, bytes] = {}
        self._pending: list[tuple[str, Entry]] = []
        self._wait = threading.Event()

    def follow(self, exchanges: Iterable[str]) -> None:
        """Read these exchanges from now on. May raise BusDown."""
        wanted = {channels.market(name): name for name in exchanges}
        for stream in [stream for stream in self._after if stream not in wanted]:
            del self._after[stream]
        for stream, name in wanted.items():
            if stream in self._after:
                continue
            if self._backlog is None:
                self._after[stream] = b"0-0"
            else:
                newest = self._bus.newest_blocks(name, max(self._backlog, 1))
                self._after[stream] = newest[-1].id if newest else b"0-0"
                if self._backlog:
                    self._pending += [(name, entry) for entry in newest]

    def read(self, block_ms: int, count: int = 256) -> list[tuple[str, Entry]]:
        """(exchange, entry) pairs in stream order; empty when nothing came or the bus is away."""
        if self._pending:
            pending, self._pending = self._pending, []
            return pending
        if not self._after:
            self._wait.wait(block_ms / 1000)
            return []
        try:
            news = self._bus.read(self._after, count, block_ms)
        except BusDown:
            self._wait.wait(RECONNECT_S)
            return []
        pairs = []
        for stream, entries in news.items():
            self._after[stream] = entries[-1].id
            name = stream.removeprefix(channels.MARKET_PREFIX)
            pairs += [(name, entry) for entry in entries]
        return pairs


class AsyncBus:
    """The same for an event loop; make one per loop."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._redis = redis.asyncio.Redis.from_url(
            url, retry=redis.asyncio.retry.Retry(NoBackoff(), 0), **_options(ANSWER_TIMEOUT_S)
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.aclose()

    async def add(self, stream: str, payload: bytes, field: bytes = channels.COMMAND_FIELD) -> bytes | None:
        """As Bus.add."""
        return (await self.add_many(stream, [payload], field))[0]

    async def add_many(
        self, stream: str, payloads: Iterable[bytes], field: bytes = channels.COMMAND_FIELD
    ) -> list[bytes | None]:
        """As Bus.add_many."""
        pipeline = self._redis.pipeline(transaction=False)
        for payload in payloads:
            pipeline.xadd(stream, {field: payload}, nomkstream=True)
        try:
            return [_written(answer) for answer in await pipeline.execute(raise_on_error=False)]
        except (redis.RedisError, OSError) as error:
            raise BusDown(f"the bus did not answer: {error}") from error

    async def publish(self, channel: str, payload: bytes | str) -> int:
        """As Bus.publish."""
        try:
            return int(await self._redis.publish(channel, payload))
        except (redis.RedisError, OSError) as error:
            raise BusDown(f"the bus did not answer: {error}") from error

    async def length(self, stream: str) -> int:
        """As Bus.length."""
        try:
            return int(await self._redis.xlen(stream))
        except (redis.RedisError, OSError) as error:
            raise BusDown(f"the bus did not answer: {error}") from error

    async def messages(self, *names: str) -> AsyncIterator[tuple[str, bytes] | None]:
        """(channel, payload) for ever; None once after each time it was (again) subscribed, because messages may
        have been missed before. BusDown ends it; the caller waits a little and begins again.
        """
        client = redis.asyncio.Redis.from_url(
            self.url, retry=redis.asyncio.retry.Retry(NoBackoff(), 0), **_options(None)
        )
        pubsub = client.pubsub(ignore_subscribe_messages=False)
        try:
            await pubsub.subscribe(*names)
            missing = len(names)
            while missing:
                if await pubsub.get_message(timeout=CONNECT_TIMEOUT_S):
                    missing -= 1
            yield None
            while True:
                message = await pubsub.get_message(timeout=None)
                if message is not None and message["type"] == "message":
                    yield message["channel"].decode(), message["data"]
        except (redis.RedisError, OSError) as error:
            raise BusDown(f"the bus did not answer: {error}") from error
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]
            await client.aclose()


@cache
def default() -> Bus:
    """The process's own bus, at settings.REDIS_URL."""
    return Bus(settings.REDIS_URL)
