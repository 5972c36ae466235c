"""WebSockets with bounds: how large a message may be, how many may wait for their consumer.

A line whose consumer is behind is not read: its sender waits, as TCP lets it, and nothing piles up here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol

from terminal.web import bounds


class Inbox(asyncio.Queue[dict[str, Any]]):
    """What a socket's consumer has not taken yet. `full` and `room` are called as it crosses its bounds."""

    def __init__(self, full: Callable[[], None], room: Callable[[], None]) -> None:
        super().__init__()
        self._on_full, self._on_room = full, room
        self._bytes = 0
        self._waits = False

    def _put(self, item: dict[str, Any]) -> None:
        super()._put(item)  # type: ignore[misc]
        self._bytes += _size(item)
        if not self._waits and (self.qsize() > bounds.INBOX_FRAMES or self._bytes > bounds.INBOX_BYTES):
            self._waits = True
            self._on_full()

    def _get(self) -> dict[str, Any]:
        item: dict[str, Any] = super()._get()  # type: ignore[misc]
        self._bytes -= _size(item)
        if self._waits and self.qsize() * 2 <= bounds.INBOX_FRAMES and self._bytes * 2 <= bounds.INBOX_BYTES:
            self._waits = False
            self._on_room()
        return item


def _size(item: dict[str, Any]) -> int:
    return len(item.get("text") or item.get("bytes") or "")


class BoundedSocket(WebSocketProtocol):  # type: ignore[misc]
    """One socket."""

    def onConnect(self, request: Any) -> Any:  # noqa: N802
        """The path is known, and no message has been read."""
        self.maxMessagePayloadSize = self.maxFramePayloadSize = bounds.frame_bytes_max(request.path)
        return super().onConnect(request)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """It is gone."""
        self.factory.server_class.peers.leave(self.transport)
        super().connectionLost(reason)

    def serverClose(self, code: int | None = None) -> None:  # noqa: N802
        """Close with any code; autobahn keeps those of the protocol itself (1009, 1011) from applications."""
        if code is not None and 1000 < code < 3000:
            self.sendCloseFrame(code=code)
        else:
            super().serverClose(code)

    def inbox(self) -> Inbox:
        """A queue for what comes in."""
        return Inbox(self._rest, self._go_on)

    def _rest(self) -> None:
        self.transport.pauseProducing()

    def _go_on(self) -> None:
        if self.transport is not None and self.state == self.STATE_OPEN:
            self.transport.resumeProducing()


class BoundedSockets(WebSocketFactory):  # type: ignore[misc]
    """Makes them."""

    protocol = BoundedSocket

    def setProtocolOptions(self, **options: Any) -> None:  # noqa: N802
        """As daphne wants them; a message too large is told with 1009 where autobahn would cut the line without a word."""
        super().setProtocolOptions(**options, failByDrop=False)
