"""One person, one page: prices move, a click buys, fill and position are there at once, an order is cancelled."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

ROWS = "#blotter-box tbody tr"


def _tab(page: Page, name: str) -> None:
    page.click(f"#blotter-tabs [data-tab={name}]")


def _buy_at_market(page: Page, quantity: str = "0.01") -> None:
    page.click("#types [data-type=market]")
    page.click(".sides .buy")
    page.fill("#quantity", quantity)
    expect(page.locator("#go")).to_have_attribute("aria-disabled", "false")
    page.click("#go")


def test_prices_move_without_a_hand(page: Page) -> None:
    for what in ("#last", "#bids .book-row:first-child .s", "#tape-rows .tape-row:first-child"):
        before = page.text_content(what)
        expect(page.locator(what)).not_to_have_text(before or "", timeout=10_000)


def test_the_book_has_twenty_levels_a_side_in_order(page: Page) -> None:
    expect(page.locator(".book-row .p").filter(has_text="–")).to_have_count(0)
    prices = [float(text.replace(",", "")) for text in page.locator(".book-row .p").all_text_contents()]
    assert len(prices) == 40
    assert prices == sorted(prices, reverse=True)


def test_a_market_order_fills_and_the_position_is_there_at_once(page: Page) -> None:
    fills = int(page.text_content("#count-fills") or 0)
    _buy_at_market(page)
    expect(page.locator(".toast.good b").first).to_have_text("Order filled")
    position = page.locator(ROWS).filter(has_text="BTC/USDT").filter(has_text="by hand")
    expect(position.locator(".c-side")).to_have_text("Long")
    expect(position.locator(".c-unrealised")).to_contain_text("%")
    assert int(page.text_content("#count-fills") or 0) > fills


def test_a_click_in_the_book_fills_the_price_and_sends_nothing(page: Page) -> None:
    page.click("#types [data-type=limit]")
    row = page.locator("#bids .book-row").nth(9)
    row.hover()
    page.wait_for_timeout(150)  # the pointer holds the rows still
    shown = row.locator(".p").text_content()
    row.click()
    assert page.input_value("#price") == shown
    _tab(page, "orders")
    expect(page.locator(ROWS)).to_have_count(0)


def test_a_limit_order_rests_and_is_cancelled_by_a_click(page: Page) -> None:
    page.click("#types [data-type=limit]")
    page.click(".sides .buy")
    page.fill("#price", "50000")
    page.fill("#quantity", "0.01")
    expect(page.locator("#go-text")).to_have_text("Buy 0.01000 BTC at 50,000.00")
    page.press("#quantity", "Enter")
    expect(page.locator(".toast.good b").first).to_have_text("Order accepted")
    _tab(page, "orders")
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page.locator(f"{ROWS} .c-status")).to_have_text("Open")
    page.click(f"{ROWS} .btn")
    expect(page.locator(ROWS)).to_have_count(0)
    _tab(page, "history")
    expect(page.locator(f"{ROWS} .c-status").first).to_have_text("Canceled")


def test_what_one_tab_does_the_other_sees(page: Page) -> None:
    other = page.context.new_page()
    other.goto("/")
    other.wait_for_selector("body[data-feed=ok]")
    before = other.text_content("#count-fills")
    _buy_at_market(page, "0.002")
    expect(other.locator("#count-fills")).not_to_have_text(before or "-")


def test_the_chart_has_history_and_changes_its_interval(page: Page) -> None:
    page.wait_for_selector("#chart canvas")
    expect(page.locator("#chart-note")).to_be_hidden()
    with page.expect_response("**/api/v1/klines?**interval=1h**") as answer:
        page.click("[data-interval='1h']")
    assert len(answer.value.json()["results"]) > 24
    expect(page.locator("[data-interval='1h']")).to_have_attribute("aria-pressed", "true")


def test_a_paused_tape_stands_still(page: Page) -> None:
    page.click("#tape-pause")
    page.wait_for_timeout(300)
    before = page.text_content("#tape-rows")
    page.wait_for_timeout(1500)
    assert page.text_content("#tape-rows") == before


def test_the_portfolio_counts_live(page: Page) -> None:
    _buy_at_market(page, "0.003")
    expect(page.locator(".toast.good b").first).to_have_text("Order filled")
    page.goto("/portfolio")
    before = page.text_content("[data-figure=equity]")
    expect(page.locator("[data-figure=equity]")).not_to_have_text(before or "", timeout=10_000)
    expect(page.locator("[data-figures=paper] + .section canvas").first).to_be_visible()


def test_an_orders_timeline_goes_from_the_click_to_the_paint(page: Page) -> None:
    with page.expect_response(lambda answer: answer.url.endswith("/api/v1/orders") and answer.status == 201) as placed:
        _buy_at_market(page, "0.002")
    order_id = placed.value.json()["id"]

    def told() -> bool:
        flight = page.evaluate(f"fetch('/api/v1/orders/{order_id}/flight').then((answer) => answer.json())")
        return all(stage["offset_ns"] is not None for stage in flight["stages"])

    for _ in range(100):  # the browser tells once a second, the engine writes four times a second
        if told():
            break
        page.wait_for_timeout(100)
    assert told()
    _tab(page, "history")
    page.locator(f"{ROWS}[data-id='{order_id}'] .c-status button").click()
    expect(page.locator("#flight-note")).to_contain_text("Click to paint")
    expect(page.locator("#flight-lanes .flight-bar i")).not_to_have_count(0)
    page.locator("#flight-dialog button").click()
    expect(page.locator("#flight-dialog")).to_be_hidden()
