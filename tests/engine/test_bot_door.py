"""Who gets onto the bots' socket, what it may do there, and when it is put out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from marketdata import clock
from orders import auth, catalog
from orders.models import Order
from terminal import bot_session
from terminal.bad_frames import bad_frames
from tests.engine.bots import Bot, key_of, signed

ORDER = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "50000", "quantity": "0.01"}


@pytest.fixture(autouse=True)
def forgotten() -> None:
    auth.forget()
    catalog.default().forget()
    bad_frames.clear()


def with_bot(owner: Any, do: Callable[[Bot], Awaitable[None]], **key: Any) -> None:
    """Log a bot on, and let it do."""
    made, secret = key_of(owner, **key)

    async def run() -> None:
        async with Bot() as bot:
            assert (await bot.logon(made, secret))["status"] == 200
            await do(bot)

    asyncio.run(run())


def test_a_logon_is_told_its_limits(money: Any) -> None:
    key, secret = key_of(money.trader, symbols=["BTC/USDT"], rate_per_second=50)

    async def run() -> dict[str, Any]:
        async with Bot(headers=[(b"cookie", b"sessionid=x"), (b"origin", b"http://evil.test")]) as bot:
            return await bot.logon(key, secret, id=7)

    answer = asyncio.run(run())
    assert (answer["op"], answer["id"], answer["status"]) == ("logon", 7, 200)
    limits = answer["limits"]
    assert (limits["accounts"], limits["symbols"], limits["scopes"]) == (["trader"], ["BTC/USDT"], ["read", "trade"])
    assert (limits["rate_per_second"], limits["batch_items"], limits["frame_bytes"]) == (50, 500, 262_144)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signature": "0" * 64}, "AUTH_INVALID"),
        ({"signature": None}, "AUTH_INVALID"),
        ({"key": "mk_nobody"}, "AUTH_INVALID"),
        ({"key": 7}, "AUTH_INVALID"),
        ({"timestamp": True}, "AUTH_INVALID"),
        ({"op": "place", "order": ORDER}, "AUTH_INVALID"),
        ({"user": "admin"}, "UNKNOWN_FIELD"),
    ],
)
def test_a_logon_that_is_not_right_is_refused_and_the_line_closed(money: Any, change: Any, code: str) -> None:
    key, secret = key_of(money.trader)

    async def run() -> tuple[dict[str, Any], int]:
        async with Bot() as bot:
            return await bot.ask(**{**signed(key.key, secret), **change}), await bot.closed()

    answer, closed = asyncio.run(run())
    assert (answer["status"] in (400, 401), answer["code"], closed) == (True, code, 4401)


def test_a_logon_of_another_time_another_place_or_a_dead_key_is_refused(money: Any) -> None:
    old, secret = key_of(money.trader)
    elsewhere, its_secret = key_of(money.trader, addresses=["10.0.0.0/8"])
    expired, last_secret = key_of(money.trader, expires_at=clock.now() - timedelta(seconds=1))
    frames = [signed(old.key, secret, clock.now_ms() - 6000), signed(elsewhere.key, its_secret),
              signed(expired.key, last_secret)]  # fmt: skip

    async def run() -> list[tuple[int, str, int]]:
        found = []
        for frame in frames:
            async with Bot() as bot:
                answer = await bot.ask(**frame)
                found.append((answer["status"], answer["code"], await bot.closed()))
        return found

    assert asyncio.run(run()) == [(401, "TS_WINDOW", 4401), (403, "IP", 4401), (401, "AUTH_INVALID", 4401)]


def test_who_says_nothing_is_put_out(money: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bot_session.LOGON_S == 5.0
    monkeypatch.setattr(bot_session, "LOGON_S", 0.05)

    async def run() -> int:
        async with Bot() as bot:
            return await bot.closed()

    assert asyncio.run(run()) == 4401


def test_a_frame_is_at_most_16_kb_before_the_logon_and_256_after(money: Any) -> None:
    async def before() -> int:
        async with Bot() as bot:
            bot.raw(" " * (16 * 1024 + 1))
            return await bot.closed()

    async def after(bot: Bot) -> None:
        bot.raw('{"op":"ping","id":1}' + " " * 200_000)
        assert (await bot.hear())["op"] == "pong"
        bot.raw(" " * (256 * 1024 + 1))
        assert await bot.closed() == 1009

    assert asyncio.run(before()) == 1009
    with_bot(money.trader, after)


def test_a_revoked_key_closes_its_sockets_within_a_second(money: Any) -> None:
    made, secret = key_of(money.trader)

    async def run() -> float:
        async with Bot() as bot:
            await bot.logon(made, secret)
            await asyncio.sleep(0.1)
            await asyncio.to_thread(type(made).objects.filter(pk=made.pk).update, revoked_at=clock.now())
            began = clock.monotonic_ns()
            assert await bot.closed() == 4401
            return (clock.monotonic_ns() - began) / 1e9

    assert asyncio.run(run()) < 1 + 4  # a second, and a machine that is busy with other tests


def test_ten_frames_that_are_none_close_the_line(money: Any) -> None:
    async def do(bot: Bot) -> None:
        for _ in range(10):
            bot.raw("{")
        assert [(await bot.hear())["status"] for _ in range(10)] == [400] * 10
        assert await bot.closed() == 4400

    with_bot(money.trader, do)


def test_more_in_flight_than_may_be_is_429_each(money: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bot_session, "IN_FLIGHT_MAX", 3)

    async def do(bot: Bot) -> None:
        bot.say(op="batch", id=1, items=[{"op": "place", "order": ORDER}] * 5)
        results = (await bot.hear())["results"]  # nobody owns the shard
        assert [result["status"] for result in results] == [503] * 3 + [429] * 2
        assert results[4]["code"] == "IN_FLIGHT_MAX" and results[4]["retry_after"] == 1

    with_bot(money.trader, do)


def test_places_are_refused_before_cancels_when_too_much_waits(money: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.gathering.PLACES_MAX", 2)
    monkeypatch.setattr("orders.gathering.CANCELS_MAX", 4)
    cancel = {"op": "cancel", "order": {"client": "x"}}

    async def do(bot: Bot) -> None:
        items = [{"op": "place", "order": ORDER}] * 3 + [cancel] * 3
        results = (await bot.ask(op="batch", id=1, items=items))["results"]
        assert [result["code"] for result in results] == [
            "NOT_ACCEPTED", "NOT_ACCEPTED", "BACKLOG", "NOT_ACCEPTED", "NOT_ACCEPTED", "BACKLOG"
        ]  # fmt: skip

    with_bot(money.trader, do)


def test_what_the_key_may_not_do_is_refused(money: Any) -> None:
    async def read_only(bot: Bot) -> None:
        for op, order in (
            ("place", ORDER),
            ("cancel", {"client": "x"}),
            ("cancel_all", {}),
            ("amend", {"client": "x"}),
        ):
            answer = await bot.ask(op=op, id=1, order=order)
            assert (answer["status"], answer["code"]) == (403, "SCOPE")

    async def one_symbol(bot: Bot) -> None:
        assert (await bot.ask(op="place", id=1, order=ORDER))["code"] == "AUTH_RESTRICTED"
        assert (await bot.ask(op="place", id=2, order={**ORDER, "account": "other"}))["status"] == 404
        assert (await bot.ask(op="cancel_all", id=3, order={"account": "other"}))["status"] == 404

    with_bot(money.trader, read_only, scopes=["read"])
    with_bot(money.trader, one_symbol, symbols=["SHIB/USDT"])
    assert not Order.objects.exists()


def test_its_reports_are_its_own_accounts_and_nobody_elses(money: Any) -> None:
    made, secret = key_of(money.trader)

    async def run() -> None:
        async with Bot() as bot:
            assert (await bot.logon(made, secret, reports=True))["status"] == 200
            assert (await channel(bot))["ch"] == "account:trader"
            for number in range(3):
                bot.say(op="subscribe", id=number, channels=["account:other"])
                assert (await channel(bot))["code"] == "NOT_FOUND"
            assert await bot.closed() == 4400

    asyncio.run(run())


async def channel(bot: Bot) -> dict[str, Any]:
    """The next frame that is no heartbeat."""
    while (frame := await bot.hear()).get("op") == "beat":
        pass
    return frame
