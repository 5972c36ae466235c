"""The bots' socket reads frames with the same strict parser: what is refused at the REST doors is refused here, and nothing is done."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from orders import auth, catalog
from orders.gathering import Gathering
from terminal.bad_frames import bad_frames
from tests.engine.bots import Bot, key_of
from tests.orders.bad_bodies import BROKEN, NO_DECIMALS, NOT_THEIRS

ORDER = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "50000", "quantity": "0.01"}
GOOD = b'"op":"place","id":7,"order":' + json.dumps(ORDER).encode()


@pytest.fixture(autouse=True)
def nothing_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    auth.forget()
    catalog.default().forget()
    bad_frames.clear()
    handed: list[Any] = []
    monkeypatch.setattr(Gathering, "ask", lambda self, shard, command, hear: handed.append(command))
    monkeypatch.setattr(bad_frames, "is_one_too_many", lambda sender: False)
    return handed


def answers(owner: Any, frames: list[bytes]) -> list[dict[str, Any]]:
    """What each frame is answered with."""
    key, secret = key_of(owner)

    async def run() -> list[dict[str, Any]]:
        async with Bot() as bot:
            assert (await bot.logon(key, secret))["status"] == 200
            found = []
            for frame in frames:
                bot.raw(frame)
                found.append(await bot.hear())
            return found

    return asyncio.run(run())


def test_what_is_broken_is_no_frame(money: Any, nothing_is_handed_over: list[Any]) -> None:
    frames = [text.replace(b"%s", GOOD) for text, _ in BROKEN.values()]
    found = answers(money.trader, frames)
    told = dict(zip(BROKEN, [(answer["status"], answer["code"]) for answer in found], strict=True))
    assert told == {name: (400, code) for name, (_, code) in BROKEN.items()}
    assert nothing_is_handed_over == []


def test_unknown_fields_of_frames_items_and_orders_are_refused(money: Any, nothing_is_handed_over: list[Any]) -> None:
    frames = [b'{"no_such_field":1,' + GOOD + b"}", b'{"op":"batch","items":[],"order":{}}', b'{"op":"ping","order":{}}',
              b'{"op":"subscribe","channels":[],"x":1}']  # fmt: skip
    frames += [json.dumps({"op": "place", "id": 1, "order": {**ORDER, name: "1"}}).encode() for name in NOT_THEIRS]
    frames += [
        json.dumps({"op": op, "id": 1, "order": {"client": "a", "side": "buy"}}).encode() for op in ("cancel", "amend")
    ]
    found = answers(money.trader, frames)
    assert [answer["status"] for answer in found] == [400] * len(frames)
    assert {answer["code"] for answer in found[:4]} == {"UNKNOWN_FIELD"}
    assert [answer["code"] for answer in found[4:-2]] == ["UNKNOWN_FIELD"] * len(NOT_THEIRS)
    items = [{"op": "place", "order": ORDER, "more": 1}, {"op": "place", "order": {**ORDER, "status": "filled"}}, []]
    (batch,) = answers(money.trader, [json.dumps({"op": "batch", "id": 1, "items": items}).encode()])
    assert [result["status"] for result in batch["results"]] == [400] * 3
    assert nothing_is_handed_over == []


def test_what_is_no_plain_decimal_is_refused(money: Any, nothing_is_handed_over: list[Any]) -> None:
    frames = []
    for name in ("price", "quantity"):
        for text in NO_DECIMALS:
            order = json.dumps({**ORDER, name: "HERE"}).encode().replace(b'"HERE"', text)
            frames += [b'{"op":"place","id":1,"order":%s}' % order,
                       b'{"op":"amend","id":1,"order":{"client":"a","%s":%s}}' % (name.encode(), text),
                       b'{"op":"batch","id":1,"items":[{"op":"place","order":%s}]}' % order]  # fmt: skip
    found = answers(money.trader, frames)
    statuses = [answer["results"][0]["status"] if "results" in answer else answer["status"] for answer in found]
    assert [frame for frame, status in zip(frames, statuses, strict=True) if status != 400] == []
    assert nothing_is_handed_over == []


@pytest.mark.parametrize("number", [b"1.5", b"true", b"[]", b'"' + b"x" * 65 + b'"', b"18446744073709551616"])
def test_an_id_that_is_none_is_refused(money: Any, number: bytes, nothing_is_handed_over: list[Any]) -> None:
    (answer,) = answers(money.trader, [GOOD.replace(b"7", number, 1).join((b"{", b"}"))])
    assert (answer["id"], answer["status"], list(answer["errors"])) == (None, 400, ["id"])
    assert nothing_is_handed_over == []
