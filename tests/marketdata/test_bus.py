"""The bus: a missing stream is an answer, a listener survives, nothing waits for ever."""

from __future__ import annotations

import asyncio
import time

import pytest

from marketdata import channels
from marketdata.bus import AsyncBus, BlockTail, Bus, BusDown


def test_a_missing_stream_is_an_answer_not_a_silent_loss(bus: Bus) -> None:
    assert bus.add("commands.9.1", b"x") is None
    assert not bus.stream_exists("commands.9.1")


def test_commands_are_read_in_order_after_an_id(bus: Bus) -> None:
    bus.create_stream("commands.9.2")
    ids = bus.add_many("commands.9.2", [b"a", b"b", b"c"])
    assert all(ids)
    read = bus.read({"commands.9.2": ids[0] or b""}, 10, None)
    assert [entry.payload for entry in read["commands.9.2"]] == [b"b", b"c"]
    bus.delete_stream("commands.9.2")


def test_reading_with_no_wait_returns_at_once(bus: Bus) -> None:
    bus.create_stream("commands.9.3")
    started = time.monotonic()
    assert bus.read({"commands.9.3": b"0-0"}, 10, 0) == {}
    assert time.monotonic() - started < 1
    bus.delete_stream("commands.9.3")


def test_a_listener_hears_what_was_published(bus: Bus) -> None:
    listener = bus.listener("wake")
    assert listener.open()
    bus.wake("subscriptions")
    assert listener.get(2) == ("wake", b"subscriptions")
    assert listener.get(0.01) is None
    listener.close()


def test_an_unreachable_bus_is_bus_down() -> None:
    nowhere = Bus("unix:///nonexistent/socket")
    with pytest.raises(BusDown):
        nowhere.publish("wake", "x")
    assert not nowhere.ping()
    nowhere.wake("subscriptions")  # the woken look by themselves
    assert nowhere.listener("wake").get(0.01) is None
    assert BlockTail(nowhere).read(1) == []


def test_a_tail_survives_a_flushed_stream(bus: Bus) -> None:
    bus.publish_block("sim", b"one")
    tail = BlockTail(bus, 10)
    tail.follow(["sim"])
    assert [entry.payload for _, entry in tail.read(10)] == [b"one"]
    bus.delete_stream(channels.market("sim"))
    time.sleep(0.002)  # ids are milliseconds; a flush and new blocks within one are not worth code
    bus.publish_block("sim", b"two")
    assert [entry.payload for _, entry in tail.read(500)] == [b"two"]


def test_a_tail_without_bound_begins_with_the_oldest(bus: Bus) -> None:
    for payload in (b"1", b"2", b"3"):
        bus.publish_block("sim", payload)
    tail = BlockTail(bus, None)
    tail.follow(["sim"])
    assert [entry.payload for _, entry in tail.read(10)] == [b"1", b"2", b"3"]


async def test_the_asynchronous_bus_says_when_messages_may_have_been_missed(bus: Bus) -> None:
    asynchronous = AsyncBus(bus.url)
    heard = asynchronous.messages("replies.test")
    assert await anext(heard) is None
    await asynchronous.publish("replies.test", b"answer")
    assert await asyncio.wait_for(anext(heard), 2) == ("replies.test", b"answer")
    assert await asynchronous.add("commands.9.4", b"x") is None
    await heard.aclose()
    await asynchronous.close()
