"""Many browsers in one process: each a socket that listens, checks that no frame is missing, and notes how old what it hears is.

Run as a program: browsers.py PORT COUNT PATH SESSION CHANNEL… Prints one line when all listen, and at the end of its input a JSON
object with what they heard.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from array import array
from typing import Any

import msgspec

from marketdata import clock

HOST = "127.0.0.1"


class Heard(msgspec.Struct):
    """What of a frame is looked at."""

    ch: str = ""
    q: int | dict[str, int] = 0  # a beat has one for each channel
    pq: int | None = None
    x: int = 0
    n: int = 0  # of the stock messages: which update it is


_decode = msgspec.json.Decoder(Heard).decode


class Browser(asyncio.Protocol):
    """One of them."""

    def __init__(self, port: int, path: str, session: str, channels: list[str]) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", f"Host: {HOST}:{port}", f"Origin: http://{HOST}:{port}", "Upgrade: websocket"]
        lines += ["Connection: Upgrade", f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        self._hello = "\r\n".join([*lines, f"Cookie: sessionid={session}", "", ""]).encode()
        self._channels = channels
        self._left = b""
        self._open = False
        self.first = asyncio.get_running_loop().create_future()
        self.closed = False
        self.q: dict[str, Any] = {}
        self.x: dict[str, int] = {}
        self.frames: dict[str, int] = {}
        self.snapshots = self.missed = self.numbered = 0
        self.lost: list[int] = []
        self.ages_us = array("q")
        self.moments = array("q")  # of the first channel: when it was heard, and the newest change in it, both ms

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.line = transport
        transport.write(self._hello)

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True

    def data_received(self, data: bytes) -> None:
        now_us = clock.now_ns() // 1000
        data = self._left + data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._left = head
                return
            assert b" 101 " in head, head
            self._open = True
            wanted = json.dumps({"op": "subscribe", "channels": self._channels}).encode()
            size = len(wanted)
            head = bytes((0x81, 0x80 | size)) if size < 126 else bytes((0x81, 0xFE)) + size.to_bytes(2, "big")
            self.line.write(head + bytes(4) + wanted)  # its mask is zero, so the text is as it is
        at = 0
        while len(data) - at >= 2:
            size, begin = data[at + 1], at + 2
            if size == 126:
                size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, begin = int.from_bytes(data[at + 2 : at + 10], "big"), at + 10
            if len(data) < begin + size:
                break
            if data[at] == 0x81:
                self._hear(data[begin : begin + size], now_us)
            elif data[at] == 0x89:  # a ping
                self.line.write(bytes((0x8A, 0x80 | size)) + bytes(4) + data[begin : begin + size])
            at = begin + size
        self._left = data[at:]

    def _hear(self, raw: bytes, now_us: int) -> None:
        frame = _decode(raw)
        if frame.n:
            self.numbered += 1
            self.ages_us.append(now_us - frame.x)
        if not frame.ch:
            if not self.first.done():
                self.first.set_result(None)
            return
        if frame.pq is None:
            self.snapshots += 1
            if not self.first.done():
                self.first.set_result(None)
        else:
            self.missed += frame.pq != self.q.get(frame.ch)
            if frame.x != self.x.get(frame.ch):  # else it only says that its source is still there
                self.ages_us.append(now_us - frame.x * 1000)
            if frame.ch == self._channels[0]:
                self.moments.append(now_us // 1000)
                self.moments.append(frame.x)
        self.q[frame.ch], self.x[frame.ch] = frame.q, frame.x
        self.frames[frame.ch] = self.frames.get(frame.ch, 0) + 1


def waits_ms(moments: array[int]) -> list[int]:
    """How long each change waited for the frame it came in, a change each millisecond."""
    found: list[int] = []
    for before, heard, newest in zip(moments[1::2], moments[2::2], moments[3::2], strict=False):
        found += [heard - at for at in range(before + 1, newest + 1)]
    return found


def percentile(values: list[int], share: float) -> float:
    """0 when there is none."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0


async def listen(port: int, count: int, path: str, session: str, channels: list[str]) -> None:
    loop = asyncio.get_running_loop()
    browsers = []
    for _ in range(count):
        _, one = await loop.create_connection(lambda: Browser(port, path, session, channels), HOST, port)
        browsers.append(one)
    await asyncio.gather(*(one.first for one in browsers))
    for one in browsers:
        one.frames.clear()
        one.ages_us, one.moments, one.snapshots, one.numbered = array("q"), array("q"), 0, 0
    began_ns = clock.monotonic_ns()
    print("listening", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    ages = [age for one in browsers for age in one.ages_us]
    waits = waits_ms(browsers[0].moments)
    told = {
        "browsers": count,
        "seconds": (clock.monotonic_ns() - began_ns) / 1e9,
        "frames": sum(sum(one.frames.values()) for one in browsers),
        "frames_each": {name: max(one.frames.get(name, 0) for one in browsers) for name in channels},
        "messages": sum(one.numbered for one in browsers),
        "missed": sum(one.missed for one in browsers),
        "snapshots": sum(one.snapshots for one in browsers),
        "closed": sum(one.closed for one in browsers),
        "age_p50_ms": percentile(ages, 0.5) / 1000,
        "age_p99_ms": percentile(ages, 0.99) / 1000,
        "wait_p50_ms": percentile(waits, 0.5),
        "wait_p99_ms": percentile(waits, 0.99),
    }
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    asyncio.run(listen(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5:]))
