"""The ticket: exact numbers, honest words, and never two orders for one press."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser


def _draft(page: Page, price: str, quantity: str) -> None:
    page.click("#types [data-type=limit]")
    page.fill("#quantity", quantity)
    page.fill("#price", price)


def test_value_and_fee_are_exact(page: Page) -> None:
    _draft(page, "50000.01", "0.00123")
    expect(page.locator("#pv-value")).to_have_text("61.50 USDT")  # 61.5000123
    expect(page.locator("#go-text")).to_have_text("Buy 0.00123 BTC at 50,000.01")


@pytest.mark.parametrize(
    ("price", "quantity", "field", "message"),
    [
        ("50000.001", "0.01", "price", "Price must be a multiple of 0.01."),
        ("50000", "0.0000001", "quantity", "Quantity must be a multiple of 0.00001."),
        ("50000", "0.00001", "quantity", "Minimum order is"),
        ("50000", "5000", "quantity", "Most you can buy is"),
        ("many", "1", "price", "Enter a price."),
    ],
)
def test_what_cannot_be_sent_says_what_would_work(
    page: Page, price: str, quantity: str, field: str, message: str
) -> None:
    _draft(page, price, quantity)
    expect(page.locator(f"#{field}-msg")).to_contain_text(message)
    expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#go")).to_have_attribute("aria-disabled", "true")


def test_leaving_a_field_snaps_it_to_the_step_and_says_so(page: Page) -> None:
    _draft(page, "50000.019", "0.01")
    page.press("#price", "Tab")
    assert page.input_value("#price") == "50,000.01"
    expect(page.locator("#answer")).to_contain_text("multiple of 0.01")


def test_arrows_step_by_a_tick_and_with_shift_by_ten(page: Page) -> None:
    _draft(page, "50000", "0.01")
    page.press("#price", "ArrowUp")
    assert page.input_value("#price") == "50,000.01"
    page.press("#price", "Shift+ArrowDown")
    assert page.input_value("#price") == "49,999.91"


def test_the_market_writes_into_no_field(page: Page) -> None:
    _draft(page, "50000.01", "0.0123")
    page.wait_for_timeout(1500)
    assert (page.input_value("#price"), page.input_value("#quantity")) == ("50000.01", "0.01230")


def test_two_presses_before_the_answer_are_one_order(page: Page) -> None:
    sent: list[str] = []

    def slowly(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(json.loads(route.request.post_data or "{}")["request_id"])
            page.wait_for_timeout(400)
        route.continue_()

    page.route("**/api/v1/orders", slowly)
    _draft(page, "50000", "0.001")
    page.evaluate("() => { for (let i = 0; i < 3; i += 1) document.querySelector('#ticket-form').requestSubmit() }")
    expect(page.locator(".toast.good b").first).to_have_text("Order accepted")
    assert len(sent) == 1
    page.keyboard.press("Escape")
    page.click("#blotter-tabs [data-tab=orders]")
    page.click("#cancel-all")
    expect(page.locator("#blotter-box tbody tr")).to_have_count(0)


def test_a_lost_connection_keeps_the_drafts_identity(page: Page, watched: object) -> None:
    sent: list[str] = []

    def lost_once(route: Route) -> None:
        sent.append(json.loads(route.request.post_data or "{}")["request_id"])
        if len(sent) == 1:
            # the order arrived, its answer did not
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route(
        "**/api/v1/orders", lambda route: lost_once(route) if route.request.method == "POST" else route.continue_()
    )
    _draft(page, "50000", "0.001")
    page.click("#go")
    expect(page.locator(".toast.bad b").first).to_have_text("Server unreachable")
    page.click("#go")
    expect(page.locator(".toast.good b").first).to_have_text("Order accepted")
    assert sent[0] == sent[1]
    page.click("#blotter-tabs [data-tab=orders]")
    expect(page.locator("#blotter-box tbody tr")).to_have_count(1)
    page.click("#cancel-all")
    expect(page.locator("#blotter-box tbody tr")).to_have_count(0)
    watched.complaints.clear()  # type: ignore[attr-defined]  # the browser itself notes the aborted request


def test_keys_prepare_an_order_and_send_none(page: Page) -> None:
    page.keyboard.press("s")
    expect(page.locator(".sides .sell")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#price")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("[")
    assert page.input_value("#price") != ""
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("buy .25 @ mid")
    page.keyboard.press("Enter")
    expect(page.locator(".sides .buy")).to_have_attribute("aria-pressed", "true")
    assert page.input_value("#quantity") == "0.25000"
    page.click("#blotter-tabs [data-tab=orders]")
    expect(page.locator("#blotter-box tbody tr")).to_have_count(0)
