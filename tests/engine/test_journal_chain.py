"""The journal is a chain with a signed head: an engine refuses one that was damaged, cuts one that was torn, and says which row."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction

from marketdata import clock, partitions
from orders.audit import anchors, heads, verify
from orders.engine import journal
from orders.engine.tail import Damaged
from orders.models import Anchor, Audit, Checkpoint, Journal, Lease


def sql(statement: str, *parameters: Any) -> None:
    """As somebody who went round the guard."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL meridian.mend = 'on'")
        cursor.execute(statement, parameters)


def found() -> str:
    return str(verify.journal_of(0, lambda at, goal: None).broken or "")


def trade(engine: Any, times: int = 3) -> int:
    """Some orders, and the transaction after them that signs the head; the last entry's number."""
    for _ in range(times):
        assert engine.ask(engine.place("buy", "0.01"))[0] == 201
    engine.turn()
    engine.turn()
    return Journal.objects.latest("seq").seq


def test_what_an_engine_writes_holds_and_its_head_is_signed_by_the_next_transaction(engine: Any) -> None:
    trade(engine)
    walked = verify.journal_of(0, lambda at, goal: None)
    assert (walked.broken, walked.entries) == (None, walked.last)
    lease = Lease.objects.get()
    assert lease.head_seq >= walked.last - 2
    assert heads.wrong(heads.Head("journal.0", lease.head_seq, bytes(lease.head_hash), bytes(lease.head_mac))) == ""


DAMAGES = {
    "UPDATE orders_journal SET payload = set_byte(payload, 3, 255 - get_byte(payload, 3))": "its bytes are not those",
    "UPDATE orders_journal SET kind = 'told'": "its bytes are not those that were chained",
    "UPDATE orders_journal SET at_ns = at_ns + 1": "its bytes are not those that were chained",
    "UPDATE orders_journal SET at = at - interval '1 microsecond'": "its time was changed",
    "UPDATE orders_journal SET epoch = 0": "its epoch was changed",
    "UPDATE orders_journal SET hash = sha256(hash)": "it does not follow from the row before it",
    "DELETE FROM orders_journal": "1 row is missing before",
}


def test_an_engine_refuses_a_journal_damaged_in_the_middle(engine: Any) -> None:
    trade(engine)
    engine.crash()
    row = Journal.objects.filter(kind="command").earliest("seq")
    for damage, what in DAMAGES.items():
        sql(f"{damage} WHERE seq = %s", row.seq)
        assert f"orders_journal, seq {row.seq}: {what}" in found(), damage
        if "SET at " not in damage and "epoch" not in damage:  # columns nobody acts upon
            with pytest.raises(Damaged, match=f"entry {row.seq} does not follow"):
                engine.start()
            engine.crash()
        sql("DELETE FROM orders_journal WHERE seq = %s", row.seq)
        row.save(force_insert=True)
    engine.start()


def test_an_engine_refuses_a_journal_whose_end_was_removed(engine: Any) -> None:
    last = trade(engine)
    engine.crash()
    head = Lease.objects.get().head_seq
    sql("DELETE FROM orders_journal WHERE seq > %s", last - 4)
    assert f"the chain ends at {last - 4} and its head says {head}" in found()
    with pytest.raises(Damaged, match="its end was removed"):
        engine.start()


def test_an_engine_refuses_a_forged_head_and_goes_on_without_a_key(engine: Any, settings: Any, tmp_path: Any) -> None:
    trade(engine)
    engine.crash()
    kept = settings.AUDIT_KEY_FILE
    settings.AUDIT_KEY_FILE = str(tmp_path / "none.key")
    assert "is missing, so no head can be checked" in found()
    engine.start()
    engine.crash()
    settings.AUDIT_KEY_FILE = kept
    assert found() == ""
    Lease.objects.update(head_hash=b"x" * 32)
    assert "head" in found()
    with pytest.raises(Damaged, match="was replaced"):
        engine.start()


def test_a_torn_end_of_which_nothing_came_is_cut(engine: Any) -> None:
    last = trade(engine)
    engine.crash()
    half = (last + 1, clock.now(), clock.now_ns(), b"half of a last write", b"\0" * 32)
    sql(
        "INSERT INTO orders_journal (seq, shard, epoch, at, at_ns, kind, payload, hash) VALUES (%s, 0, 1, %s, %s, 'market', %s, %s)",
        *half,
    )
    assert f"seq {last + 1}" in found()
    engine.start()
    assert found() == ""
    assert Audit.objects.filter(action="journal.cut", detail__after_seq=last).exists()
    assert engine.ask(engine.place("buy", "0.01"))[0] == 201


def test_a_broken_end_that_orders_came_of_is_damage(engine: Any) -> None:
    head = trade(engine)
    for _ in range(2):
        assert engine.ask(engine.place("buy", "0.01"))[0] == 201  # the second one's entry is beyond every head
    engine.crash()
    last = Journal.objects.latest("seq").seq
    assert head <= Lease.objects.get().head_seq < last
    sql("UPDATE orders_journal SET hash = sha256(hash) WHERE seq = %s", last)
    with pytest.raises(Damaged, match="other rows came of it"):
        engine.start()


def test_the_database_refuses_to_change_the_journal_in_every_month_of_it(engine: Any) -> None:
    month = partitions.partition_name("orders_journal", clock.now().date())
    for table in ("orders_journal", month):
        with pytest.raises(Error, match="only added to"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET kind = 'told'")  # noqa: S608


def test_a_dropped_month_leaves_an_anchor_that_the_rest_hangs_on(
    engine: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(anchors.CannotDrop, match="would read at a start"):
        anchors.drop(partitions.partition_name("orders_journal", clock.now().date()), "a test")
    trade(engine)
    engine.crash()
    kept = Journal.objects.latest("seq").seq
    Checkpoint.objects.create(shard=0, seq=kept, at=clock.now(), core_hash="", state=engine.core.checkpoint())
    cut = kept - 3
    into_an_older_month(cut)
    assert found() == ""
    call_command("drop_journal", before="2020-02")
    assert f"orders_journal_y2020m01 is gone: journal.0 1-{cut}." in capsys.readouterr().out
    assert (Journal.objects.earliest("seq").seq, Anchor.objects.get().last_seq, found()) == (cut + 1, cut, "")
    sql("UPDATE orders_anchor SET hash = sha256(hash)")
    assert f"orders_anchor, seq {cut}: the anchor at {cut} was replaced" in found()
    sql("DELETE FROM orders_anchor")
    assert f"the chain begins at {cut + 1} and no anchor tells" in found()


def into_an_older_month(upto: int) -> None:
    """The first entries as if they had been made in January 2020: the chain made again over their new times."""
    partitions.ensure_months("orders_journal", date(2020, 1, 1), date(2020, 1, 1))
    before, at_ns = b"", 1_577_900_000_000_000_000
    for row in Journal.objects.order_by("seq"):
        if row.seq <= upto:
            row.at_ns, row.at = at_ns, clock.from_ns(at_ns)
        before = journal.link(before, row.seq, row.at_ns, row.kind, bytes(row.payload))
        sql(
            "UPDATE orders_journal SET at_ns = %s, at = %s, hash = %s WHERE seq = %s",
            row.at_ns,
            row.at,
            before,
            row.seq,
        )
    head = heads.sign("journal.0", Journal.objects.latest("seq").seq, before)
    Lease.objects.update(head_seq=head.seq, head_hash=head.hash, head_mac=head.mac)


def test_a_journal_of_before_its_numbers_were_chained_holds(engine: Any) -> None:
    stored = journal.hashlib.blake2b(b"before" + b"payload", digest_size=32).digest()
    assert journal.holds(b"before", 7, 1, "told", b"payload", stored)
    assert not journal.holds(b"before", 7, 1, "told", b"payloaD", stored)


def test_the_command_names_both_chains(engine: Any, capsys: pytest.CaptureFixture[str]) -> None:
    trade(engine)
    with pytest.raises(CommandError):  # the tests' database lost its first audit's head to a TRUNCATE, and that is told
        call_command("verify_audit")
    said = capsys.readouterr()
    assert "journal.0: " in said.out
    assert "audit" in said.err
