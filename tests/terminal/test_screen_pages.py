"""What every page promises: it needs a sign-in, runs no inline script, has no dead link, and tells the mode."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from tests.engine.conftest import money  # noqa: F401  (fixture)
from tests.terminal.mirrors import ended_mirror  # noqa: F401  (fixture)

PAGES = ("/", "/trade/sim/BTC-USDT", "/portfolio", "/halt")


@pytest.fixture
def trader(money: Any) -> Client:  # noqa: F811
    client = Client()
    client.force_login(money.trader.user)
    return client


class Page(HTMLParser):
    """The links, scripts and attributes of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.inline_scripts: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self._script: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.handlers += [name for name in found if name.startswith("on")]
        if found.get("id"):
            self.ids.append(str(found["id"]))
        if tag == "a" and found.get("href"):
            self.links.append(str(found["href"]))
        if tag == "script":
            self._script = "src" if "src" in found else found.get("type") or "text/javascript"

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None

    def handle_data(self, data: str) -> None:
        if self._script in ("module", "text/javascript") and data.strip():
            self.inline_scripts.append(data)


@pytest.mark.parametrize("path", [*PAGES, "/portfolio/figures", "/portfolio/summary"])
def test_a_stranger_is_asked_to_sign_in_and_brought_back(path: str, db: None) -> None:
    response = Client().get(path)
    assert response.status_code == 302
    assert response["Location"].startswith("/login?next=")


@pytest.mark.parametrize("path", PAGES)
def test_no_script_is_inline_and_no_id_stands_twice(path: str, trader: Client) -> None:
    response = trader.get(path)
    page = Page(response.content.decode())
    assert response.status_code == 200
    assert (page.inline_scripts, page.handlers) == ([], [])
    assert sorted(page.ids) == sorted(set(page.ids))


@pytest.mark.parametrize("path", PAGES)
def test_no_link_is_dead(path: str, trader: Client) -> None:
    for link in set(Page(trader.get(path).content.decode()).links):
        if link.startswith("/"):
            assert trader.get(link, follow=True).status_code == 200, link


def test_the_admin_is_offered_to_staff_only(money: Any, trader: Client) -> None:  # noqa: F811
    assert 'href="/admin/"' not in trader.get("/").content.decode()
    money.trader.user.is_staff = True
    money.trader.user.save()
    assert 'href="/admin/"' in trader.get("/").content.decode()


def test_the_mode_is_told_in_five_places(trader: Client) -> None:
    html = trader.get("/").content.decode()
    assert 'data-mode="paper"' in html  # band and ticket's edge
    assert re.search(r'id="mode"[^>]*>PAPER<', html)
    assert re.search(r'class="mode-chip">PAPER<', html)
    assert re.search(r"<title>PAPER ", html)


def test_theme_and_palette_come_with_the_first_paint(trader: Client) -> None:
    assert '<html lang="en" data-theme="dark">' in trader.get("/").content.decode()
    trader.cookies["theme"], trader.cookies["cvd"] = "light", "on"
    assert '<html lang="en" data-theme="light" data-cvd="on">' in trader.get("/").content.decode()
    trader.cookies["theme"] = '"><script>'
    assert 'data-theme="dark"' in trader.get("/").content.decode()


def test_an_instrument_that_is_none_is_not_found(trader: Client) -> None:
    assert trader.get("/trade/sim/NO-SUCH").status_code == 404
    assert trader.get("/trade/nowhere/BTC-USDT").status_code == 404


def test_the_screen_opens_where_one_was_last(trader: Client) -> None:
    trader.get("/trade/sim/SHIB-USDT")
    assert "<title>PAPER · SHIB/USDT" in trader.get("/").content.decode()


def test_pages_with_orders_are_stored_nowhere(trader: Client) -> None:
    for path in PAGES:
        assert "no-store" in trader.get(path)["Cache-Control"]
