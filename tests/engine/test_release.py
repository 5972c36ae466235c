"""A halt stays until a person releases it and every open order is as its exchange says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orders import caller, poll, release, services
from orders.errors import ApiError
from orders.exchanges import sim
from orders.exchanges.base import ExchangeError, Sighting
from orders.models import Audit, Halt


@pytest.fixture
def live(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Halted, with an order open that is old enough to be asked about."""
    monkeypatch.setattr(poll, "AGE_MIN", poll.timedelta(0))
    engine.ask(engine.place("buy", "0.01", "50000"))
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader, reason="looked odd")
    engine.turn()
    caller.default.cache_clear()
    engine.run()
    yield engine
    engine.end()
    caller.default.cache_clear()


def resume(engine: Any) -> Halt:
    return release.release("owner", "", by="Ann", reason="compared", owner=engine.cast.trader)


def test_when_both_sides_agree_trading_goes_on_and_the_audit_says_what_it_was(live: Any) -> None:
    assert resume(live).state == "active"
    line = Audit.objects.get(action="halt.active")
    assert line.actor == "Ann" and line.detail["was"] == "halted" and line.detail["reason"] == "compared"


def test_while_a_difference_is_open_it_is_refused_with_a_sentence(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = type(sim.remote(0))
    ask = remote.fetch_orders

    def other(port: Any, *args: Any) -> list[Sighting]:
        return [replace(one, order=replace(one.order, remaining_lots=1)) for one in ask(port, *args)]

    monkeypatch.setattr(remote, "fetch_orders", other)
    with pytest.raises(ApiError) as refused:
        resume(live)
    assert (refused.value.status, refused.value.code) == (409, "DIFFERENCE_OPEN")
    assert refused.value.message.startswith("One open order differs") and "stays stopped" in refused.value.message
    assert Halt.objects.get().state == "halted"


def test_what_cannot_be_compared_keeps_the_halt(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise ExchangeError("no answer", outcome_known=True)

    monkeypatch.setattr(type(sim.remote(0)), "fetch_orders", away)
    with pytest.raises(ApiError) as refused:
        resume(live)
    assert (refused.value.status, refused.value.code) == (503, "NOT_COMPARED")
    assert Halt.objects.get().state == "halted"


def test_of_another_account_a_difference_does_not_matter(live: Any) -> None:
    assert release.affected("account", "other", live.cast.other) == [live.cast.others.pk]
    assert release.affected("position", "trader|sim:BTC/USDT", live.cast.trader) == [live.cast.account.pk]
    assert release.affected("strategy", "grid", live.cast.trader) == [live.cast.account.pk]
    assert release.affected("exchange", "nowhere", None) == [] and release.affected("global", "", None) is None
