"""What a bot's socket says: frames gathered for one turn of the loop and written in one go, as bytes, past what daphne does for text.

A bot that does not read is closed with 4008 when a megabyte waits for it: nothing piles up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from terminal.clients import BACKLOG_MAX, TOO_SLOW, protocol_of, transport_bytes
from terminal.frames import header

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Line:
    """One socket's way out. Belongs to one event loop."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._protocol = protocol_of(send)
        self._loop = asyncio.get_running_loop()
        self._frames: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed = False

    def say(self, frame: bytes) -> None:
        """Say this at the end of the turn."""
        if self.closed:
            return
        if not self._frames:
            self._loop.call_soon(self._flush)
        self._frames.append(frame)

    def close(self, code: int) -> None:
        """Say what is still to be said, then close."""
        if self.closed:
            return
        self._flush()
        self.closed = True
        self._later(self._send({"type": "websocket.close", "code": code}))

    def waiting(self) -> int:
        """Bytes that this socket has not taken yet."""
        return transport_bytes(self._send)

    def _flush(self) -> None:
        frames, self._frames = self._frames, []
        if not frames or self.closed:
            return
        if self.waiting() > BACKLOG_MAX:
            self.close(TOO_SLOW)
        elif self._protocol is None:
            self._later(self._one_by_one(frames))
        elif self._protocol.state == self._protocol.STATE_OPEN:
            self._protocol.sendData(b"".join([part for frame in frames for part in (header(len(frame)), frame)]))

    async def _one_by_one(self, frames: list[bytes]) -> None:
        for frame in frames:
            await self._send({"type": "websocket.send", "text": frame.decode()})

    def _later(self, doing: Awaitable[None]) -> None:
        task = asyncio.ensure_future(doing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
