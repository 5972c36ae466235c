"""A bus that stands still: nobody writes to it for long, nothing it adds late is young, and engines' loops go on."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketdata import bus as buses
from marketdata.bus_line import BusLine


@pytest.fixture
def still(tmp_path: Path) -> Iterator[str]:
    """A server that takes connections and bytes and never answers."""
    taken: list[socket.socket] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def take() -> None:
        while True:
            try:
                taken.append(listening.accept()[0])
            except OSError:
                return

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    yield f"redis://127.0.0.1:{listening.getsockname()[1]}/0"
    listening.close()
    for one in taken:
        one.close()


def test_a_loop_that_must_go_on_waits_half_a_second_and_then_not_at_all(still: str) -> None:
    hasty = buses.HastyBus(still)
    began = time.monotonic()
    with pytest.raises(buses.BusDown):
        hasty.read({"commands.0.1": b"0-0"}, 1, 20)
    assert time.monotonic() - began < 5
    began = time.monotonic()
    for _ in range(100):
        with pytest.raises(buses.BusDown):
            hasty.publish("account", b"news")
    assert time.monotonic() - began < buses.HASTY_S
    hasty.close()


async def test_a_line_to_it_is_never_ready_and_refuses_for_sure(still: str) -> None:
    line, said = BusLine(still, "replies.x", lambda _: None), list[bool | None]()
    await asyncio.sleep(0.2)
    assert not line.ready
    line.add("commands.0.1", b"an order", said.append)
    assert said == [False]
    line.close()


async def test_a_line_knows_the_servers_time_and_sees_that_it_fell_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    real = buses.default()
    line = BusLine(real.url, "replies.x", lambda _: None)
    deadline = time.monotonic() + 10
    while not line.ready:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    assert abs((line.clock.now_ms() or 0) - real.time_ns() // 1_000_000) < 2_000
    monkeypatch.setattr("marketdata.bus_line._write", lambda *_: None)  # its answers stay out from here on
    while line.ready:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    said = list[bool | None]()
    line.add("commands.0.1", b"an order", said.append)
    assert said == [False]
    line.close()
