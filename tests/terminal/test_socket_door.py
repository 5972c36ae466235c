"""Who may open a socket, and what may be said on it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User

from terminal import consumers
from tests.terminal.sockets import Browser

PATHS = ("/ws/market", "/ws/account")


@pytest.fixture
def user() -> User:
    return User(pk=1, username="ann")


@pytest.mark.parametrize("path", PATHS)
async def test_a_stranger_is_sent_away(path: str) -> None:
    async with Browser(path, AnonymousUser()) as browser:
        assert await browser.closed() == consumers.SIGNED_OUT


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.test",
        "http://terminal.test",  # another port
        "http://terminal.test:9000",
        "https://terminal.test:8000",  # another scheme
        "http://terminal.test:8000.evil.test",
    ],
)
async def test_a_page_of_another_origin_is_sent_away(path: str, origin: str | None, user: Any) -> None:
    async with Browser(path, user, origin) as browser:
        assert await browser.closed() == consumers.WRONG_ORIGIN


async def test_a_ping_is_answered_with_the_servers_clock(user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        await browser.say(op="ping", id=7)
        pong = await browser.hear()
        assert (pong["op"], pong["id"]) == ("pong", 7)
        assert pong["t"] > 1_700_000_000_000


async def test_every_second_has_a_heartbeat(user: Any) -> None:
    async with Browser("/ws/account", user) as browser:
        beats = [frame for frame in await browser.hear_for(2.3) if frame.get("op") == "beat"]
        assert len(beats) >= 2


async def test_a_frame_that_is_none_is_named_and_the_line_stays(user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        await browser.line.send_to(text_data="what?")
        assert (await browser.hear())["code"] == "INVALID"
        await browser.say(op="dance")
        assert (await browser.hear())["code"] == "INVALID"


async def test_a_frame_above_16_kb_closes_the_line(user: Any) -> None:
    async with Browser("/ws/market", user) as browser:
        await browser.line.send_to(text_data=" " * 17_000)
        assert await browser.closed() == consumers.TOO_LARGE


@pytest.fixture
def forgiven() -> Any:
    from terminal.bad_frames import bad_frames

    bad_frames.clear()
    yield
    bad_frames.clear()


async def test_ten_bad_frames_close_the_line_and_one_the_next(user: Any, forgiven: None) -> None:
    async with Browser("/ws/market", user) as browser:
        for _ in range(10):
            await browser.line.send_to(text_data="[" * 9000)
        assert await browser.closed() == consumers.BAD_FRAME
    async with Browser("/ws/account", user) as browser:
        await browser.line.send_to(text_data="what?")
        assert await browser.closed() == consumers.BAD_FRAME


async def test_somebody_elses_bad_frames_are_theirs(user: Any, forgiven: None) -> None:
    async with Browser("/ws/market", User(pk=2, username="bob")) as browser:
        for _ in range(10):
            await browser.line.send_to(text_data="what?")
        assert await browser.closed() == consumers.BAD_FRAME
    async with Browser("/ws/market", user) as browser:
        await browser.line.send_to(text_data="what?")
        assert (await browser.hear())["code"] == "INVALID"
