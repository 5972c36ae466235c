"""A hosted run: klines in, orders out, reports back, all of it in rows."""

from __future__ import annotations

from datetime import timedelta

import pytest

from strategies.models import Intent, Run, Signal
from tests.strategies.stand import T0, Host, PretendEngine, close_klines, make_config, orders_of, wishes_of

pytestmark = pytest.mark.django_db


def begun(host: Host, **parameters: object) -> Run:
    config = make_config(**parameters)
    close_klines(config, 0, "100")
    return host.begin(config)


def test_klines_that_closed_before_the_start_are_history(engine: PretendEngine, host: Host):
    run = host.work(begun(host))
    assert (run.kline_cursor, run.saved["anchor"]) == (T0, None)


def test_a_crossed_level_becomes_an_order_of_the_strategy(engine: PretendEngine, host: Host):
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    host.work(run)
    assert orders_of(run.config) == [("1", "buy", "99", "filled")]


def test_the_nth_order_of_a_run_is_requested_as_run_and_n(engine: PretendEngine, host: Host):
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9", "97.9")
    host.work(run)
    assert list(run.intents.values_list("request_id", flat=True)) == [f"{run.key}:1", f"{run.key}:2"]


def test_fills_reach_the_strategy_and_its_position(engine: PretendEngine, host: Host):
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    run = host.work(run)
    assert (run.saved["levels"]["1"]["phase"], run.position["quantity"]) == ("held", "0.01")


def test_a_round_trip_leaves_nothing_held(engine: PretendEngine, host: Host):
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9", "100.2")
    run = host.work(run)
    assert (orders_of(run.config)[1], run.saved["levels"], run.position["quantity"]) == (
        ("2", "sell", "100", "filled"), {}, "0",
    )  # fmt: skip


def test_every_order_left_a_signal(engine: PretendEngine, host: Host):
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    host.work(run)
    signal = Signal.objects.get(run=run)
    assert (signal.note, signal.at) == ("level 1 crossed downwards", T0 + timedelta(minutes=3))


def test_a_refused_order_shows_in_the_run_and_frees_its_level(engine: PretendEngine, host: Host):
    engine.refuses = "TRADING_HALTED"
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    run = host.work(run)
    assert (run.state, run.last_refusal["code"], run.saved["levels"]) == ("running", "TRADING_HALTED", {})


def test_a_run_trades_on_after_a_halt_is_lifted(engine: PretendEngine, host: Host):
    engine.refuses = "TRADING_HALTED"
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    host.work(run)
    engine.refuses = ""
    close_klines(run.config, 3, "99.5", "98.9")
    host.work(run)
    assert orders_of(run.config) == [("1", "buy", "99", "rejected"), ("2", "buy", "99", "filled")]


def test_a_run_hears_of_its_own_orders_only(engine: PretendEngine, host: Host):
    run, other = begun(host), make_config("other")
    engine.place(other.owner, {
        "request_id": "by-hand", "account": other.account.name, "symbol": "BTC/USDT", "side": "buy", "price": "99",
        "quantity": "1", "strategy_id": "other",
    })  # fmt: skip
    run = host.work(run)
    assert (run.position, run.events) == ({}, 1)


def test_an_engine_that_is_away_only_delays(engine: PretendEngine, host: Host):
    engine.away = True
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    run = host.work(run)
    assert (orders_of(run.config), "Waiting" in run.note) == ([], True)
    engine.away = False
    host.crash()
    run = host.work(run)
    assert (orders_of(run.config), run.note) == ([("1", "buy", "99", "filled")], "")


def test_an_answer_that_was_lost_is_fetched_by_the_same_request_id(engine: PretendEngine, host: Host):
    engine.silent = True
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    host.work(run)
    engine.silent = False
    host.crash()
    host.work(run)
    assert (orders_of(run.config), wishes_of(run)) == ([("1", "buy", "99", "filled")], [(1, "place", 200)])


def test_a_wish_nobody_took_for_a_minute_is_dropped(engine: PretendEngine, host: Host, monkeypatch: pytest.MonkeyPatch):
    engine.away = True
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    host.work(run)
    Intent.objects.update(created_at=T0)
    host.runners[run.pk]._last_sent = T0
    host.runners[run.pk]._retry_at_ns = 0
    engine.away = False
    run = host.work(run)
    assert (orders_of(run.config), run.last_refusal["code"], run.saved["levels"]) == ([], "NOT_SENT", {})


def test_an_old_wish_that_was_decided_is_not_dropped(engine: PretendEngine, host: Host):
    engine.silent = True
    run = begun(host)
    close_klines(run.config, 1, "100", "98.9")
    host.work(run)
    Intent.objects.update(created_at=T0)
    engine.silent = False
    host.crash()
    run = host.work(run)
    assert (orders_of(run.config), run.last_refusal) == ([("1", "buy", "99", "filled")], None)


def test_after_an_absence_only_the_newest_kline_is_news(engine: PretendEngine, host: Host):
    run = begun(host)
    close_klines(run.config, 1, "100")
    host.work(run)
    host.crash()
    close_klines(run.config, 2, "99", "98", "97", "96", "95.5")
    run = host.work(run)
    assert (orders_of(run.config), run.klines_missed) == ([("1", "buy", "96", "filled")], 4)


def test_a_hole_in_the_klines_does_not_stop_a_run(engine: PretendEngine, host: Host):
    run = begun(host)
    close_klines(run.config, 1, "100")
    close_klines(run.config, 5000, "99")
    run = host.work(run)
    assert orders_of(run.config) == [("1", "buy", "99", "filled")]


def test_five_minute_klines_are_added_up_from_minutes(engine: PretendEngine, host: Host):
    config = make_config()
    config.interval = "5m"
    config.save()
    close_klines(config, 0, *["100"] * 5)
    run = host.begin(config)
    close_klines(config, 5, *["100"] * 5, "90", "90", "90", "90")
    run = host.work(run)
    assert (run.kline_cursor, orders_of(config)) == (T0 + timedelta(minutes=5), [])
    close_klines(config, 14, "99")
    host.work(run)
    assert orders_of(config) == [("1", "buy", "99", "filled")]
