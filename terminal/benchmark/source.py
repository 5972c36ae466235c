"""A market that changes so many times a second, told the way the feed tells it or with Channels' group_send.

Run as a program: source.py blocks|group RATE SECONDS INSTRUMENT SPEC_VERSION. Prints how many changes it told, and of them trades.
"""

from __future__ import annotations

import asyncio
import sys

import django
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings

from marketdata import clock
from marketdata.blocks import BUY, LEVEL, SELL, TRADE, BlockWriter
from marketdata.bus import Bus

GROUP = "book"
MID = 5_000_000
TRADE_EVERY = 10
WHOLE_EVERY_NS = 1_000_000_000
LEVELS = 50


def stock_layer() -> None:
    """Channels' own layer with its defaults, but for connections: redis-py allows too few for a hundred sockets."""
    layer = settings.CHANNEL_LAYERS["default"]
    layer["BACKEND"] = "channels_redis.core.RedisChannelLayer"
    layer["CONFIG"] = {"hosts": [{"address": settings.REDIS_URL, "socket_timeout": None, "max_connections": 1000}]}


class Blocks:
    """As the feed does: a block for each event, a whole book every second."""

    def __init__(self, instrument: int, spec_version: int) -> None:
        self._bus = Bus(settings.REDIS_URL)
        self._writer = BlockWriter()
        self._who = (instrument, spec_version)
        self._levels = {side: {MID + (1 if side else -1) * n: 10 for n in range(1, LEVELS + 1)} for side in (BUY, SELL)}
        self._whole_ns = 0
        self.trades = 0

    async def tell(self, number: int, now_ns: int) -> None:
        side = number & 1
        if number % TRADE_EVERY == 0:
            self._writer.add(TRADE, *self._who, now_ns, side, MID, 1 + number % 7)
            self.trades += 1
        else:
            ticks = MID + (1 if side else -1) * (1 + number * 7 % LEVELS)
            self._levels[side][ticks] = 1 + number % 97
            self._writer.add(LEVEL, *self._who, now_ns, side, ticks, self._levels[side][ticks])
        if now_ns - self._whole_ns > WHOLE_EVERY_NS:
            self._whole_ns = now_ns
            self._writer.snapshot(*self._who, now_ns, *(self._levels[side].items() for side in (BUY, SELL)))
        self._bus.publish_block("bench", self._writer.take())


class Group:
    """As Channels has it: one message to the group for each change."""

    trades = 0

    async def tell(self, number: int, now_ns: int) -> None:
        text = (
            f'{{"v":1,"n":{number},"x":{now_ns // 1000},"d":{{"bids":[["50000.01","0.00{number % 97}"]],"asks":[]}}}}'
        )
        await get_channel_layer().group_send(GROUP, {"type": "market", "text": text})


async def run(kind: str, rate: int, seconds: float, instrument: int, spec_version: int) -> None:
    told = Blocks(instrument, spec_version) if kind == "blocks" else Group()
    begin_ns, number = clock.monotonic_ns(), 0
    while (spent_ns := clock.monotonic_ns() - begin_ns) < seconds * 1e9:
        while number < spent_ns * rate // 1_000_000_000:
            number += 1
            await told.tell(number, clock.now_ns())
            if clock.monotonic_ns() - begin_ns > seconds * 1e9:
                break
        await asyncio.sleep(0.0005)
    print(number, told.trades, flush=True)
    await channel_layers["default"].close_pools() if kind == "group" else None


if __name__ == "__main__":
    django.setup()
    stock_layer()
    asyncio.run(run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])))
