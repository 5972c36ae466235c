"""The bots' socket: batches, or one order a frame with many in flight, over any number of connections. A hand-written client
of the few frames that are needed, because every microsecond of it is taken from what is measured.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import msgspec

from marketdata import clock
from orders.benchmark.path.meter import Meter
from orders.benchmark.path.orders import Made, Maker
from orders.benchmark.path.signing import Key

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
ANSWER_S = 30
_encode = msgspec.json.Encoder().encode


class _Order(msgspec.Struct):
    request_id: str
    status: str


class _Result(msgspec.Struct):
    status: int
    order: _Order | None = None
    code: str = ""


class _Answer(msgspec.Struct):
    id: int = 0
    status: int = 0
    op: str = ""
    order: _Order | None = None
    code: str = ""
    results: list[_Result] | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def frame(payload: bytes, op: int = TEXT) -> bytes:
    """A client's frame, masked as it must be."""
    size, mask = len(payload), os.urandom(4)
    head = struct.pack("!BB", 0x80 | op, 0x80 | size) if size < 126 else (
        struct.pack("!BBH", 0x80 | op, 0x80 | 126, size) if size < 1 << 16 else struct.pack("!BBQ", 0x80 | op, 0x80 | 127, size)
    )  # fmt: skip
    spread = (mask * (size // 4 + 1))[:size]
    masked = (int.from_bytes(payload, "big") ^ int.from_bytes(spread, "big")).to_bytes(size, "big")
    return head + mask + masked


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, url: str, key: Key) -> Line:
        """Connected and logged on."""
        line = await cls.connect(url)
        timestamp, signature = key.sign("GET", "/ws/bot")
        line.say({"op": "logon", "id": 0, "key": key.key, "timestamp": timestamp, "signature": signature})
        told = await line.hear()
        if told.status != 200:
            raise ConnectionError(f"logon: {told}")
        return line

    @classmethod
    async def connect(cls, url: str) -> Line:
        """Connected."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        nonce = base64.b64encode(os.urandom(16)).decode()
        asked = (
            f"GET /ws/bot HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {nonce}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        writer.write(asked.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in answer.split(b"\r\n", 1)[0]:
            raise ConnectionError(answer.decode(errors="replace")[:200])
        return cls(reader, writer)

    def say(self, message: Any) -> None:
        """Send a message."""
        self.writer.write(frame(_encode(message)))

    async def hear(self) -> _Answer:
        """The next answer; anything else is passed over."""
        while True:
            first, second = await self.reader.readexactly(2)
            size = second & 127
            if size == 126:
                size = int.from_bytes(await self.reader.readexactly(2), "big")
            elif size == 127:
                size = int.from_bytes(await self.reader.readexactly(8), "big")
            payload = await self.reader.readexactly(size)
            op = first & 15
            if op == PING:
                self.writer.write(frame(payload, PONG))
            elif op == CLOSE:
                raise ConnectionError(f"closed: {payload[2:].decode(errors='replace')} {payload[:2].hex()}")
            elif op == TEXT:
                answer = _decode(payload)
                if answer.status:
                    return answer


class SocketLoad:
    """`window` frames under way on each of `lines` connections; `batch` commands a frame."""

    def __init__(self, meter: Meter, maker: Maker, key: Key, batch: int, window: int, rate: float, lines: int) -> None:
        self.meter, self.maker, self.key = meter, maker, key
        self.batch, self.window, self.rate, self.lines = batch, window, rate, lines
        self.cancels: deque[str] = deque()

    def _item(self) -> dict[str, Any]:
        if self.cancels:
            return {"op": "cancel", "order": {"client": self.cancels.popleft()}}
        return {"op": "place", "order": self.words(self.maker.order())}

    def words(self, made: Made) -> dict[str, str]:
        """An order as the API takes it."""
        maker = self.maker
        return {
            "request_id": made.request_id, "account": maker.account, "exchange": maker.exchange, "symbol": maker.symbol,
            "type": "limit", "side": made.side, "price": maker.price(made.price_ticks), "quantity": maker.quantity(made.quantity_lots),
        }  # fmt: skip

    def count(self, status: int, order: _Order | None, code: str) -> None:
        """One command was answered."""
        if (
            status in (201, 200) and order and order.status == self.maker.wanted
        ):  # 200: looked up, for the answer came late
            self.meter.placed += 1
            if self.maker.cancels_now():
                self.cancels.append(order.request_id)
        elif status == 200 and order and order.status == "canceled":
            self.meter.canceled += 1
        else:
            self.meter.wrong[f"{status} {code} {order.status if order else ''}"] += 1

    async def run(self, url: str, seconds: float) -> None:
        """The whole run; ends when the last answer is in."""
        lines = [await Line.open(url, self.key) for _ in range(self.lines)]
        self.meter.begin()
        end_ns = clock.monotonic_ns() + int(seconds * 1e9)
        try:
            await asyncio.gather(*(self._drive(line, end_ns) for line in lines))
        finally:
            for line in lines:
                line.writer.close()

    async def _drive(self, line: Line, end_ns: int) -> None:
        waiting: dict[int, int] = {}
        room = asyncio.Semaphore(self.window)
        listening = asyncio.create_task(self._listen(line, waiting, room))
        due_ns, number = clock.monotonic_ns(), 0
        while clock.monotonic_ns() < end_ns and not listening.done():
            await asyncio.wait_for(room.acquire(), ANSWER_S)
            number += 1
            waiting[number] = clock.monotonic_ns()
            if self.batch > 1:
                line.say({"op": "batch", "id": number, "items": [self._item() for _ in range(self.batch)]})
            else:
                line.say(self._item() | {"id": number})
            if self.rate:
                due_ns += int(self.batch * self.lines / self.rate * 1e9)
                await asyncio.sleep(max(0, due_ns - clock.monotonic_ns()) / 1e9)
        for _ in range(self.window):
            await asyncio.wait_for(room.acquire(), ANSWER_S)
        listening.cancel()

    async def _listen(self, line: Line, waiting: dict[int, int], room: asyncio.Semaphore) -> None:
        while True:
            answer = await line.hear()
            if answer.id not in waiting:
                continue
            self.meter.answered(waiting.pop(answer.id))
            for one in answer.results or ():
                self.count(one.status, one.order, one.code)
            if answer.results is None:
                self.count(answer.status, answer.order, answer.code)
            room.release()


class EchoLoad:
    """One message at a time to a consumer that sends it back: what Channels alone takes of a round trip."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter

    async def run(self, url: str, seconds: float) -> None:
        """The whole run."""
        line = await Line.connect(url)
        self.meter.begin()
        end_ns = clock.monotonic_ns() + int(seconds * 1e9)
        while clock.monotonic_ns() < end_ns:
            sent_ns = clock.monotonic_ns()
            line.say({"id": 1, "status": 200})
            await line.hear()
            self.meter.answered(sent_ns)
            self.meter.placed += 1
        line.writer.close()
