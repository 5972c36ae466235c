"""The engine tells the core what things are worth, at most once a second, and opens each trading day; both by the journal alone."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from marketdata import clock
from marketdata.precision import amount_decimal
from orders._core import Core
from orders.engine import journal
from orders.engine.valuing import DAY_NS, EVERY_NS
from orders.models import EquityPoint, Funding, Journal
from tests.engine.hand import Engine
from tests.moved_clock import Hands

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    return Hands(monkeypatch)


def told(method: str) -> list[list[Any]]:
    """Arguments of every journalled call of this method."""
    found = []
    for payload in Journal.objects.filter(kind=journal.TOLD).order_by("seq").values_list("payload", flat=True):
        call = json.loads(bytes(payload))
        if call[0] == method:
            found.append(call[1])
    return found


def replayed() -> Core:
    """A core made of the journal and nothing else."""
    core = Core()
    for kind, payload in Journal.objects.order_by("seq").values_list("kind", "payload"):
        journal.replay(core, kind, bytes(payload))
    return core


def test_marks_are_told_once_a_second_however_often_the_engine_turns(engine: Engine, hands: Hands) -> None:
    before = len(told("marks"))
    for _ in range(3):
        engine.turn()
    assert len(told("marks")) == before + 1
    hands.ahead += EVERY_NS
    engine.turn()
    marks = told("marks")
    assert len(marks) == before + 2
    rows = {row[0]: row[1:] for row in marks[before][1]}
    assert set(rows) == {engine.cast.btc.pk, engine.cast.shib.pk}
    assert replayed().hash() == engine.core.hash()


def test_a_mark_that_stands_still_is_told_again_before_it_would_be_stale(engine: Engine, hands: Hands) -> None:
    engine.turn()
    for _ in range(5):
        hands.ahead += EVERY_NS
        engine.turn()
        assert engine.core.equity(engine.cast.account.pk)[0]


def test_a_day_is_opened_at_midnight_with_what_everything_is_worth_then(engine: Engine, hands: Hands) -> None:
    engine.turn()
    midnight = (clock.now_ns() // DAY_NS + 1) * DAY_NS
    hands.to(midnight - HOUR_NS)
    engine.turn()
    before = told("day_open")
    engine.ask(engine.place("buy", "0.5"))
    hands.to(midnight + 1000)
    engine.turn()
    engine.turn()
    (day, late, evidence) = told("day_open")[-1]
    known, equity, day_open, _, flows = engine.core.equity(engine.cast.account.pk)
    assert len(told("day_open")) == len(before) + 1
    assert (day, late, flows) == (midnight, 0, 0)
    assert known and equity == day_open == evidence["equity"][str(engine.cast.account.pk)]
    point = EquityPoint.objects.filter(account=engine.cast.account).latest("at")
    assert point.equity == amount_decimal(day_open)  # what today's change on the screens begins with
    Funding.objects.create(
        owner=engine.cast.trader,
        account=engine.cast.account,
        kind="transfer",
        asset=engine.cast.btc.quote,
        amount=Decimal(7),
    )
    engine.turn()
    assert engine.core.equity(engine.cast.account.pk)[4] == 7 * 10**18
    assert replayed().hash() == engine.core.hash()


def test_a_day_that_began_while_nobody_looked_is_opened_at_start_from_the_last_marks(
    engine: Engine, hands: Hands
) -> None:
    engine.turn()
    last = engine.core.equity(engine.cast.account.pk)[1]
    engine.crash()
    hands.to((clock.now_ns() // DAY_NS + 1) * DAY_NS + HOUR_NS)
    engine.start()
    day, late, evidence = told("day_open")[-1]
    assert (day, late) == (clock.now_ns() // DAY_NS * DAY_NS, 1)
    assert evidence["equity"][str(engine.cast.account.pk)] == last
    assert engine.core.equity(engine.cast.account.pk)[2] == last
    engine.turn()
    assert len([one for one in told("day_open") if one[0] == day]) == 1


def test_an_account_that_cannot_turn_to_margin_trades_on_as_cash_and_is_tried_again(engine: Engine) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "10000"))
    type(engine.cast.account).objects.filter(pk=engine.cast.account.pk).update(margin=20_000)
    engine.turn()
    assert engine.ask(engine.place("sell", "5", "90000"))[0] == 422
    engine.ask(engine.cancel(order["id"]))
    type(engine.cast.account).objects.filter(pk=engine.cast.account.pk).update(is_default=True)
    engine.turn()
    engine.service.valuer.last_ns = 0
    engine.turn()
    status, answer, _ = engine.ask(engine.place("sell", "8", "90000"))
    assert status == 422 and answer["code"] == "MARGIN_INSUFFICIENT"
    assert engine.ask(engine.place("sell", "5", "90000"))[0] == 201  # of two it has
    engine.core.verify()
