"""When the lazy grid sells what it bought, and what it remembers."""

from __future__ import annotations

from tests.strategies.pretend import Play


def bought(*closes: str, **parameters: object) -> Play:
    play = Play(**parameters)
    play.closes(*closes)
    for number in list(play.desk.orders):
        play.fills(number)
    return play


def test_nothing_is_offered_before_a_kline_reaches_the_exit():
    assert bought("100", "99").closes("99.99") == []


def test_a_level_is_sold_one_step_above_its_price():
    assert bought("100", "99").closes("100.3") == ["sell 0.01 at 100"]


def test_every_level_whose_exit_was_reached_is_sold():
    assert bought("100", "99", "98").closes("101") == ["sell 0.01 at 100", "sell 0.01 at 99"]


def test_only_what_was_filled_is_sold():
    play = Play()
    play.closes("100", "99")
    play.fills(1, "0.004")
    play.ends(1, "canceled", "0.004")
    assert play.closes("100") == ["sell 0.004 at 100"]


def test_a_sell_is_not_sent_twice():
    assert bought("100", "99").closes("100", "100.5", "101") == ["sell 0.01 at 100"]


def test_a_sold_level_is_bought_again_when_it_is_crossed_again():
    play = bought("100", "99")
    play.closes("100")
    play.fills(2)
    assert play.closes("98.9") == ["buy 0.01 at 99"]


def test_a_refused_sell_is_tried_again_at_the_next_kline():
    play = bought("100", "99")
    play.closes("100")
    play.ends(2, "rejected")
    assert play.closes("100.1") == ["sell 0.01 at 100"]


def test_the_rest_of_a_sell_that_ended_early_is_sold_later():
    play = bought("100", "99")
    play.closes("100")
    play.fills(2, "0.003")
    play.ends(2, "canceled", "0.003")
    assert play.closes("100.1") == ["sell 0.007 at 100"]


def test_hearing_a_fill_twice_changes_nothing():
    play = Play()
    play.closes("100", "99")
    play.fills(1)
    play.fills(1)
    assert play.closes("100") == ["sell 0.01 at 100"]


def test_a_new_run_sells_what_the_run_before_bought():
    play = bought("100", "99")
    play.start_again()
    assert play.closes("100") == ["sell 0.01 at 100"]


def test_the_first_kline_of_a_run_crosses_nothing():
    play = bought("100", "99")
    play.start_again()
    assert play.closes("97.5") == []


def test_reset_at_start_forgets_what_was_bought():
    play = bought("100", "99", reset_state_on_start="true")
    play.start_again()
    assert play.closes("100", "105") == []


def test_a_level_whose_order_ended_unheard_keeps_what_it_holds():
    play = Play()
    play.closes("100", "99")
    play.fills(1, "0.004")
    play.start_again()
    assert play.closes("100") == ["sell 0.004 at 100"]
