"""A reason's sentence says `nothing was placed` only where that is so."""

from __future__ import annotations

import pytest

from orders import sentences


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("rejected", "so there was nothing to trade with; nothing was placed."),
        ("canceled", "so there was nothing to trade with; what was left of the order was canceled."),
        ("new", "so there was nothing to trade with; the order stays as it was."),
    ],
)
def test_it_says_what_became_of_the_order(status: str, said: str) -> None:
    reason = {"code": "NO_LIQUIDITY", "limit": None, "value": None}
    assert sentences.of(reason, {"status": status}).endswith(said)


def test_no_order_that_was_placed_is_told_that_nothing_was() -> None:
    for code in sentences.SENTENCES:
        for status in ("new", "partially_filled", "canceled", "expired"):
            told = sentences.of({"code": code, "limit": "1", "value": "2"}, {"status": status})
            assert "othing was placed" not in told, told
