"""Would it be taken? Answered beside the command stream: no row, no journal, no waiting; and it is what placing then answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from marketdata import bus, clock
from orders import caller, keys, messages
from orders.engine.reading import ReadLane
from orders.models import Journal, Order, RiskLimit

BODY = {"symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "50000", "quantity": "0.01"}


def check(engine: Any, place: messages.Place) -> tuple[int, dict[str, Any]]:
    service = engine.service
    lane = ReadLane(bus.default(), 0, service.core, service.chain, lambda: service.world)
    return lane.check(messages.Check(owner_id=place.owner_id, order=place))


def no(answer: dict[str, Any]) -> list[str]:
    return [row["code"] for row in answer["results"] if not row["ok"]]


def test_it_names_what_placing_would_answer_with_a_fix(engine: Any) -> None:
    RiskLimit.objects.create(account=engine.cast.account, code="notional_max", value=400)
    engine.turn()
    place = engine.place("buy", "0.01", "50000")
    status, answer = check(engine, place)
    assert (status, answer["ok"], no(answer)) == (200, False, ["NOTIONAL_MAX"])
    (row,) = [row for row in answer["results"] if not row["ok"]]
    assert (row["limit"], row["value"], row["room"], row["fix"]) == ("400", "500", "-100", "Order at most 0.008.")
    assert engine.ask(place)[1]["code"] == "NOTIONAL_MAX"
    assert engine.ask(engine.place("buy", "0.008", "50000"))[0] == 201


def test_it_leaves_no_row(engine: Any) -> None:
    before = Journal.objects.count(), Order.objects.count(), engine.service.chain.seq
    answer = check(engine, engine.place("buy", "0.01", "50000"))[1]
    assert (answer["ok"], answer["as_of_seq"]) == (True, before[2])
    assert (Journal.objects.count(), Order.objects.count(), engine.service.chain.seq) == before


def test_a_caps_room_is_told_too(engine: Any) -> None:
    answer = check(engine, engine.place("buy", "0.01", "50000", order_notional_max="499"))[1]
    assert no(answer) == ["KEY_ORDER_MAX"]


def test_a_stop_is_worth_its_stop_to_a_cap_as_it_is_when_placed(engine: Any) -> None:
    stop = engine.place(
        "buy", "0.01", type="stop", terms=messages.Terms(stop_ticks=8_000_000), order_notional_max="700"
    )
    (row,) = [row for row in check(engine, stop)[1]["results"] if not row["ok"]]
    assert (row["code"], row["value"]) == ("KEY_ORDER_MAX", "800")
    assert engine.ask(stop)[1]["code"] == "KEY_ORDER_MAX"


def test_another_persons_account_is_not_there(engine: Any) -> None:
    place = engine.place("buy", "0.01", "50000", account=engine.cast.others)
    lane = messages.Check(owner_id=engine.cast.trader.pk, order=place)
    service = engine.service
    assert ReadLane(bus.default(), 0, service.core, service.chain, lambda: service.world).check(lane)[0] == 404


@pytest.fixture
def lane(engine: Any) -> Iterator[Any]:
    """The lane alone: the engine's loop does not turn, as if it waited for a commit."""
    service = engine.service
    lane = ReadLane(bus.default(), 0, service.core, service.chain, lambda: service.world)
    lane.start()
    yield engine
    lane.stop()


def test_the_door_answers_while_the_engine_waits_for_its_commit(lane: Any) -> None:
    caller.default.cache_clear()
    key, _ = keys.create(lane.cast.trader, scopes=["read", "trade"], paper_only=True)
    client = Client()
    deadline_ns = clock.monotonic_ns() + 5 * 10**9
    status = 503
    while status == 503 and clock.monotonic_ns() < deadline_ns:  # until the lane listens
        reply = client.post("/api/v1/orders/check", json.dumps({**BODY, "api_key": str(key.key)}), "application/json")
        status = reply.status_code
    assert status == 200, reply.content
    answer = reply.json()
    assert answer["ok"] is True and {row["code"] for row in answer["results"]} >= {
        "NOTIONAL_MAX",
        "PRICE_COLLAR",
        "RATE_ORDERS",
    }
    assert not Order.objects.exists()


def test_without_an_engine_nobody_answers(engine: Any) -> None:
    caller.default.cache_clear()
    key, _ = keys.create(engine.cast.trader, scopes=["read", "trade"], paper_only=True)
    reply = Client().post("/api/v1/orders/check", json.dumps({**BODY, "api_key": str(key.key)}), "application/json")
    assert reply.status_code == 503
