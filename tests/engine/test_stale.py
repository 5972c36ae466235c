"""No stale command is executed: its age is that of its stream entry by the bus server's clock, or of its sending."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from marketdata import bus, clock
from marketdata.bus import Entry
from marketdata.server_clock import ServerClock
from orders import messages
from orders.models import Order, Request
from tests.engine.hand import addressed

LIMIT, MARKET = ("0.01", "50000"), ("0.01",)


@pytest.mark.parametrize(("terms", "fresh_ms", "stale_ms"), [(LIMIT, 4000, 5500), (MARKET, 1000, 2500)])
def test_what_waited_too_long_is_recorded_and_rejected(engine: Any, terms: Any, fresh_ms: int, stale_ms: int) -> None:
    assert engine.ask(engine.place("buy", *terms), fresh_ms)[0] == 201
    status, body, _ = engine.ask(engine.place("buy", *terms), stale_ms)
    assert (status, body["code"], body["order"]["status"]) == (422, "COMMAND_STALE", "rejected")


def test_what_somebody_may_have_been_told_never_will_be_leaves_no_row(engine: Any) -> None:
    status, body, _ = engine.ask(engine.place("buy", *LIMIT), 9000)
    assert (status, body["code"]) == (422, "COMMAND_STALE")
    assert not Order.objects.exists() and not Request.objects.exists()


def test_a_repeat_is_answered_however_late(engine: Any) -> None:
    first = engine.ask(engine.place("buy", *LIMIT, request_id="once"))[1]
    status, again, _ = engine.ask(engine.place("buy", *LIMIT, request_id="once"), 60_000)
    assert (status, again["id"]) == (200, first["id"])


def test_a_cancel_is_never_too_old_and_an_amend_is(engine: Any) -> None:
    order = engine.ask(engine.place("buy", *LIMIT))[1]
    amend = messages.Amend(
        owner_id=engine.cast.trader.pk, account_ids=[engine.cast.account.pk], request_id="a", body_hash=b"a",
        id=order["id"], price="49000",
    )  # fmt: skip
    assert engine.ask(amend, 5500)[1]["code"] == "COMMAND_STALE"
    status, body, _ = engine.ask(engine.cancel(order["id"]), 60_000)
    assert (status, body["status"], body["price"]) == (200, "canceled", order["price"])


def test_a_bus_that_stood_still_makes_nothing_young_again(engine: Any) -> None:
    """Its socket kept the command for a minute; then it was added, under an id of now."""
    command = addressed(engine.place("buy", *MARKET), 1)
    now_ms = engine.service.server_clock.now_ms()
    late = messages.encode(msgspec.structs.replace(command, sent_ms=now_ms - 60_000))
    engine.service._transact(engine.connection, [Entry(f"{now_ms}-7".encode(), late)], None)
    assert not Order.objects.exists()


def test_the_engines_own_clock_does_not_count(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_ns", lambda real=clock.now_ns: real() + 3_600_000_000_000)
    status, body, _ = engine.ask(engine.place("buy", *LIMIT))
    assert (status, body["status"]) == (201, "new")
    assert (
        abs(clock.now_ms() - clock.to_ms(Order.objects.get().created_at)) < 60_000
    )  # nor do its orders move by the hour
    assert engine.service.clock.unsafe


def test_ids_of_a_time_to_come_tell_no_age_and_a_new_stream_is_made(engine: Any) -> None:
    """The server's clock was set back by an hour: ids stand still at the old time, and nobody knows what is old."""
    epoch, stream = engine.service.lease.epoch, engine.service.stream
    ahead = (engine.service.server_clock.now_ms() or 0) + 3_600_000
    command = messages.encode(addressed(engine.place("buy", *LIMIT), 1))
    bus.default()._redis.xadd(stream, {b"c": command}, id=f"{ahead}-0")
    engine.turn()
    assert not Order.objects.filter(status="new").exists()
    engine.service.kept_ns = 0
    engine.turn()
    assert engine.service.lease.epoch == epoch + 1
    assert bus.default().add(engine.service.stream, command)
    engine.turn()
    assert Order.objects.filter(status="new").count() == 1


def test_between_two_looks_at_the_server_our_time_since_boot_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = ServerClock(bus.default())
    assert theirs.now_ms() is None and theirs.age_ms(1) is None
    theirs.look()
    before = theirs.now_ms()
    assert before is not None and abs(before - clock.now_ms()) < 5_000
    monkeypatch.setattr(clock, "boot_ns", lambda real=clock.boot_ns: real() + 7_000_000_000)
    assert theirs.now_ms() >= before + 7_000 and theirs.age_ms(before) >= 7_000
