"""When an engine cannot keep up, places are refused at the door while cancels are still taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from marketdata.server_clock import ServerClock
from orders import gathering, messages
from orders.messages import Reply

LIMIT_S = 20


class Line:
    """A bus whose engine answers when it is told to."""

    ready = True

    def __init__(self, url: str, channel: str, heard: Callable[[bytes], None]) -> None:
        self.heard = heard
        self.clock = ServerClock()
        self.entries = 0

    def add(self, stream: str, payload: bytes, written: Callable[[bool | None], None]) -> None:
        self.entries += 1
        written(True)


@pytest.fixture
async def door(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(gathering, "BusLine", Line)
    monkeypatch.setattr(gathering, "ANSWER_S", 100.0)
    made = gathering.Gathering()
    made._epochs[0] = 1
    return made


def _place() -> messages.Place:
    return messages.Place(
        owner_id=1, account_id=1, instrument_id=1, spec_version=1, request_id="r", body_hash=b"", type="limit",
        side="buy", time_in_force="gtc", price_ticks=1, quantity_lots=1,
    )  # fmt: skip


CANCEL = messages.Cancel(owner_id=1, account_ids=[1], request_id="c", body_hash=b"", client="r")


class Client:
    """Asks, and keeps what it is told at once."""

    def __init__(self, door: gathering.Gathering) -> None:
        self.door = door
        self.told: list[Reply | None] = []

    def ask(self, command: messages.Command, count: int = 1) -> list[Reply | None]:
        self.told.clear()
        for _ in range(count):
            self.door.ask(0, command, self.told.append)
        return list(self.told)

    async def until_late(self, late: bool) -> None:
        async with asyncio.timeout(LIMIT_S):
            while self.door.late is not late:
                await asyncio.sleep(0.01)


def _answers(door: gathering.Gathering) -> None:
    """The engine answers all of it."""
    told = [(number, 201, {}, b"{}") for number in list(door._waiting)]
    door._line.heard(msgspec.msgpack.encode(told))


async def test_a_short_line_is_nobodys_trouble_however_long_it_lasts(door: Any) -> None:
    client = Client(door)
    client.ask(_place(), gathering.PLACES_WHILE_LATE - 1)
    await client.until_late(True)
    assert client.ask(_place()) == []


async def test_places_are_refused_before_cancels(door: Any) -> None:
    client = Client(door)
    assert client.ask(_place(), gathering.PLACES_WHILE_LATE + 1) == []
    await client.until_late(True)
    (refused,) = client.ask(_place())
    assert refused is not None
    assert (refused.status, refused.headers["Retry-After"]) == (503, "1")
    assert client.ask(CANCEL) == []
    entries = door._line.entries
    await asyncio.sleep(0)
    assert door._line.entries == entries + 1


async def test_once_answered_places_are_taken_again(door: Any) -> None:
    client = Client(door)
    client.ask(_place(), gathering.PLACES_WHILE_LATE + 1)
    await client.until_late(True)
    _answers(door)
    await client.until_late(False)
    assert client.ask(_place()) == []


async def test_there_is_an_end_for_everybody(door: Any) -> None:
    client = Client(door)
    client.ask(_place(), gathering.PLACES_MAX)
    assert len(client.ask(_place())) == 1
    assert client.ask(CANCEL, gathering.CANCELS_MAX - gathering.PLACES_MAX) == []
    assert len(client.ask(CANCEL)) == 1
