"""Halt with and without a script, a dropped line, the phone, and a page that moves nothing but numbers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, WebSocketRoute, expect

from tests.browser.conftest import PHONE, Installation

pytestmark = pytest.mark.browser


def _resume(page: Page) -> None:
    page.goto("/halt")
    page.fill("#reason", "the test is over")
    page.click("button[value=resume]")
    expect(page.locator("h1")).to_have_text("Stop trading?")


def test_the_halt_button_asks_then_stops_trading(page: Page) -> None:
    page.click("#halt")
    expect(page.locator("#halt-confirm")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/halt")
    expect(page.locator("h1")).to_have_text("Trading is halted")
    page.goto("/")
    page.wait_for_selector("body[data-feed=ok]")
    page.fill("#quantity", "0.01")
    expect(page.locator("#go")).to_have_attribute("aria-disabled", "true")
    expect(page.locator("#answer")).to_contain_text("Trading is halted")
    _resume(page)


def test_the_halt_button_needs_no_script(chromium: Browser, installation: Installation, session: object) -> None:
    context = chromium.new_context(base_url=installation.url, storage_state=session, java_script_enabled=False)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/")
    page.click("#halt")
    expect(page.locator("h1")).to_have_text("Trading is halted")
    _resume(page)
    context.close()


def test_a_halt_reaches_a_page_that_is_open(page: Page) -> None:
    other = page.context.new_page()
    other.goto("/halt")
    other.click("main button[value=halt]")
    expect(page.locator("body")).to_have_attribute("data-halted", "yes")
    _resume(other)
    expect(page.locator("body")).to_have_attribute("data-halted", "no")


class Line:
    """The page's sockets, which can be cut and mended."""

    def __init__(self, page: Page) -> None:
        self._open: list[WebSocketRoute] = []
        self._whole = True
        page.route_web_socket("**/ws/*", self._wire)
        page.reload()
        page.wait_for_selector("body[data-feed=ok]")

    def _wire(self, socket: WebSocketRoute) -> None:
        if not self._whole:
            socket.close(code=1012)
            return
        self._open.append(socket)
        socket.connect_to_server()

    def cut(self) -> None:
        self._whole = False
        for socket in self._open:
            socket.close(code=1012)

    def mend(self) -> None:
        self._whole = True


def test_a_dropped_line_is_said_and_heals(page: Page) -> None:
    line = Line(page)
    line.cut()
    expect(page.locator("#conn")).to_contain_text("Offline")
    page.fill("#quantity", "0.01")
    expect(page.locator("#go")).to_have_attribute("aria-disabled", "true")
    expect(page.locator(".banner")).to_contain_text("Disconnected")
    line.mend()
    page.wait_for_selector("body[data-feed=ok]", timeout=15_000)
    expect(page.locator("#go")).to_have_attribute("aria-disabled", "false")


def test_what_happened_while_the_line_was_down_is_there_when_it_is_back(page: Page) -> None:
    line = Line(page)
    orders, fills = (int(page.text_content(count) or 0) for count in ("#count-orders", "#count-fills"))
    line.cut()
    expect(page.locator("#conn")).to_contain_text("Offline")
    resting = _place(page, {"type": "limit", "price": "50000"})
    filled = _place(page, {"type": "market"})
    assert (resting["status"], filled["status"]) == ("new", "filled")
    line.mend()
    page.wait_for_selector("body[data-feed=ok]", timeout=15_000)
    expect(page.locator("#count-orders")).to_have_text(str(orders + 1))
    expect(page.locator("#count-fills")).not_to_have_text(str(fills))
    _send(page, "DELETE", f"/api/v1/orders/{resting['id']}")
    expect(page.locator("#count-orders")).to_have_text(str(orders or ""))


def _place(page: Page, order: dict[str, str]) -> Any:
    """As another of their programs would: not by this page's ticket."""
    return _send(
        page,
        "POST",
        "/api/v1/orders",
        {"symbol": "BTC/USDT", "exchange": "sim", "side": "buy", "quantity": "0.001", **order},
    )


def _send(page: Page, method: str, path: str, body: Any = None) -> Any:
    token = next(cookie["value"] for cookie in page.context.cookies() if cookie["name"].startswith("csrf"))
    address = page.url.split("/", 3)
    headers = {"X-CSRFToken": token, "Origin": "/".join(address[:3])}
    answer = page.request.fetch(path, method=method, headers=headers, data=body)
    assert answer.ok, answer.text()
    return answer.json()


@pytest.mark.parametrize("context", [PHONE], indirect=True)
def test_the_phone_trades_from_a_sheet(page: Page) -> None:
    expect(page.locator("#chart")).to_be_visible()
    page.click(".phone-act .buy")
    page.click("#types [data-type=market]")
    page.fill("#quantity", "0.002")
    page.click("#go")
    expect(page.locator(".toast.good b").first).to_have_text("Order filled")
    expect(page.locator(".position-list li").first).to_contain_text("BTC/USDT")
    page.click(".phone-tabs [data-view=book]")
    expect(page.locator("#book-rows")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_numbers_change_and_boxes_stand_still(page: Page) -> None:
    page.wait_for_timeout(500)
    places = """
        ['#last', '#go', '#book-mid', '#bids .book-row', '#equity', '#clock'].map(what => {
            const box = document.querySelector(what).getBoundingClientRect();
            return [box.left, box.top].map(Math.round).join();
        })
    """
    before = page.evaluate(places)
    page.wait_for_timeout(2500)
    assert page.evaluate(places) == before


def test_theme_and_palette_are_kept(page: Page) -> None:
    page.keyboard.press("t")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    page.keyboard.press("t")
