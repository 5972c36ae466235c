"""The bus for an event loop that has no time to lose: two raw connections, no thread, no wait.

One adds to streams, answers in the order of the questions; one hears a channel. Both come back by themselves. As everywhere
nothing is sent twice: what was written when a connection broke has a fate nobody knows, and whoever asked is told so.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import hiredis
from redis.connection import parse_url

from marketdata import channels, clock
from marketdata.server_clock import ServerClock

RECONNECT_S = 0.2
CONNECT_TIMEOUT_S = 2.0
BEAT_S = 0.25  # the server is asked for its time so often
SILENT_NS = 750_000_000  # a server that has not answered for so long is not written to any more
WAITING_BYTES_MAX = 16 * 1024 * 1024  # not taken by the server yet: more is refused, not kept

Written = Callable[[bool | None], None]  # True: on the stream; False: surely not; None: nobody knows

log = logging.getLogger(__name__)


class _Connection(asyncio.Protocol):
    """One connection: bytes out, answers in."""

    def __init__(self, answered: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._answered, self._lost = answered, lost
        self._reader = hiredis.Reader()
        self.transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        while (answer := self._reader.gets()) is not False:
            self._answered(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self.transport = None
        self._lost()


class BusLine:
    """Adds to streams and hears one channel, for one event loop. `ready` while both connections stand and the server answers.

    What is written to a server that stands still is added when it goes on, as if it were new: so it is asked for its time all
    the while, nothing is written when it does not answer, and `clock` tells when a command was sent.
    """

    def __init__(self, url: str, channel: str, heard: Callable[[bytes], None]) -> None:
        self._address: Any = parse_url(url)
        self._secure = True if url.startswith("rediss://") else None
        self._channel, self._heard = channel, heard
        self._loop = asyncio.get_running_loop()
        self._adding: _Connection | None = None
        self._asked: deque[Written | None] = deque()  # None: its time
        self._beaten_ns = 0  # time since boot at which the oldest question for its time was asked; 0: none is open
        self.clock = ServerClock()
        self._greeting = 0  # answers of the adding connection that belong to nobody
        self._stands = False
        self._life = self._loop.create_task(self._live())

    @property
    def ready(self) -> bool:
        """Whether something may be written."""
        return self._stands and not (self._beaten_ns and clock.boot_ns() - self._beaten_ns > SILENT_NS)

    def _beat(self) -> None:
        """Ask for its time, unless the answer to that is still out."""
        if self._adding is None:
            return
        if not self._beaten_ns:
            self._beaten_ns = clock.boot_ns()
            self._asked.append(None)
            _write(self._adding, _pack(b"TIME"))
        self._loop.call_later(BEAT_S, self._beat)

    def close(self) -> None:
        """Let both connections go."""
        self._life.cancel()

    def add(self, stream: str, payload: bytes, written: Written) -> None:
        """Append to a stream that is there; `written` is called once, in the loop."""
        transport = self._adding.transport if self.ready and self._adding else None
        if transport is None or transport.get_write_buffer_size() > WAITING_BYTES_MAX:
            written(False)
            return
        self._asked.append(written)
        transport.write(_pack(b"XADD", stream.encode(), b"NOMKSTREAM", b"*", channels.COMMAND_FIELD, payload))

    async def _live(self) -> None:
        while True:
            try:
                await self._once()
            except (OSError, TimeoutError) as error:
                log.warning("the bus does not answer: %s", error)
            except Exception:
                log.exception("the line to the bus broke; it comes back")
            await asyncio.sleep(RECONNECT_S)

    async def _once(self) -> None:
        """Both connections, until one of them is lost."""
        over = self._loop.create_future()
        subscribed = self._loop.create_future()

        def lost() -> None:
            if not over.done():
                over.set_result(None)

        def hear(message: Any) -> None:
            if isinstance(message, list) and message[0] == b"message":
                self._heard(message[2])
            elif isinstance(message, list) and message[0] == b"subscribe" and not subscribed.done():
                subscribed.set_result(None)

        listening = await self._connect(_Connection(hear, lost))
        adding = None
        try:
            _write(listening, _pack(b"SUBSCRIBE", self._channel.encode()))
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.wait((subscribed, over), return_when=asyncio.FIRST_COMPLETED)
            adding = self._adding = await self._connect(_Connection(self._answered, lost))
            self._greeting = len(_greetings(self._address))
            self._beat()
            await over
        finally:
            self._stands = False
            self._adding, self._beaten_ns = None, 0
            for connection in (listening, adding):
                if connection is not None and connection.transport is not None:
                    connection.transport.abort()
            asked, self._asked = self._asked, deque()
            for written in asked:
                if written is not None:
                    written(None)

    async def _connect(self, protocol: _Connection) -> _Connection:
        address = self._address
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            if address.get("path"):
                await self._loop.create_unix_connection(lambda: protocol, address["path"])
            else:
                where = address.get("host", "localhost"), address.get("port", 6379)
                await self._loop.create_connection(lambda: protocol, *where, ssl=self._secure)
        _write(protocol, b"".join(_greetings(address)))
        return protocol

    def _answered(self, answer: Any) -> None:
        if self._greeting:
            self._greeting -= 1
            if isinstance(answer, hiredis.ReplyError):
                log.error("the bus refuses this process: %s", answer)
        elif self._asked:
            written = self._asked.popleft()
            if written is not None:
                # no stream, or the bus refuses to write: surely nothing was written
                written(isinstance(answer, bytes))
            elif isinstance(answer, list):
                seconds, micros = (int(part) for part in answer)
                self.clock.told((seconds * 1_000_000 + micros) * 1000, self._beaten_ns)
                self._beaten_ns, self._stands = 0, True


def _greetings(address: dict[str, Any]) -> list[bytes]:
    """What a connection says first."""
    said = []
    if address.get("password"):
        who = [address["username"].encode()] if address.get("username") else []
        said.append(_pack(b"AUTH", *who, address["password"].encode()))
    if address.get("db"):
        said.append(_pack(b"SELECT", str(address["db"]).encode()))
    return said


def _write(connection: _Connection, data: bytes) -> None:
    if connection.transport is not None and data:
        connection.transport.write(data)


def _pack(*parts: bytes) -> bytes:
    """A command as the server reads it."""
    return b"*%d\r\n" % len(parts) + b"".join([b"$%d\r\n%b\r\n" % (len(part), part) for part in parts])
