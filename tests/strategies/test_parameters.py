"""Parameters are checked before a strategy runs, and every mistake is named."""

from __future__ import annotations

from decimal import Decimal

import pytest

from strategies.domain import ParametersRefused, parameter_texts, parse_parameters
from strategies.library.grid import LazyGrid
from tests.strategies.pretend import BTC

GOOD = {"step": "0.5", "quantity": "0.01"}


def refusal(**given: object) -> dict[str, str]:
    with pytest.raises(ParametersRefused) as refused:
        LazyGrid(parse_parameters(LazyGrid.parameters, {**GOOD, **given}), BTC)
    return refused.value.errors


def test_defaults_are_filled_in_and_stored_as_text():
    values = parse_parameters(LazyGrid.parameters, GOOD)
    assert values["step"] == Decimal("0.5")
    assert parameter_texts(values) == {
        "step": "0.5", "step_unit": "percent", "quantity": "0.01", "max_long_levels": 0, "reset_state_on_start": False,
    }  # fmt: skip


def test_stored_parameters_are_read_back_the_same():
    values = parse_parameters(LazyGrid.parameters, GOOD)
    assert parse_parameters(LazyGrid.parameters, parameter_texts(values)) == values


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", "0"), ("step", "-1"), ("step", "1e3"), ("step", 0.5), ("step", None), ("step", "100"),
        ("step_unit", "cents"), ("quantity", "0"), ("quantity", "0.000001"), ("max_long_levels", "-1"),
        ("max_long_levels", "1.5"), ("max_long_levels", True), ("reset_state_on_start", "perhaps"), ("leverage", "10"),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_by_name(name: str, value: object):
    assert list(refusal(**{name: value})) == [name]


def test_half_a_tick_is_no_step():
    assert "whole number of ticks" in refusal(step="0.5", step_unit="ticks")["step"]


def test_all_mistakes_are_named_at_once():
    assert set(refusal(step="x", quantity="y", reset_state_on_start="z")) == {
        "step",
        "quantity",
        "reset_state_on_start",
    }
