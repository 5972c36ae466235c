"""A client that cannot keep up: market frames are dropped for a snapshot later, what may not be lost closes the line."""

from __future__ import annotations

import asyncio

from terminal.clients import BACKLOG_MAX, FRAMES_MAX, PACE_BYTES, TOO_SLOW, Client


class Line:
    """A line whose transport holds `waiting` bytes."""

    def __init__(self) -> None:
        self.waiting = 0
        self.sent: list[str] = []
        self.code: int | None = None
        self.client = Client(self.send, self.close, lambda: self.waiting)
        self.client.start()

    async def send(self, frame: str) -> None:
        self.sent.append(frame)

    async def close(self, code: int) -> None:
        self.code = code


async def test_frames_arrive_in_order() -> None:
    line = Line()
    assert all(line.client.offer(str(number)) for number in range(100))
    await asyncio.sleep(0.01)
    assert line.sent == [str(number) for number in range(100)]


async def test_a_full_transport_takes_no_market_frame() -> None:
    line = Line()
    line.waiting = PACE_BYTES + 1
    assert not line.client.offer("a book")
    assert line.client.behind
    line.waiting = 0
    assert line.client.offer("a snapshot")


async def test_what_may_not_be_lost_waits_until_the_transport_is_free() -> None:
    line = Line()
    line.waiting = PACE_BYTES + 1
    assert line.client.push("a fill")
    await asyncio.sleep(0.05)
    assert line.sent == []
    line.waiting = 0
    await asyncio.sleep(0.05)
    assert line.sent == ["a fill"]


async def test_a_megabyte_behind_the_line_is_closed() -> None:
    line = Line()
    line.waiting = BACKLOG_MAX
    assert not line.client.push("a fill")
    await asyncio.sleep(0)
    assert line.code == TOO_SLOW
    assert line.client.dead


async def test_the_queue_is_bounded() -> None:
    line = Line()
    line.waiting = PACE_BYTES + 1
    pushed = sum(line.client.push("a fill") for _ in range(FRAMES_MAX * 2))
    assert pushed <= FRAMES_MAX + 1
    await asyncio.sleep(0)
    assert line.code == TOO_SLOW
