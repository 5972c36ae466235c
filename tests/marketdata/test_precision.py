"""Decimal text at the edge, integers inside, nothing lost on the way."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketdata import precision

STEPS = [Decimal(step) for step in ("0.01", "0.00001", "1", "1000", "0.05", "0.0000000001", "10", "1E-18", "2.5")]


@given(st.sampled_from(STEPS), st.integers(-(2**62), 2**62))
def test_units_to_text_and_back_is_exact(step: Decimal, units: int) -> None:
    shown = precision.text(units, step)
    assert precision.to_units(Decimal(shown), step, "price") == units
    assert "E" not in shown


@given(st.integers(-(10**38), 10**38))
def test_amount_to_text_and_back_is_exact(amount: int) -> None:
    assert precision.to_amount(Decimal(precision.amount_text(amount))) == amount


def test_text_is_canonical() -> None:
    assert precision.text(150, Decimal("0.01")) == "1.5"
    assert precision.text(-1, Decimal("0.01")) == "-0.01"
    assert precision.text(920, Decimal("1")) == "920"
    assert precision.text(3, Decimal("1000")) == "3000"
    assert precision.text(0, Decimal("0.01")) == "0"
    assert precision.decimal_text(Decimal("1E+2")) == "100"
    assert precision.decimal_text(Decimal("-0.00")) == "0"


@pytest.mark.parametrize(
    "bad", ["1e5", "+1", "1_000", "", ".5", "1.", " 1", "NaN", "\u0661", "1" * 21, "0." + "1" * 19, "1,5"]
)
def test_other_spellings_of_numbers_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="was"):
        precision.parse_decimal(bad)


def test_json_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="JSON number"):
        precision.parse_decimal(1.5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "said"), [([1], "was a list"), ({}, "was an object"), (None, "was null"), (True, "was true or false")]
)
def test_what_is_neither_text_nor_number_is_called_what_it_is(value: object, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}; send decimals as text"):
        precision.parse_decimal(value)  # type: ignore[arg-type]


def test_a_price_off_its_tick_is_refused_with_the_nearest_below() -> None:
    with pytest.raises(ValueError, match=r"price 1\.005 is not a multiple of 0\.01; the nearest below is 1$"):
        precision.to_ticks(Decimal("1.005"), Decimal("0.01"))


def test_marks_may_be_rounded_to_the_nearest_tick() -> None:
    assert precision.nearest_units(Decimal("1.005"), Decimal("0.01")) == 101
    assert precision.nearest_units(Decimal("1.0049"), Decimal("0.01")) == 100
    assert precision.nearest_units(Decimal("2499"), Decimal("1000")) == 2
