"""A strategy's conditions go to the door as anybody's, and what follows its fills is told under the order it follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from orders import conditions
from orders.messages import Terms
from orders.reading import Reader
from strategies import live
from strategies.domain import Conditions, Side
from tests.engine import hand


@pytest.fixture
def engine(transactional_db: None) -> Iterator[Any]:
    hand.clean()
    made = hand.Engine(hand.seed())
    yield made
    made.close()
    hand.clean()


@pytest.mark.parametrize(
    ("wished", "terms"),
    [
        (Conditions(type="stop", stop_price=Decimal("60000.5")), Terms(stop_ticks=6_000_050)),
        (Conditions(type="trailing_stop", trail_percent=Decimal("1.5")), Terms(trail=150, trail_percent=True)),
        (Conditions(type="trailing_stop", trail_amount=Decimal("100")), Terms(trail=10_000)),
        (Conditions(take_profit=Decimal(70000), stop_loss=Decimal(60000), stop_loss_limit=Decimal(59000)),
         Terms(take_profit_ticks=7_000_000, stop_loss_ticks=6_000_000, stop_loss_limit_ticks=5_900_000)),
        (Conditions(time_in_force="gtd", expires_at=datetime(2030, 1, 1, tzinfo=UTC)), Terms(expires_at_ns=1_893_456_000_000_000_000)),
    ],
)  # fmt: skip
def test_the_door_reads_what_was_wished(wished: Conditions, terms: Terms) -> None:
    fields = wished.fields()
    reader = Reader(fields, {})
    read = conditions.read(reader, fields.get("type", "limit"), fields.get("time_in_force", "gtc"))
    reader.done()
    assert read.terms(Decimal("0.01")) == terms


def test_what_is_not_wished_is_not_said() -> None:
    assert Conditions().fields() == {}
    assert Conditions(post_only=True, reduce_only=True).fields() == {"post_only": True, "reduce_only": True}


def test_legs_are_heard_under_the_order_they_follow(engine: Any) -> None:
    bid, ask = engine.touch()
    terms = Terms(take_profit_ticks=ask + 100_000, stop_loss_ticks=bid - 100_000)
    assert engine.ask(engine.place("buy", "0.01", request_id="run:1", strategy_id="mine", terms=terms))[0] == 201
    heard, _ = live.reports_after(engine.cast.account.pk, "mine", 0)
    assert {row.request_id for row in heard} == {"run:1"}
    born = {row.leg: row.report(1) for row in heard if row.leg}
    assert {leg: (report.side, report.quantity) for leg, report in born.items()} == {
        leg: (Side.SELL, Decimal("0.01")) for leg in ("tp", "sl")
    }
