"""A bot that asks for reports hears what becomes of its orders on the socket it sent them by."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.engine.bots import Bot, key_of

ORDER = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "50000", "quantity": "0.01"}


def test_the_account_channel_is_told_in_order_beside_the_answers(live: Any) -> None:
    made, secret = key_of(live.cast.trader)

    async def run() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        async with Bot() as bot:
            await bot.logon(made, secret, reports=True)
            frames = [await bot.hear()]
            for number in range(3):
                bot.say(op="place", id=number, order={**ORDER, "request_id": f"heard{number}"})
            while sum("ch" in frame for frame in frames) < 4 or sum("id" in frame for frame in frames) < 3:
                frames.append(await bot.hear())
            return [frame for frame in frames if "ch" in frame], [frame for frame in frames if "id" in frame]

    reports, answers = asyncio.run(run())
    assert {answer["status"] for answer in answers} == {201}
    assert [(frame["ch"], frame["pq"]) for frame in reports[1:]] == [
        ("account:trader", frame["q"]) for frame in reports[:-1]
    ]
    assert [frame["d"]["order"]["request_id"] for frame in reports[1:]] == ["heard0", "heard1", "heard2"]
