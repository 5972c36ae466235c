"""The bots' socket with a live engine behind it: what is asked, what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from orders.models import Order
from tests.engine.bots import Bot, key_of

ORDER = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "50000", "quantity": "0.01"}


def with_bot(engine: Any, do: Callable[[Bot], Awaitable[None]], **key: Any) -> None:
    """Log a bot of the trader's on, and let it do."""
    made, secret = key_of(engine.cast.trader, **key)

    async def run() -> None:
        async with Bot() as bot:
            assert (await bot.logon(made, secret))["status"] == 200
            await do(bot)

    asyncio.run(run())


def test_place_amend_cancel_and_cancel_all(live: Any) -> None:
    async def do(bot: Bot) -> None:
        placed = await bot.ask(op="place", id=1, order={**ORDER, "request_id": "mine"})
        assert (placed["id"], placed["status"], placed["order"]["status"]) == (1, 201, "new")
        amended = await bot.ask(op="amend", id=2, order={"client": "mine", "price": "50001"})
        assert (amended["status"], amended["order"]["price"]) == (200, "50001")
        canceled = await bot.ask(op="cancel", id="three", order={"id": placed["order"]["id"]})
        assert (canceled["id"], canceled["status"], canceled["order"]["status"]) == ("three", 200, "canceled")
        for _ in range(3):
            await bot.ask(op="place", id=4, order=ORDER | {"allow_duplicate": True})
        swept = await bot.ask(op="cancel_all", id=5, order={"symbol": "BTC/USDT", "side": "buy"})
        assert (swept["id"], swept["status"]) == (5, 200)
        assert [order["status"] for order in swept["results"]] == ["canceled"] * 3

    with_bot(live, do)
    assert set(Order.objects.values_list("status", flat=True)) == {"canceled"}


def test_many_are_in_flight_and_every_one_is_answered_once(live: Any) -> None:
    async def do(bot: Bot) -> None:
        for number in range(300):
            bot.say(
                op="place",
                id=number,
                order={**ORDER, "quantity": "0.001", "allow_duplicate": True, "request_id": f"m{number}"},
            )
        answers = [await bot.hear() for _ in range(300)]
        assert {answer["id"] for answer in answers} == set(range(300))
        assert all(answer["order"]["request_id"] == f"m{answer['id']}" for answer in answers)
        assert {answer["status"] for answer in answers} == {201}

    with_bot(live, do)
    assert Order.objects.count() == 300


def test_a_batch_is_one_frame_with_a_result_an_item(live: Any) -> None:
    async def do(bot: Bot) -> None:
        items = [
            {"op": "place", "order": {**ORDER, "request_id": "b"}},
            {"op": "cancel", "order": {"client": "b"}},
            {"op": "cancel_all", "order": {}},
            {"op": "place", "order": {**ORDER, "price": 1}},
        ]
        answer = await bot.ask(op="batch", id=9, items=items)
        assert (answer["id"], answer["status"]) == (9, 207)
        assert [result["status"] for result in answer["results"]] == [201, 200, 400, 400]

    with_bot(live, do)


def test_the_same_request_again_is_answered_again(live: Any) -> None:
    async def do(bot: Bot) -> None:
        first = await bot.ask(op="place", id=1, order={**ORDER, "request_id": "once"})
        again = await bot.ask(op="place", id=2, order={**ORDER, "request_id": "once"})
        other = await bot.ask(op="place", id=3, order={**ORDER, "request_id": "once", "price": "49000"})
        assert (again["status"], again["order"]) == (200, first["order"])
        assert (other["status"], other["code"]) == (422, "REQUEST_ID_REUSED")

    with_bot(live, do)
