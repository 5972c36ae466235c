"""On the whole running product an operator adds a market and a subscription in the console; it is traded and charted within seconds.

Nothing is restarted for it.
"""

from __future__ import annotations

import http.cookiejar
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.terminal.installations import Up, environment, free_port

SECONDS = 10


class Console:
    """A signed-in operator's browser, as far as forms go."""

    def __init__(self, up: Up) -> None:
        self.url = f"http://127.0.0.1:{up.port}"
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        demo = json.loads((up.data / "demo.json").read_text())
        self.submit("/login", username=demo["username"], password=demo["password"])

    def get(self, path: str) -> str:
        text: str = self.opener.open(self.url + path, timeout=10).read().decode()
        return text

    def rows(self, path: str) -> list[Any]:
        found: list[Any] = json.loads(self.get(f"/api/v1/{path}"))["results"]
        return found

    def submit(self, path: str, **fields: Any) -> None:
        """Fill in a form and press its button; everything not named stays as the page has it."""
        page = self.get(path)
        form = {name: value for tag in re.findall(r"<input[^>]*>", page) for name, value in [_field(tag)] if name}
        raw = urllib.parse.urlencode({**form, **fields}, doseq=True).encode()
        request = urllib.request.Request(self.url + path, raw, {"Referer": self.url + path, "Origin": self.url})
        answer = self.opener.open(request, timeout=10)
        assert answer.url != self.url + path, re.findall(
            r'class="errorlist[^>]*>(.*?)</ul>', answer.read().decode(), re.S
        )


def _field(tag: str) -> tuple[str, str]:
    kind, name, value = (re.search(rf'{word}="([^"]*)"', tag) for word in ("type", "name", "value"))
    if name is None or (kind and kind[1] in ("checkbox", "submit")):
        return "", ""
    return name[1], value[1] if value else ""


def _option(page: str, text: str) -> str:
    found = re.search(rf'<option value="(\d+)"[^>]*>\s*{re.escape(text)}', page)
    assert found, text
    return found[1]


def _link(console: Console, model: str, word: str) -> str:
    """The id of the one row the console's search finds."""
    page = console.get(f"/admin/marketdata/{model}/?q={word}")
    found = set(re.findall(rf"/admin/marketdata/{model}/(\d+)/change/", page))
    assert len(found) == 1, page
    return found.pop()


@pytest.mark.timeout(180)
def test_a_market_added_in_the_console_is_followed_within_seconds(place: Path) -> None:
    port = free_port()
    argv = [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(place / "data")]
    up = Up(place / "data", argv=argv, env=environment(), port=port)
    try:
        up.wait_for("Ctrl-C stops it", limit_s=120)
        before = up.facts["processes"]
        console = Console(up)
        console.submit("/admin/marketdata/asset/add/", code="ADA")
        asset = _link(console, "asset", "ADA")
        usdt = _link(console, "asset", "USDT")
        console.submit(
            "/admin/marketdata/instrument/add/", symbol="ADA/USDT", kline_symbol="adausdt", order_symbol="ADAUSDT",
            exchange=_option(console.get("/admin/marketdata/instrument/add/"), "sim"), base=asset, quote=usdt,
            settle=usdt, tick_size="0.0001", lot_size="1", notional_min="5", status="trading", kind="spot",
            simulation=json.dumps({"start_price": "0.75"}),
        )  # fmt: skip
        made = _link(console, "instrument", "ADA")
        console.submit(
            "/admin/marketdata/subscription/add/", instrument=made, interval="1m", enabled="on",
            channels=["klines", "trades", "book", "ticker"],
        )  # fmt: skip
        _soon(lambda: len(_book(console)["bids"]) >= 20)
        _soon(lambda: _subscription(console)["state"] == "live")
        assert _subscription(console)["last_event_at"]
        _soon(lambda: len(console.rows("klines?exchange=sim&symbol=adausdt&limit=500")) >= 500)
        assert up.facts["processes"] == before
        up.stop()
    finally:
        up.kill()


def _book(console: Console) -> Any:
    try:
        return json.loads(console.get("/api/v1/book?exchange=sim&symbol=ADAUSDT"))
    except urllib.error.HTTPError:
        return {"bids": []}


def _subscription(console: Console) -> Any:
    return next(row for row in console.rows("subscriptions") if row["symbol"] == "ADA/USDT")


def _soon(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
