"""Engine alone: commands written straight onto its stream, answers heard on a channel, without any web process."""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections import deque
from urllib.parse import unquote, urlsplit

import hiredis
import msgspec

from marketdata import channels, clock
from orders import messages
from orders.benchmark.path.meter import Meter
from orders.benchmark.path.orders import Maker
from orders.ids import body_hash

_replies = msgspec.msgpack.Decoder(list[tuple[int, int, dict[str, str], bytes]])


def _now_s() -> float:
    return clock.monotonic_ns() / 1e9


async def connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare connection to the bus."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return await asyncio.open_unix_connection(unquote(parts.netloc + parts.path))
    return await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or 6379)


def packed(*words: bytes) -> bytes:
    """A command of the bus on the wire."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)


class BusLoad:
    """Keeps `window` commands under way, written `batch` at a time."""

    def __init__(self, meter: Meter, maker: Maker, stream: str, batch: int, window: int, rate: float) -> None:
        self.meter, self.maker = meter, maker
        self.batch, self.window, self.rate = batch, window, rate
        self.stream = stream.encode()
        self.channel = channels.replies(uuid.uuid4().hex)
        self.ids = itertools.count(1)
        self.waiting: dict[int, tuple[int, str]] = {}
        self.cancels: deque[str] = deque()
        self.room = asyncio.Event()

    def command(self) -> bytes:
        """The next one: a cancel where one is due, else a place."""
        number = next(self.ids)
        owner, account = self.maker.owner_id, self.maker.account_id
        made: messages.Command
        if self.cancels:
            client = self.cancels.popleft()
            self.waiting[number] = (clock.monotonic_ns(), "")
            made = messages.Cancel(
                owner_id=owner, reply_to=self.channel, reply_id=number, account_ids=[account], request_id=f"c-{client}",
                body_hash=body_hash("cancel", client), client=client,
            )  # fmt: skip
        else:
            order = self.maker.order()
            self.waiting[number] = (clock.monotonic_ns(), order.request_id)
            made = messages.Place(
                owner_id=owner, reply_to=self.channel, reply_id=number, account_id=account, key_id=self.maker.key_id,
                instrument_id=self.maker.instrument_id, spec_version=self.maker.spec_version, request_id=order.request_id,
                body_hash=order.request_id.encode()[-16:].rjust(16), type="limit", side=order.side, time_in_force="gtc",
                price_ticks=order.price_ticks, quantity_lots=order.quantity_lots,
            )  # fmt: skip
        return packed(b"XADD", self.stream, b"NOMKSTREAM", b"*", channels.COMMAND_FIELD, messages.encode(made))

    def heard(self, payload: bytes) -> None:
        """Answers."""
        for reply_id, status, _, body in _replies.decode(payload):
            sent_ns, request_id = self.waiting.pop(reply_id)
            self.meter.answered(sent_ns)
            if status == 201 and request_id and self.maker.counts(body):
                self.meter.placed += 1
                if self.maker.cancels_now():
                    self.cancels.append(request_id)
            elif status == 200 and not request_id:
                self.meter.canceled += 1
            else:
                self.meter.wrong[f"{status} {body[:100]!r}"] += 1
        self.room.set()

    async def run(self, url: str, seconds: float) -> None:
        """The whole run; ends when the last answer is in."""
        reader, writer = await connect(url)
        hears, says = await connect(url)
        says.write(packed(b"SUBSCRIBE", self.channel.encode()))
        await hears.read(4096)
        tasks = [asyncio.create_task(self._listen(hears)), asyncio.create_task(_swallow(reader))]
        self.meter.begin()
        end = _now_s() + seconds
        due = _now_s()
        while _now_s() < end:
            if len(self.waiting) + self.batch > self.window:
                self.room.clear()
                await asyncio.wait_for(self.room.wait(), 10)
                continue
            writer.write(b"".join([self.command() for _ in range(self.batch)]))
            if self.rate:
                due += self.batch / self.rate
                await asyncio.sleep(max(0.0, due - _now_s()))
            else:
                await asyncio.sleep(0)
        while self.waiting:
            self.room.clear()
            await asyncio.wait_for(self.room.wait(), 10)
        for task in tasks:
            task.cancel()

    async def _listen(self, hears: asyncio.StreamReader) -> None:
        parser = hiredis.Reader()
        while data := await hears.read(1 << 20):
            parser.feed(data)
            while (message := parser.gets()) is not False:
                self.heard(message[2])


async def _swallow(reader: asyncio.StreamReader) -> None:
    while await reader.read(1 << 20):
        pass
