"""What overtakes the stream holds for what waits in it: a place accepted before a sweep is not decided after it."""

from __future__ import annotations

from typing import Any

import pytest

from marketdata import clock
from orders import messages, services, urgent
from orders.models import Halt, Order, UrgentCommand


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing gets stale while a slow machine gets to the point."""
    for name in ("COMMAND_AGE_MS", "FORGOTTEN_MS"):
        monkeypatch.setattr(f"orders.engine.place.{name}", 600_000)


def sweep(engine: Any, **filters: Any) -> UrgentCommand:
    account = engine.cast.account
    row = urgent.ask(
        messages.CancelAll(owner_id=account.owner_id, account_ids=[account.pk], **filters), 0, "a test", account
    )
    engine.turn()  # it is counted as taken
    engine.turn()
    row.refresh_from_db()
    return row


def late(engine: Any, **more: Any) -> str:
    """What a place hears that was accepted before the sweep and is decided now."""
    swept_at = [*UrgentCommand.objects.values_list("at", flat=True), *Halt.objects.values_list("set_at", flat=True)]
    waited_ms = clock.now_ms() - clock.to_ms(swept_at[0]) + 100
    status, body, _ = engine.ask(engine.place("buy", "0.01", "50000", **more), waited_ms)
    return "" if status == 201 else body["code"]


def test_a_cancel_all_by_row_ends_what_stands_and_answers_with_it(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.01", "50000"))
    engine.ask(engine.place("buy", "0.01", "50000", account=engine.cast.others))
    row = sweep(engine)
    assert (row.status, row.answer["canceled"]) == (200, 1)
    assert row.answer["results"][0]["status"] == "canceled" and row.decided_seq
    assert Order.objects.filter(status="new").count() == 1


def test_a_place_it_overtook_is_recorded_and_refused_and_a_later_one_taken(engine: Any) -> None:
    sweep(engine)
    assert late(engine) == "SWEPT"
    assert Order.objects.get().reason["code"] == "SWEPT"
    engine.restart()  # the row says it to a successor
    assert late(engine) == "SWEPT"
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


@pytest.mark.parametrize(
    ("filters", "code"), [({"side": "sell"}, ""), ({"side": "buy"}, "SWEPT"), ({"strategy_id": "grid"}, "")]
)
def test_its_filters_hold_for_what_waits_too(engine: Any, filters: dict[str, Any], code: str) -> None:
    sweep(engine, **filters)
    assert late(engine) == code


def test_other_accounts_are_not_swept(engine: Any) -> None:
    sweep(engine)
    assert late(engine, account=engine.cast.others) == ""


def test_a_halt_is_not_undone_for_what_was_placed_before_a_person_resumed(engine: Any) -> None:
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader)
    engine.turn()
    services.set_halt("owner", "", "active", by="a test", owner=engine.cast.trader)
    assert late(engine) == "SWEPT"
    assert late(engine, account=engine.cast.others) == ""
    engine.restart()  # its memory is the row
    assert late(engine) == "SWEPT"
