"""What our side has missed follows from our orders and the exchange's words; nothing is guessed."""

from __future__ import annotations

from orders.exchanges.base import ExchangeFill, ExchangeOrder, Sighting
from orders.reconcile import Difference, Missed, OurOrder, reconcile

NOW = 100_000_000_000
LONG_AGO, JUST_NOW = NOW - 10_000_000_000, NOW - 1_000_000_000


def ours(quantity: int = 10, filled: int = 0, *trades: str) -> OurOrder:
    return OurOrder("key", "1", quantity, filled, frozenset(trades))


def fill(trade: str, lots: int, at_ns: int = LONG_AGO) -> ExchangeFill:
    return ExchangeFill(trade, "1", 7, "buy", 500, lots, True, at_ns)


def seen(remaining: int | None, *fills: ExchangeFill) -> dict[str, Sighting]:
    """Standing with so much remaining, or not standing at all."""
    order = None
    if remaining is not None:
        order = ExchangeOrder("1", 7, "buy", True, 500, remaining, sum(one.quantity_lots for one in fills))
    elif fills:
        order = ExchangeOrder("1", 7, "buy", False, 500, 0, sum(one.quantity_lots for one in fills))
    return {"1": Sighting("1", order, fills)}


def test_an_order_that_stands_as_we_think_needs_nothing() -> None:
    assert reconcile([ours()], seen(10), NOW) == ([], [])
    assert reconcile([ours(10, 4, "a")], seen(6, fill("a", 4)), NOW) == ([], [])


def test_a_fill_we_do_not_have_is_missed() -> None:
    missed, differences = reconcile([ours(10, 4, "a")], seen(4, fill("a", 4), fill("b", 2)), NOW)
    assert missed == [Missed("key", (fill("b", 2),))]
    assert differences == []


def test_a_last_fill_ends_the_order_by_itself() -> None:
    assert reconcile([ours(10, 4, "a")], seen(None, fill("a", 4), fill("b", 6)), NOW) == (
        [Missed("key", (fill("b", 6),))], [],
    )  # fmt: skip


def test_an_order_the_exchange_no_longer_has_is_over() -> None:
    assert reconcile([ours()], seen(None), NOW) == ([Missed("key", (), "4")], [])


def test_a_missed_fill_and_a_missed_end_come_together() -> None:
    assert reconcile([ours()], seen(None, fill("a", 3)), NOW) == ([Missed("key", (fill("a", 3),), "4")], [])


def test_a_young_fill_is_left_to_its_own_report() -> None:
    assert reconcile([ours()], seen(7, fill("a", 3, JUST_NOW)), NOW) == ([], [])
    assert reconcile([ours()], seen(None, fill("a", 3, JUST_NOW)), NOW) == ([], [])


def test_an_order_nobody_asked_about_is_left_alone() -> None:
    assert reconcile([ours()], {}, NOW) == ([], [])


def test_an_exchange_that_forgot_old_fills_but_agrees_on_the_rest_is_believed() -> None:
    assert reconcile([ours(10, 4, "a")], seen(6), NOW) == ([], [])


def test_a_rest_no_fill_explains_is_a_difference_and_changes_nothing() -> None:
    assert reconcile([ours()], seen(8), NOW) == ([], [Difference("key", 10, 8)])


def test_more_fills_than_the_order_holds_are_never_applied() -> None:
    missed, differences = reconcile([ours(10, 4, "a")], seen(None, fill("a", 4), fill("b", 7)), NOW)
    assert missed == []
    assert differences == [Difference("key", 6, 0)]
