"""One socket's side of the fan-out: a bounded queue of frames and the task that writes them at the pace the line takes.

daphne accepts every frame at once and buffers without bound, so the pace is read from its transport. A market client that
falls behind loses frames and gets a fresh snapshot when it has caught up; nothing piles up for it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from terminal.frames import Frame

FRAMES_MAX = 256  # frames waiting for one client before it counts as behind
PACE_BYTES = 64 * 1024  # bytes in the transport above which the writer waits
BACKLOG_MAX = 1024 * 1024  # bytes waiting in all: the line is closed
TOO_SLOW = 4008
PACE_S = 0.02

Send = Callable[[str], Awaitable[None]]


def protocol_of(send: Any) -> Any:
    """daphne's protocol behind a socket's `send`; None when it cannot be told (another server, a test).

    daphne hands applications a partial over its protocol; for consumers it is perhaps behind the session middleware.
    """
    send = getattr(getattr(send, "__self__", None), "real_send", send)
    arguments = getattr(send, "args", ())
    return arguments[0] if arguments and hasattr(arguments[0], "transport") else None


def _transport(send: Any) -> Any:
    return getattr(protocol_of(send), "transport", None)


def writer_of(send: Any) -> Callable[[bytes], None] | None:
    """What puts the bytes of whole messages on this socket's line; None where daphne's protocol cannot be told."""
    protocol = protocol_of(send)
    if protocol is None:
        return None

    def write(wire: bytes) -> None:
        if protocol.state == protocol.STATE_OPEN:
            protocol.sendData(wire)

    return write


def hold_little(send: Any) -> None:
    """Let the kernel take no more than PACE_BYTES it cannot send yet: what waits there for a slow reader is old and cannot be
    called back, and megabytes would before daphne saw any of it.
    """
    line = getattr(_transport(send), "socket", None)
    if line is not None and line.family in (socket.AF_INET, socket.AF_INET6) and hasattr(socket, "TCP_NOTSENT_LOWAT"):
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, PACE_BYTES)


def transport_bytes(send: Any) -> int:
    """Bytes daphne holds for this socket; 0 when it cannot be told."""
    transport = _transport(send)
    if transport is None:
        return 0
    waiting = len(getattr(transport, "dataBuffer", b"")) - int(getattr(transport, "offset", 0))
    return max(0, waiting) + int(getattr(transport, "_tempDataLen", 0))


class Client:
    """Frames for one socket. Belongs to one event loop.

    `write`, where there is one, puts bytes on the line past everything in between, and tells whether it could; `send` is the way
    for servers that have none.
    """

    def __init__(
        self,
        send: Send,
        close: Callable[[int], Coroutine[Any, Any, None]],
        waiting: Callable[[], int],
        write: Callable[[bytes], None] | None = None,
    ) -> None:
        self._send, self._close, self._waiting, self._wire = send, close, waiting, write
        self._frames: asyncio.Queue[str] = asyncio.Queue(FRAMES_MAX)
        self._bytes = 0  # of frames that wait here
        self._task: asyncio.Task[None] | None = None
        self.dead = False

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._write())

    def stop(self) -> None:
        """The socket is gone."""
        self.dead = True
        if self._task:
            self._task.cancel()

    @property
    def backlog(self) -> int:
        """Bytes that wait, here and in the transport."""
        return self._bytes + self._waiting()

    @property
    def behind(self) -> bool:
        """Whether a market frame would only pile up."""
        return self._frames.full() or self._bytes > PACE_BYTES or self._waiting() > PACE_BYTES

    async def room(self) -> None:
        """Wait until it is not behind any more, or gone: for those who have much to say and can wait with it."""
        while self.behind and not self.dead:
            await asyncio.sleep(PACE_S)

    def offer(self, frame: str) -> bool:
        """Queue a frame that may be lost; False when the client is behind and must have a snapshot later."""
        if self.dead or self.behind:
            return False
        return self.push(frame)

    def push(self, frame: str) -> bool:
        """Queue a frame that may not be lost. A client that cannot take it is closed with 4008 and comes back.

        One frame alone may be larger than all that may wait.
        """
        if self.dead:
            return False
        waiting = self._waiting()
        if self._wire is not None and isinstance(frame, Frame) and not self._bytes and waiting <= PACE_BYTES:
            self._wire(frame.wire)
            return True
        backlog = self._bytes + waiting
        if self._frames.full() or (backlog > PACE_BYTES and backlog + len(frame) > BACKLOG_MAX):
            self.dead = True
            asyncio.get_running_loop().create_task(self._close(TOO_SLOW))
            return False
        self._bytes += len(frame)
        self._frames.put_nowait(frame)
        return True

    async def _write(self) -> None:
        while True:
            frame = await self._frames.get()
            while self._waiting() > PACE_BYTES:
                if self.backlog > BACKLOG_MAX and self._frames.qsize():
                    self.dead = True
                    await self._close(TOO_SLOW)
                    return
                await asyncio.sleep(PACE_S)
            if self._wire is not None and isinstance(frame, Frame):
                self._wire(frame.wire)
            else:
                await self._send(frame)
            self._bytes -= len(frame)
