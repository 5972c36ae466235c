"""The audit is a chain: whoever changes, swaps, removes or forges a line of it is found, and told by what they did."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, connection, transaction

from orders.audit import heads, lines, verify
from orders.models import Audit, AuditWaiting, ChainHead

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(settings: Any, tmp_path: Path) -> Path:
    """An audit of ten lines, signed with a key of its own; where that lies."""
    settings.AUDIT_KEY_FILE = str(tmp_path / "audit.key")
    heads.make_key()
    sql("SET LOCAL meridian.mend = 'on'")
    for table in (Audit, AuditWaiting, ChainHead):
        table.objects.all().delete()
    with connection.cursor() as cursor:
        lines.set_head(cursor, heads.sign(heads.AUDIT, 0, b""))
    for number in range(10):
        lines.note("test.act", actor="ann", target=f"thing {number}", number=number, text='ü "quoted"', yes=True)
    return tmp_path / "audit.key"


def sql(statement: str, *parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def found() -> str:
    """What a walk says; '' when everything holds."""
    walked = verify.audit(lambda at, goal: None)
    return str(walked.broken or "")


def swap(one: int, other: int) -> None:
    for seq, becomes in ((one, -1), (other, one), (-1, other)):
        sql("UPDATE orders_audit SET seq = %s WHERE seq = %s", becomes, seq)


def shorten(seq: int) -> None:
    """Take the last lines away, and make the head fit, as somebody without the key would."""
    sql("DELETE FROM orders_audit WHERE seq > %s", seq)
    row = Audit.objects.get(seq=seq)
    sql("UPDATE orders_chainhead SET seq = %s, hash = %s", seq, bytes(row.hash))


def test_an_untouched_audit_holds(chain: Path) -> None:
    assert found() == ""
    walked = verify.audit(lambda at, goal: None)
    assert (walked.entries, walked.last) == (10, 10)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda: sql("UPDATE orders_audit SET target = 'thing X' WHERE seq = 4"), "orders_audit, seq 4: its bytes are not"),
        (lambda: sql("UPDATE orders_audit SET at = at + interval '1 microsecond' WHERE seq = 4"), "orders_audit, seq 4: its bytes are not"),
        (lambda: sql("UPDATE orders_audit SET detail = '{\"number\": 7}' WHERE seq = 4"), "seq 4: its bytes are not"),
        (lambda: sql("UPDATE orders_audit SET actor = 'bob' WHERE seq = 10"), "seq 10: it is the last row, and its bytes"),
        (lambda: sql("UPDATE orders_audit SET hash = sha256(hash), actor = 'bob' WHERE seq = 4"), "seq 4: it does not follow"),
        (lambda: sql("DELETE FROM orders_audit WHERE seq = 5"), "seq 5: 1 row is missing before 6"),
        (lambda: sql("DELETE FROM orders_audit WHERE seq < 4"), "seq 1: the chain begins at 4"),
        (lambda: sql("DELETE FROM orders_audit WHERE seq > 7"), "seq 8: the chain ends at 7 and its head says 10: the last 3"),
        (lambda: swap(3, 8), "orders_audit, seq 3: it was swapped with seq 8"),
        (lambda: sql("DELETE FROM orders_chainhead"), "orders_chainhead: the head of audit is missing"),
(lambda: shorten(7), "orders_chainhead: the head at 7 was replaced: its signature is not right"),
        (lambda: sql("UPDATE orders_chainhead SET mac = ''"), "the head at 10 is not signed"),
        (lambda: sql("UPDATE orders_chainhead SET mac = set_byte(mac, 20, 255 - get_byte(mac, 20))"), "was replaced"),
        (lambda: (sql("DELETE FROM orders_audit"), sql("DELETE FROM orders_chainhead"))[0], "the head of audit is missing"),
    ],
)  # fmt: skip
def test_each_damage_is_told_by_its_own_sentence(chain: Path, damage: Callable[[], None], sentence: str) -> None:
    damage()
    assert sentence in found()


def test_a_missing_key_and_another_key_are_told_apart(chain: Path) -> None:
    chain.rename(chain.with_suffix(".away"))
    assert "audit.key is missing, so no head can be checked" in found()
    heads.make_key()
    assert "was signed with another key" in found()
    chain.with_suffix(".away").rename(chain)
    assert found() == ""


def test_who_lost_the_key_signs_anew_and_the_audit_says_so(chain: Path) -> None:
    chain.unlink()
    call_command("verify_audit", sign_anew=True)
    assert found() == ""
    assert "audit.key is missing" in Audit.objects.get(action="audit.signed.anew").detail["was"][0]
    sql("SET LOCAL meridian.mend = 'on'")
    sql("DELETE FROM orders_audit WHERE seq = 5")
    with pytest.raises(CommandError, match="Nothing was signed"):
        call_command("verify_audit", sign_anew=True)


def test_the_command_ends_with_the_first_broken_row(chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")
    assert "audit: 10 entries hold, up to 10." in capsys.readouterr().out
    sql("UPDATE orders_audit SET actor = 'bob' WHERE seq = 4")
    with pytest.raises(CommandError, match="The first: orders_audit, seq 4: its bytes are not") as failed:
        call_command("verify_audit")
    assert failed.value.returncode == 1


def test_nothing_is_chained_on_a_forgery(chain: Path) -> None:
    shorten(7)
    lines.note("test.act", actor="ann", target="after")
    assert AuditWaiting.objects.filter(target="after").exists()
    assert "was replaced" in found()


def test_an_audit_that_was_emptied_says_that_it_begins_anew(chain: Path) -> None:
    sql("DELETE FROM orders_audit")
    ChainHead.objects.all().delete()
    lines.note("test.act", actor="ann")
    assert "seq 1: the audit begins anew here" in found()


def test_the_database_refuses_to_change_a_line(chain: Path) -> None:
    sql("SET LOCAL meridian.mend = 'off'")
    for statement in ("UPDATE orders_audit SET actor = 'bob' WHERE seq = 4", "DELETE FROM orders_audit WHERE seq = 4"):
        with pytest.raises(Error, match="only added to"), transaction.atomic():
            sql(statement)


def test_a_users_role_and_password_leave_lines_by_whatever_way_they_change(chain: Path, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("carl", password="a long password for tests")
    user.is_staff = True
    user.save()
    django_user_model.objects.filter(pk=user.pk).update(last_login="2026-01-01T00:00Z")  # of no interest
    lines.note("test.act", actor="ann")
    told = list(Audit.objects.filter(target="carl").order_by("seq").values_list("action", "detail"))
    assert [action for action, _ in told] == ["user.create", "user.change"]
    assert told[1][1] == {"is_staff": True}


@pytest.mark.django_db(transaction=True)
def test_a_line_never_waits_for_one_that_is_being_written() -> None:
    """A transaction that holds the chain's lock does not hold up a second one, whose line is chained after it."""
    lines.note("test.first", actor="ann")
    held, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                lines.note("test.slow", actor="ann")
                held.set()
                go_on.wait(30)
        finally:
            connection.close()

    slow = threading.Thread(target=hold)
    slow.start()
    assert held.wait(30)
    lines.note("test.quick", actor="bob")
    assert AuditWaiting.objects.get().action == "test.quick"
    go_on.set()
    slow.join()
    lines.note("test.last", actor="bob")
    told = list(Audit.objects.filter(action__startswith="test.").order_by("seq").values_list("action", flat=True))
    assert told == ["test.first", "test.slow", "test.quick", "test.last"]
    assert AuditWaiting.objects.count() == 0
