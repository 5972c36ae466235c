"""HTTP connections with bounds: how many, how long a request may take to arrive, how large its body may be.

A request is refused before its body is kept. What the client goes on sending is read for a few seconds and thrown away: a
connection closed on unread bytes is reset, and the client would never see why.
"""

from __future__ import annotations

import json
from typing import Any

from daphne.http_protocol import WebRequest
from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.web import http

from terminal.web import bounds

TOO_LARGE = (413, "Content Too Large", "BODY_TOO_LARGE", "The body is larger than {} KB. Nothing was done.")
TOO_SLOW = (408, "Request Timeout", "TOO_SLOW", "The request did not arrive within {} s. Nothing was done.")
TOO_MANY = (
    429,
    "Too Many Requests",
    "TOO_MANY_CONNECTIONS",
    "Your address has too many connections open. Nothing was done.",
)


class BoundedRequest(WebRequest):  # type: ignore[misc]
    """A request that stops being kept once its channel has refused it."""

    _taken = 0

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        """A piece of the body."""
        if self.channel is None or self.channel.refused:
            return
        self._taken += len(data)
        if self._taken > self.channel.body_bytes_max:
            self.channel.refuse_body()
        else:
            super().handleContentChunk(data)


class BoundedChannel(http.HTTPChannel):  # type: ignore[misc]
    """One connection, while it speaks HTTP."""

    refused = False
    body_bytes_max = bounds.BODY_BYTES_MAX
    _deadline: Any = None
    _linger: Any = None

    def connectionMade(self) -> None:  # noqa: N802
        """Somebody came."""
        super().connectionMade()
        self._await_request()
        peer = self.transport.getPeer()
        if not self.factory.server.peers.enter(self.transport, getattr(peer, "host", "")):
            self._refuse(TOO_MANY)

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        """They went."""
        self._deadline = _cancel(self._deadline)
        self._linger = _cancel(self._linger)
        self.factory.server.peers.leave(self.transport)
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        """Bytes of a request, or of what was refused."""
        if self.refused:
            return
        if self._deadline is None and not self._handlingRequest:
            self._await_request()
        super().dataReceived(data)

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        """Bytes of a body."""
        if not self.refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802
        """The path and the length are known, and nothing of the body has been kept."""
        request = self.requests[-1]
        forwarded = [line.decode("latin-1") for line in request.requestHeaders.getRawHeaders(b"x-forwarded-for", [])]
        self.body_bytes_max = bounds.body_bytes_max(self._path)
        if not self.factory.server.peers.told(self.transport, forwarded):
            self._refuse(TOO_MANY)
        elif self.length is not None and self.length > self.body_bytes_max:
            self.refuse_body()
        else:
            super().allHeadersReceived()

    def allContentReceived(self) -> None:  # noqa: N802
        """The request is whole."""
        if not self.refused:
            self._deadline = _cancel(self._deadline)
            super().allContentReceived()

    def refuse_body(self) -> None:
        """413."""
        self._refuse(TOO_LARGE, self.body_bytes_max // 1024)

    def _await_request(self) -> None:
        self._deadline = self.callLater(bounds.DEADLINE_S, self._refuse_late)

    def _refuse_late(self) -> None:
        self._deadline = None
        if self.requests:
            self._refuse(TOO_SLOW, f"{bounds.DEADLINE_S:g}")
        else:
            self.transport.abortConnection()  # nothing was asked, so nothing is answered

    def _refuse(self, answer: tuple[int, str, str, str], *words: object) -> None:
        status, phrase, code, message = answer
        self.refused = True
        self._deadline = _cancel(self._deadline)
        self.setTimeout(None)
        body = json.dumps({"code": code, "message": message.format(*words)}).encode()
        head = f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self.transport.write(head.encode() + b"Retry-After: 1\r\nConnection: close\r\n\r\n" + body)
        self._networkProducer.unregisterProducer()
        self.transport.loseWriteConnection()
        self._linger = self.callLater(bounds.LINGER_S, self.transport.abortConnection)


def _cancel(call: Any) -> None:
    """Stop a call that waits for its time, if it still does."""
    if call is not None:
        try:
            call.cancel()
        except (AlreadyCalled, AlreadyCancelled):
            pass
