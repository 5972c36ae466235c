"""Commands that travel together are decided, remembered and answered each by itself, in their order."""

from __future__ import annotations

from typing import Any

import pytest

from marketdata import bus, channels, clock
from orders import caller, messages
from orders.engine import service
from orders.models import Journal, Order


def test_each_is_decided_by_itself_and_answered_in_its_place(engine: Any) -> None:
    good, large = engine.place("buy", "0.01", "50000"), engine.place("buy", "5", "50000")
    answers = engine.ask_together([good, large, engine.cancel("00000000-0000-8000-8000-000000000000")])
    assert [status for status, _, _ in answers] == [201, 422, 404]
    assert answers[0][1]["request_id"] == good.request_id and answers[1][1]["code"] == "BALANCE_INSUFFICIENT"
    assert Order.objects.count() == 2


def test_a_later_one_may_mean_the_order_of_an_earlier_one(engine: Any) -> None:
    place = engine.place("buy", "0.01", "50000", request_id="mine")
    cancel = messages.Cancel(
        owner_id=place.owner_id, account_ids=[place.account_id], request_id="away", body_hash=b"c", client="mine"
    )
    answers = engine.ask_together([place, cancel])
    assert [(status, body["status"]) for status, body, _ in answers] == [(201, "new"), (200, "canceled")]


def test_all_asked_again_are_all_answered_again(engine: Any) -> None:
    wanted = [engine.place("buy", "0.01", "50000", request_id=f"again{number}") for number in range(20)]
    first = engine.ask_together(wanted)
    engine.restart()  # decided and durable, and then nobody was there to say so
    again = engine.ask_together(wanted)
    assert [status for status, _, _ in first] == [201] * 20
    assert [(status, headers) for status, _, headers in again] == [(200, {"Idempotent-Replay": "true"})] * 20
    assert [body for _, body, _ in again] == [body for _, body, _ in first]
    assert Order.objects.count() == 20


def test_one_that_is_too_old_takes_all_with_it(engine: Any) -> None:
    answers = engine.ask_together([engine.place("buy", "0.01", "50000") for _ in range(2)], age_ms=6000)
    assert [body["code"] for _, body, _ in answers] == ["COMMAND_STALE"] * 2


def test_the_journal_keeps_each_command_by_itself(engine: Any) -> None:
    before = Journal.objects.filter(kind="command").count()
    engine.ask_together([engine.place("buy", "0.01", "50000") for _ in range(3)])
    assert Journal.objects.filter(kind="command").count() == before + 3


def test_they_are_one_entry_of_the_stream_and_one_wait(live: Any) -> None:
    wanted = [live.place("buy", "0.01", "50000", request_id=f"one{number}") for number in range(50)]
    added = _added(live)
    answers = caller.default().send_many(wanted)
    assert _added(live) == added + 1
    assert [answer.status for answer in answers if answer] == [201] * 50
    assert not caller.default()._waiting


def _added(engine: Any) -> int:
    return int(bus.default()._redis.xinfo_stream(engine.service.stream)["entries-added"])


def test_without_an_engine_surely_none_was_accepted(money: Any) -> None:
    caller.default.cache_clear()
    with pytest.raises(caller.NotAccepted):
        caller.default().send_many([messages.Query(owner_id=1, kind="core_hash", account_id=0)] * 2)
    caller.default.cache_clear()


def test_unheard_ones_are_none_in_the_answers(engine: Any) -> None:
    caller.default.cache_clear()
    wanted = [messages.Query(owner_id=1, kind="core_hash", account_id=0)] * 2
    assert caller.default().send_many(wanted, timeout_s=0.3) == [None, None]
    caller.default.cache_clear()


def test_a_batch_ends_with_the_entry_that_fills_it(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "BATCH_MAX", 5)
    engine.service.__dict__.pop("_say", None)
    query = messages.encode(messages.Query(owner_id=1, kind="core_hash", account_id=0))
    payloads = [query, messages.encode_many([query] * 6), query, query]
    assert all(bus.default().add_many(engine.service.stream, payloads))
    sizes = []
    while entries := engine.service._read():
        sizes.append(sum(messages.count(entry.payload) for entry in entries))
        engine.service._transact(engine.connection, entries, None)
    assert sizes == [7, 2]


def test_an_entry_that_is_no_command_is_skipped(engine: Any) -> None:
    entry = bus.Entry(f"{clock.now_ms()}-0".encode(), b"\x93\xa1x\x01\x91\xc4\x01\xc1")
    engine.service._transact(engine.connection, [entry], None)
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def test_channels_of_replies_are_known_to_both_sides() -> None:
    payload = messages.encode_many(
        [messages.encode(messages.Query(owner_id=1, kind="x", account_id=0))] * 2, channels.replies("a"), 7
    )
    found = [(command.reply_to, command.reply_id) for _, command in messages.decode_entry(payload)]
    assert found == [(channels.replies("a"), 7), (channels.replies("a"), 8)]
