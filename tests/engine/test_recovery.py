"""A fresh engine is the old one: same orders, holds, positions, balances, to the last unit."""

from __future__ import annotations

import struct
from typing import Any

import psycopg
import pytest

from marketdata import failpoints
from orders._core import REPORT_FORMAT, Core
from orders.engine import journal, recovery
from orders.engine.service import database
from orders.models import Checkpoint, Order


def _trade(engine: Any) -> None:
    engine.ask(engine.place("buy", "0.02"))
    engine.ask(engine.place("buy", "0.01", "50000"))
    engine.ask(engine.place("sell", "0.01", "90000"))
    engine.ask(engine.place("sell", "0.005"))
    engine.ask(engine.place("buy", "500000", instrument=engine.cast.shib))


def test_the_account_half_comes_back_equal_from_the_journal(engine: Any) -> None:
    _trade(engine)
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before


def test_checkpoint_and_tail_equal_the_full_replay(engine: Any) -> None:
    _trade(engine)
    engine.service.checkpointer.start(engine.core, engine.service.chain.seq, engine.service._extra())
    engine.service.checkpointer.wait()
    assert Checkpoint.objects.count() == 1
    _trade(engine)
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before == _replayed()


def test_a_checkpoint_that_dies_in_its_fork_leaves_the_one_before(
    engine: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    service = engine.service
    service.checkpointer.now(engine.core, service.chain.seq, service._extra())
    _trade(engine)
    monkeypatch.setattr(failpoints, "_name", "checkpoint.forked")
    service.checkpointer.start(engine.core, service.chain.seq, service._extra())
    service.checkpointer.wait()
    assert "failed in its fork" in caplog.text
    assert Checkpoint.objects.count() == 1
    before = engine.core.hash()
    engine.restart()
    assert engine.core.hash() == before


def _replayed() -> int:
    core = Core()
    with psycopg.connect(database()) as connection:
        for kind, payload in connection.execute("SELECT kind, payload FROM orders_journal ORDER BY seq"):
            journal.replay(core, kind, bytes(payload))
    return core.hash()


def test_orders_rest_in_the_book_again_and_can_be_canceled(engine: Any) -> None:
    _, order, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    number = Order.objects.get().order_no
    engine.restart()
    assert engine.core.market_order(number)["remaining_lots"] == 1000
    assert engine.ask(engine.cancel(order["id"]))[1]["status"] == "canceled"


def test_the_sequence_of_an_account_goes_on(engine: Any) -> None:
    _, first, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    engine.restart()
    _, second, _ = engine.ask(engine.place("buy", "0.01", "50000"))
    assert second["seq"] == first["seq"] + 1


def test_every_invariant_of_the_core_holds_after_recovery(engine: Any) -> None:
    _trade(engine)
    engine.restart()
    engine.core.verify()


def test_a_journal_of_an_older_layout_is_refused_with_a_sentence_and_stays_as_it_is(engine: Any) -> None:
    _trade(engine)
    older = journal.command_payload(b"", bytes(struct.calcsize(REPORT_FORMAT)))
    with psycopg.connect(database()) as connection:
        connection.execute("SET LOCAL meridian.mend = 'on'")
        chain = journal.Chain()
        rows = connection.execute("SELECT seq, at_ns, kind, payload FROM orders_journal ORDER BY seq").fetchall()
        for seq, at_ns, kind, payload in rows:
            entry = journal.append(chain, at_ns, kind, older if kind == "command" else payload)
            written = (entry.payload, entry.hash, seq)
            connection.execute("UPDATE orders_journal SET payload = %s, hash = %s WHERE seq = %s", written)
        connection.execute("UPDATE orders_lease SET head_seq = 0")
    with (
        psycopg.connect(database()) as connection,
        pytest.raises(recovery.Unreadable, match=r"nothing was changed: .*layout"),
    ):
        recovery.rebuild(connection, Core(), engine.service.shard)
    assert Order.objects.count() == 5
