"""REST over kept connections, one request at a time on each: signed orders, and any other request for comparison."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from marketdata import clock
from orders.benchmark.path.meter import Meter
from orders.benchmark.path.signing import Key

Request = tuple[str, str, bytes]  # method, target, body


def http(url: str, request: Request, key: Key) -> bytes:
    """A signed request on the wire."""
    method, target, body = request
    timestamp, signature = key.sign(method, target, body)
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\nContent-Type: application/json\r\n"
        f"X-API-Key: {key.key}\r\nX-API-Timestamp: {timestamp}\r\nX-API-Signature: {signature}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """(status, body) of the next response; its length must be said."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(size)


class RestLoad:
    """`lines` connections, each asking again as soon as it is answered."""

    def __init__(
        self, meter: Meter, key: Key, lines: int, make: Callable[[], Request], count: Callable[[int, bytes], None]
    ) -> None:
        self.meter, self.key, self.lines = meter, key, lines
        self.make, self.count = make, count

    async def run(self, url: str, seconds: float) -> None:
        """The whole run."""
        self.meter.begin()
        end_ns = clock.monotonic_ns() + int(seconds * 1e9)
        await asyncio.gather(*(self._drive(url, end_ns) for _ in range(self.lines)))

    async def _drive(self, url: str, end_ns: int) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while clock.monotonic_ns() < end_ns:
            sent_ns = clock.monotonic_ns()
            writer.write(http(url, self.make(), self.key))
            status, body = await answer(reader)
            self.meter.answered(sent_ns)
            self.count(status, body)
        writer.close()


encode = msgspec.json.Encoder().encode
