"""A command at which the engine died twice is answered 500, kept, and skipped; the others are decided."""

from __future__ import annotations

import json
from typing import Any

import pytest

from marketdata import bus, channels
from orders import caller, messages
from orders.engine.decide import Decider
from orders.models import DeadCommand, Order, Request
from tests.engine.hand import addressed


class Died(BaseException):
    """What a segmentation fault is to a process."""


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """request_ids at which an engine dies, and what it was asked to decide."""
    decide, tried = Decider.decide, []

    def dies(self: Any, cursor: Any, batch: Any, raw: bytes, command: messages.Command, age_ms: int) -> None:
        tried.append(getattr(command, "request_id", ""))
        if tried[-1].startswith("poison"):
            raise Died
        decide(self, cursor, batch, raw, command, age_ms)

    monkeypatch.setattr(Decider, "decide", dies)
    return tried


def _put(engine: Any, *request_ids: str) -> None:
    for number, request_id in enumerate(request_ids):
        command = addressed(engine.place("buy", "0.001", "50000", request_id=request_id), number + 1)
        assert bus.default().add(engine.service.stream, messages.encode(command))


def _die(engine: Any) -> None:
    with pytest.raises(Died):
        engine.turn()
    engine.crash()


def test_it_is_skipped_after_the_second_death_and_the_others_are_decided(engine: Any, poison: list[str]) -> None:
    _put(engine, "before", "poison", "after")
    _die(engine)  # in a batch: nothing of it is durable
    assert not Order.objects.exists()
    with pytest.raises(Died):  # alone
        engine.start()
    assert set(Order.objects.values_list("request_id", flat=True)) == {"before"}
    counted = DeadCommand.objects.get()
    assert counted.deaths == 1 and counted.owner == engine.cast.trader
    engine.start()
    assert set(Order.objects.values_list("request_id", flat=True)) == {"before", "after"}
    kept = DeadCommand.objects.get()
    assert (kept.deaths, messages.decode(bytes(kept.payload)).request_id) == (2, "poison")  # type: ignore[union-attr]
    assert poison.count("poison") == 2 and poison.count("after") == 1


def test_its_caller_hears_500_now_and_whenever_it_asks_again(
    engine: Any, poison: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listener = bus.default().listener(channels.replies("hand"))
    assert listener.open()
    _put(engine, "poison")
    _die(engine)
    with pytest.raises(Died):
        engine.start()
    engine.start()
    heard = listener.get(5)
    assert heard is not None
    [(number, status, _, body)] = caller._replies.decode(heard[1])
    assert (number, status, json.loads(body)["code"]) == (1, 500, "DEAD_COMMAND")
    listener.close()
    monkeypatch.undo()  # whatever killed it
    assert engine.ask(engine.place("buy", "0.001", "50000", request_id="poison"))[0] == 500
    assert Request.objects.get(request_id="poison").order_id is None and not Order.objects.exists()


def test_a_death_that_no_command_caused_leaves_nothing_behind(engine: Any, poison: list[str]) -> None:
    _put(engine, *(f"plain-{number}" for number in range(40)))
    engine.restart()
    assert Order.objects.count() == 40 and not DeadCommand.objects.exists()
    assert len(poison) == 40


def test_after_a_clean_stop_they_are_decided_together(engine: Any) -> None:
    _put(engine, "one", "two", "three")
    engine.service._end(engine.connection)
    engine.crash()
    engine.start()
    assert Order.objects.count() == 3
    assert len(set(Order.objects.values_list("created_at", flat=True))) == 1


def test_an_owner_that_dies_while_it_drains_leaves_the_rest_to_the_next(engine: Any, poison: list[str]) -> None:
    _put(engine, "one", "poison-1", "two", "poison-2", "three")
    _die(engine)
    for _ in range(2):
        with pytest.raises(Died):
            engine.start()
    engine.start()
    assert set(Order.objects.values_list("request_id", flat=True)) == {"one", "two", "three"}
    assert DeadCommand.objects.filter(deaths=2).count() == 2
