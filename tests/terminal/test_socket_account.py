"""The account channel: everything that happens to an account, in order, once, whatever the bus loses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.engine.conftest import engine, money  # noqa: F401  (fixtures)
from tests.terminal.sockets import Browser

CHANNEL = "account:trader"


@pytest.fixture
def stand(engine: Any) -> Any:  # noqa: F811
    """An engine by hand, whose news reach nobody unless `ring` passes them on."""
    return engine


def _newest(stand: Any) -> tuple[int, dict[str, Any]]:
    from orders.models import ExecutionReport

    row = ExecutionReport.objects.filter(account=stand.cast.account).order_by("-account_seq")[0]
    return row.account_seq, row.payload


def _ring(stand: Any, since: int = 0) -> None:
    """What the engine would have published after a commit."""
    from marketdata import bus, channels
    from orders.models import ExecutionReport

    rows = ExecutionReport.objects.filter(account=stand.cast.account, account_seq__gt=since).order_by("account_seq")
    news = [(row.account_id, row.account_seq, json.dumps(row.payload).encode()) for row in rows]
    bus.default().publish(channels.ACCOUNT, channels.encode_account(news))


async def _open(browser: Browser, channel: str = CHANNEL) -> dict[str, Any]:
    await browser.say(op="subscribe", channels=[channel])
    return await browser.hear()


async def test_it_begins_with_everything_that_stands(stand: Any) -> None:
    _, order, _ = stand.ask(stand.place("buy", "0.01", "50000"))
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        frame = await _open(browser)
    d = frame["d"]
    assert (frame["pq"], frame["q"]) == (None, _newest(stand)[0])
    assert d["kind"] == "snapshot"
    assert [one["id"] for one in d["orders"]] == [order["id"]]
    usdt = next(one for one in d["balances"] if one["asset"] == "USDT")
    assert (usdt["total"], usdt["account"]) == ("100000", "trader")
    assert d["halts"] == []


async def test_a_report_follows_the_snapshot_as_soon_as_it_is_published(stand: Any) -> None:
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        first = await _open(browser)
        _, order, _ = stand.ask(stand.place("buy", "0.01", "50000"))
        _ring(stand, first["q"])
        frame = await browser.hear(1)
    assert frame["pq"] == first["q"]
    assert (frame["d"]["kind"], frame["d"]["order"]["id"]) == ("report", order["id"])


async def test_what_the_bus_lost_is_found_in_the_table(stand: Any) -> None:
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        first = await _open(browser)
        for price in ("50000", "50001", "50002"):
            stand.ask(stand.place("buy", "0.01", price))
        frames = [await browser.hear(4) for _ in range(3)]
    assert [frame["pq"] for frame in frames] == [first["q"], *(frame["q"] for frame in frames[:-1])]
    assert [frame["d"]["order"]["price"] for frame in frames] == ["50000", "50001", "50002"]


async def test_a_hole_is_filled_before_what_came_after_it(stand: Any) -> None:
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        first = await _open(browser)
        stand.ask(stand.place("buy", "0.01", "50000"))
        stand.ask(stand.place("buy", "0.01", "50001"))
        _ring(stand, first["q"] + 1)  # only the newest was heard
        frames = [await browser.hear(1) for _ in range(2)]
    assert [frame["d"]["order"]["price"] for frame in frames] == ["50000", "50001"]
    assert frames[1]["pq"] == frames[0]["q"]


async def test_nothing_is_told_twice(stand: Any) -> None:
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        first = await _open(browser)
        stand.ask(stand.place("buy", "0.01", "50000"))
        _ring(stand, first["q"])
        _ring(stand, 0)
        await browser.hear(1)
        assert not [frame for frame in await browser.hear_for(2.5) if frame.get("ch")]


async def test_a_resume_replays_exactly_what_was_missed(stand: Any) -> None:
    stand.ask(stand.place("buy", "0.01", "50000"))
    seen, _ = _newest(stand)
    stand.ask(stand.place("buy", "0.01", "50001"))
    stand.ask(stand.place("buy", "0.01", "50002"))
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        await browser.say(op="resume", channels={CHANNEL: seen})
        frames = [await browser.hear() for _ in range(2)]
    assert [frame["pq"] for frame in frames] == [seen, frames[0]["q"]]
    assert [frame["d"]["order"]["price"] for frame in frames] == ["50001", "50002"]


async def test_a_resume_from_too_far_back_is_a_snapshot(stand: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from terminal import account_fanout

    monkeypatch.setattr(account_fanout, "REPLAY_MAX", 2)
    for price in ("50000", "50001", "50002", "50003"):
        stand.ask(stand.place("buy", "0.01", price))
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        await browser.say(op="resume", channels={CHANNEL: 0})
        frame = await browser.hear()
    assert (frame["pq"], frame["d"]["kind"]) == (None, "snapshot")


@pytest.mark.parametrize("channel", ["account:other", "account:nobody", "account:2", "account:", "orders:trader"])
async def test_somebody_elses_account_is_not_there(stand: Any, channel: str) -> None:
    async with Browser("/ws/account", stand.cast.trader.user) as browser:
        assert (await _open(browser, channel))["code"] == "NOT_FOUND"
        stand.ask(stand.place("buy", "0.01", "50000", account=stand.cast.others))
        assert not [frame for frame in await browser.hear_for(2.3) if frame.get("ch")]
