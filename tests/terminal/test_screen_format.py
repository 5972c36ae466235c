"""Numbers as templates show them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from terminal.templatetags import format as show


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [
        ("64250.5", "0.01", "64,250.50"),
        ("0.00002468", Decimal("0.000000010000000000"), "0.00002468"),
        ("1042000000", "1000", "1,042,000,000"),
        ("64049.746297", "0.01", "64,049.74"),
        (None, "0.01", "–"),
        ("1", None, "–"),
    ],
)
def test_a_price_has_the_places_of_its_step(value: str | None, step: object, text: str) -> None:
    assert show.price(value, step) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("80775.6226", "80,775.62"),
        ("0.3", "0.30"),
        ("0.00012345", "0.0001235"),
        ("0", "0.00"),
        ("-0.5", "−0.50"),
        (None, "–"),
    ],
)
def test_an_amount_keeps_the_digits_that_say_something(value: str | None, text: str) -> None:
    assert show.amount(value) == text


@pytest.mark.parametrize(("value", "text"), [("1.005", "+1.01"), ("-3", "−3.00"), ("0", "+0.00"), (None, "–")])
def test_a_gain_always_has_its_sign(value: str | None, text: str) -> None:
    assert show.signed(value) == text


def test_a_time_is_shown_in_utc() -> None:
    assert show.moment("2026-11-21T05:04:03.000000+02:00") == "11-21 03:04:03"
