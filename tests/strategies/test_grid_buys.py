"""When the lazy grid buys."""

from __future__ import annotations

from tests.strategies.pretend import Play


def test_the_first_kline_only_sets_the_anchor():
    assert Play().closes("100") == []


def test_nothing_is_bought_before_a_level_is_crossed():
    assert Play().closes("100", "99.5", "99.01") == []


def test_a_level_is_bought_when_a_closed_kline_crosses_it_downwards():
    assert Play().closes("100", "98.8") == ["buy 0.01 at 99"]


def test_a_close_exactly_on_a_level_crosses_it():
    assert Play().closes("100", "99") == ["buy 0.01 at 99"]


def test_a_level_in_use_is_not_bought_again():
    play = Play()
    assert play.closes("100", "98.8", "99.2", "98.7") == ["buy 0.01 at 99"]
    play.fills(1)
    assert play.closes("99.2", "98.6") == []


def test_a_fall_over_several_levels_buys_the_deepest_only():
    assert Play().closes("100", "96.5") == ["buy 0.01 at 97"]


def test_levels_a_fall_jumped_over_are_bought_when_they_are_crossed_later():
    assert Play().closes("100", "96.5", "98.5", "97.9") == ["buy 0.01 at 97", "buy 0.01 at 98"]


def test_levels_are_unlimited_by_default():
    closes = [f"{100 - level}" for level in range(100)]
    assert len(Play().closes(*closes)) == 99


def test_no_more_levels_than_allowed_are_in_use():
    assert len(Play(max_long_levels="3").closes("100", "99", "98", "97", "96", "95")) == 3


def test_a_level_below_zero_is_never_bought():
    assert Play(step="60").closes("100", "40", "1") == ["buy 0.01 at 40"]


def test_a_step_in_ticks_is_counted_in_ticks():
    assert Play(step="250", step_unit="ticks").closes("100", "97.5") == ["buy 0.01 at 97.5"]


def test_a_percent_of_the_anchor_is_rounded_to_the_nearest_tick():
    assert Play(step="0.333").closes("100.01", "99.67") == ["buy 0.01 at 99.68"]


def test_a_step_smaller_than_a_tick_is_one_tick():
    assert Play(step="0.000001").closes("100", "99.99") == ["buy 0.01 at 99.99"]


def test_the_anchor_follows_the_price_upwards_while_nothing_is_held():
    assert Play().closes("100", "110", "109.5", "108.9") == ["buy 0.01 at 108.9"]


def test_the_anchor_stays_while_something_is_held():
    play = Play()
    play.closes("100", "99")
    play.fills(1, "0.005")
    assert play.closes("99.5", "98") == ["buy 0.01 at 98"]


def test_a_refused_buy_waits_for_the_next_crossing():
    play = Play()
    play.closes("100", "99")
    play.ends(1, "rejected")
    assert play.closes("98.9", "98.8") == []
    assert play.closes("99.5", "98.9") == ["buy 0.01 at 99"]


def test_a_buy_the_price_left_behind_is_withdrawn_once():
    play = Play()
    play.closes("100", "99", "100.5", "101")
    assert play.desk.cancels == [1]


def test_a_withdrawn_buy_frees_its_level():
    play = Play()
    play.closes("100", "99", "100")
    play.ends(1)
    assert play.closes("98.9") == ["buy 0.01 at 99"]


def test_every_order_has_a_signal_that_says_why():
    play = Play()
    play.closes("100", "99")
    assert [(s.side, s.price, s.note) for s in play.desk.signals] == [("buy", 99, "level 1 crossed downwards")]
