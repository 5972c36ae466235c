"""The ticket's stops and brackets: only the fields a type needs, by mouse or keyboard, and what follows a fill beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, Request, expect

pytestmark = pytest.mark.browser

FIELDS = ("stop", "trail", "price", "expires")


@pytest.fixture
def sent(page: Page) -> Iterator[list[dict[str, Any]]]:
    """What the ticket sends; everything is canceled and closed afterwards."""
    bodies: list[dict[str, Any]] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/api/v1/orders"):
            bodies.append(json.loads(request.post_data or "{}"))

    page.on("request", note)
    yield bodies
    page.click("#blotter-tabs [data-tab=orders]")
    if page.locator("#cancel-all[aria-disabled=false]").count():
        page.click("#cancel-all")
    expect(page.locator("#blotter-box tbody tr")).to_have_count(0)
    page.evaluate("() => sessionStorage.clear()")


def _last(page: Page) -> float:
    return float(page.inner_text("#last").replace(",", ""))


def _shown(page: Page) -> set[str]:
    return {name for name in FIELDS if page.locator(f".field-{name}").is_visible()}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("stop", {"stop"}),
        ("stop_limit", {"stop", "price"}),
        ("take_profit", {"stop"}),
        ("take_profit_limit", {"stop", "price"}),
        ("trailing_stop", {"trail"}),
    ],
)
def test_a_type_shows_its_own_fields_alone(page: Page, kind: str, fields: set[str]) -> None:
    assert _shown(page) == {"price"}
    page.click("#types [data-type=stop]")
    page.select_option("#kind", kind)
    assert _shown(page) == fields
    page.select_option("#tif", "gtd")
    assert _shown(page) == fields | {"expires"}
    page.click("#types [data-type=market]")
    assert page.input_value("#tif") == "ioc"


def test_a_stop_is_placed_and_stands_in_the_blotter(page: Page, sent: list[dict[str, Any]]) -> None:
    page.click("#types [data-type=stop]")
    page.select_option("#kind", "stop")
    page.click(".sides .buy")
    stop = f"{_last(page) * 1.2:.2f}"
    page.fill("#stop_price", stop)
    page.fill("#quantity", "0.001")
    page.select_option("#tif", "day")
    page.click("#go")
    expect(page.locator(".toast.good b").first).to_have_text("Order accepted")
    assert (sent[0]["type"], sent[0]["stop_price"], sent[0]["time_in_force"]) == (
        "stop",
        stop.rstrip("0").rstrip("."),
        "day",
    )
    assert "price" not in sent[0]
    page.click("#blotter-tabs [data-tab=orders]")
    row = page.locator("#blotter-box tbody tr").first
    expect(row.locator(".c-type")).to_have_text("Stop")
    expect(row.locator(".c-tif")).to_have_text("DAY")
    expect(row.locator(".c-stop")).to_have_text(f"{float(stop):,.2f}")


def test_a_trailing_stop_is_placed_by_keyboard_alone(page: Page, sent: list[dict[str, Any]]) -> None:
    page.locator("#types [data-type=stop]").focus()
    page.keyboard.press("Enter")
    page.locator("#kind").focus()
    page.keyboard.type("Trailing")
    expect(page.locator("#trail")).to_be_visible()
    page.locator("#trail").focus()
    page.keyboard.type("5")
    page.locator("#quantity").focus()
    page.keyboard.type("0.001")
    page.keyboard.press("Enter")
    expect(page.locator(".toast.good b").first).to_have_text("Order accepted")
    assert (sent[0]["type"], sent[0]["trail_percent"]) == ("trailing_stop", "5")
    page.keyboard.press("Escape")


def test_a_bracket_follows_its_fill_and_belongs_to_it(page: Page, sent: list[dict[str, Any]]) -> None:
    page.click("#types [data-type=market]")
    page.click(".sides .buy")
    page.fill("#quantity", "0.001")
    page.click("#follow summary")
    last = _last(page)
    page.fill("#take_profit", f"{last * 1.2:.2f}")
    page.fill("#stop_loss", f"{last * 0.8:.2f}")
    expect(page.locator("#follow-set")).to_contain_text("TP")
    page.click("#go")
    expect(page.locator(".toast.good b").first).to_have_text("Order filled")
    page.click("#blotter-tabs [data-tab=orders]")
    types = page.locator("#blotter-box tbody .c-type")
    expect(types).to_have_count(2)
    assert [text[:9] for text in types.all_inner_texts()] == ["TP of buy", "SL of buy"]
    assert "follows buy" in str(types.first.get_attribute("title"))


def test_an_entry_says_what_will_follow_it(page: Page, sent: list[dict[str, Any]]) -> None:
    page.click(".sides .buy")
    page.fill("#quantity", "0.01")
    last = _last(page)
    page.fill("#price", f"{last * 0.9:.2f}")
    page.click("#follow summary")
    page.fill("#take_profit", f"{last * 1.2:.2f}")
    page.click("#go")
    expect(page.locator(".toast.good b").first).to_have_text("Order accepted")
    assert sent[0]["take_profit"] == {"price": f"{last * 1.2:.2f}".rstrip("0").rstrip(".")}
    page.click("#blotter-tabs [data-tab=orders]")
    expect(page.locator("#blotter-box tbody .c-type")).to_have_text("Limit + TP")


@pytest.mark.parametrize(
    ("field", "factor", "message"),
    [("take_profit", 0.8, "must be above the price"), ("stop_loss", 1.2, "must be below the price")],
)
def test_a_leg_on_the_wrong_side_says_so_and_sends_nothing(page: Page, field: str, factor: float, message: str) -> None:
    page.fill("#quantity", "0.001")
    page.fill("#price", f"{_last(page) * 0.9:.2f}")
    page.click("#follow summary")
    page.fill(f"#{field}", f"{_last(page) * factor:.2f}")
    expect(page.locator("#follow-msg")).to_contain_text(message)
    expect(page.locator("#go")).to_have_attribute("aria-disabled", "true")


def test_post_only_says_when_it_would_trade_at_once(page: Page) -> None:
    page.fill("#quantity", "0.001")
    page.check("#post_only")
    page.fill("#price", f"{_last(page) * 1.1:.2f}")
    expect(page.locator("#price-msg")).to_contain_text("post-only waits")


def test_reduce_only_without_a_position_says_so(page: Page) -> None:
    page.click(".sides .buy")
    page.fill("#quantity", "0.001")
    page.check("#reduce_only")
    expect(page.locator("#quantity-msg")).to_contain_text("no position to reduce")
