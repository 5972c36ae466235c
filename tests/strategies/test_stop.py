"""How a run ends: by a person, by a new start, by its own fault."""

from __future__ import annotations

import pytest

from strategies import services
from strategies.library.grid import LazyGrid
from strategies.models import Run, StrategyConfig
from tests.strategies.stand import Host, PretendEngine, close_klines, make_config, orders_of, wishes_of

pytestmark = pytest.mark.django_db


def standing(engine: PretendEngine, host: Host) -> Run:
    """A run with a resting buy."""
    engine.fills = False
    config = make_config()
    close_klines(config, 0, "100")
    run = host.begin(config)
    close_klines(config, 1, "100", "98.9")
    return host.work(run)


def test_a_stopped_run_withdraws_its_open_orders(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    services.stop(run.config)
    run = host.work(run)
    assert (run.state, orders_of(run.config)) == ("stopped", [("1", "buy", "99", "canceled")])


def test_a_cancel_has_a_request_id_of_its_own(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    services.stop(run.config)
    host.work(run)
    assert wishes_of(run) == [(1, "place", 201), (2, "cancel", 200)]


def test_what_was_filled_before_the_cancel_is_kept_for_the_next_run(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    engine.fill(f"{run.key}:1", "0.004")
    services.stop(run.config)
    run = host.work(run)
    assert run.saved["levels"]["1"] == {"phase": "held", "order": 0, "held": "0.004", "selling": "0", "leaving": False}


def test_a_run_waits_for_its_orders_before_it_ends(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    services.stop(run.config)
    engine.away = True
    run = host.work(run)
    assert (run.state, "Waiting" in run.note) == ("stopping", True)
    engine.away = False
    host.crash()
    assert host.work(run).state == "stopped"


def test_a_stopped_run_sees_no_more_klines(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    services.stop(run.config)
    close_klines(run.config, 3, "97")
    host.work(run)
    assert len(orders_of(run.config)) == 1


def test_a_cancel_that_comes_too_late_is_no_trouble(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    engine.fill(f"{run.key}:1")
    close_klines(run.config, 3, "100.5")
    run = host.work(run)
    services.stop(run.config)
    run = host.work(run)
    assert (run.state, run.last_refusal) == ("stopped", None)


def test_a_new_run_takes_the_held_levels_over(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    engine.fill(f"{run.key}:1")
    services.stop(run.config)
    host.work(run)
    services.start(run.config)
    second = host.begin(run.config)
    close_klines(run.config, 3, "100.5")
    engine.fills = True
    second = host.work(second)
    assert (second.key != run.key, orders_of(run.config)) == (
        True, [("1", "buy", "99", "filled"), ("1", "sell", "100", "filled")],
    )  # fmt: skip


def test_stopped_and_started_between_two_looks_is_a_new_run(engine: PretendEngine, host: Host):
    run = standing(engine, host)
    services.stop(run.config)
    services.start(run.config)
    assert host.work(run).state == "stopped"


def test_a_broken_strategy_ends_alone(engine: PretendEngine, host: Host, monkeypatch: pytest.MonkeyPatch):
    run = standing(engine, host)
    monkeypatch.setattr(LazyGrid, "on_kline", lambda *_: 1 / 0)
    close_klines(run.config, 3, "98")
    run = host.work(run)
    config = StrategyConfig.objects.get()
    assert (run.state, config.wanted, orders_of(config)) == ("failed", "stopped", [("1", "buy", "99", "canceled")])
    assert "ZeroDivisionError" in run.note


def test_a_strategy_that_trades_on_after_its_stop_fails(
    engine: PretendEngine, host: Host, monkeypatch: pytest.MonkeyPatch
):
    run = standing(engine, host)
    monkeypatch.setattr(LazyGrid, "on_stop", lambda grid, desk: desk.buy(grid.quantity))
    services.stop(run.config)
    run = host.work(run)
    assert (run.state, len(orders_of(run.config))) == ("failed", 1)


def test_a_stop_and_a_start_of_what_is_so_already_change_nothing(engine: PretendEngine):
    config = make_config()
    services.start(config)
    assert config.start_number == 1
    services.stop(config)
    services.stop(config)
    assert config.wanted == "stopped"


@pytest.mark.parametrize("kind", ["live", "sandbox"])
def test_a_strategy_is_not_started_on_real_money(kind: str):
    config = make_config()
    config.account.kind = kind
    with pytest.raises(services.CannotRun, match="paper and simulated accounts only"):
        services.start(config)


def test_a_strategy_trades_its_owners_money_only():
    config, other = make_config(), make_config("other")
    config.account = other.account
    with pytest.raises(services.CannotRun, match="its owner's money only"):
        services.start(config)
