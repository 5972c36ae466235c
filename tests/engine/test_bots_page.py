"""docs/bots.md runs as it stands: its logon logs on, each of its frames is understood."""

from __future__ import annotations

import asyncio
import json
import re
import runpy
from pathlib import Path
from typing import Any

from orders import items, parsers
from terminal import bot_session
from tests.engine.bots import Bot, key_of

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "bots.md").read_text()


def test_every_example_of_the_page_does_what_it_says(live: Any, tmp_path: Path) -> None:
    made, secret = key_of(live.cast.trader)
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    frames = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    (tmp_path / "bot.py").write_text(script)
    names = runpy.run_path(str(tmp_path / "bot.py"))  # what a reader would paste

    async def run() -> tuple[dict[str, Any], dict[int, dict[str, Any]], set[str]]:
        async with Bot() as bot:
            bot.raw(names["logon"](made.key, secret))
            logon = await bot.hear()
            for frame in frames:
                bot.say(**frame)
            answers: dict[int, dict[str, Any]] = {}
            told: set[str] = set()
            while len(answers) < 6 or len(told) < 2:
                heard = await bot.hear()
                if "ch" in heard:
                    told.add(heard["ch"])
                elif heard.get("id"):
                    answers[heard["id"]] = heard
            return logon, answers, told

    logon, answers, told = asyncio.run(run())
    assert (logon["status"], logon["limits"]["accounts"]) == (200, ["trader"])
    assert [answers[number]["status"] for number in range(1, 6)] == [201, 200, 200, 200, 207]
    assert [result["status"] for result in answers[5]["results"]] == [201, 200]
    assert answers[6]["op"] == "pong"
    assert told == {"account:trader", "ticker:sim:BTC/USDT"}


def test_the_page_names_the_bounds_of_the_code() -> None:
    assert f"{bot_session.IN_FLIGHT_MAX:,} commands" in PAGE and f"Up to {items.ITEMS_MAX} at once" in PAGE
    assert (
        f"{bot_session.LOGON_BYTES_MAX // 1024} KB before the logon and {bot_session.FRAME_BYTES_MAX // 1024} KB"
        in PAGE
    )
    assert f"a body {parsers.BODY_BYTES_MAX // 1024} KB, a batch {parsers.BATCH_BYTES_MAX // 1024} KB" in PAGE
