"""`manage.py flatten`: in a process of its own, with the bus down and no engine alive, until the account is flat."""

from __future__ import annotations

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from marketdata.precision import decimal_text
from orders import services
from orders.models import Lease, Order, Position, UrgentCommand

ROOT = Path(__file__).resolve().parents[2]


def hold(engine: Any) -> None:
    assert engine.ask(engine.place("buy", "0.5"))[0] == 201
    assert engine.ask(engine.place("sell", "0.1", strategy_id="grid"))[0] == 201
    assert engine.ask(engine.place("buy", "0.01", "50000"))[0] == 201


def die(engine: Any) -> None:
    """As if its process were gone: nobody renews the lease."""
    engine.crash()
    Lease.objects.update(pid=None, ready=False)


def flatten(*words: str) -> subprocess.CompletedProcess[str]:
    """The command, with a bus at which nobody listens."""
    url = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(url._replace(path=f"/{connection.settings_dict['NAME']}"))
    env = os.environ | {"DATABASE_URL": database, "REDIS_URL": "redis://127.0.0.1:1/0"}
    command = [sys.executable, "manage.py", "flatten", *words]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.timeout(120)
def test_with_no_bus_and_no_engine_it_is_the_engine_until_flat_and_lets_go(engine: Any) -> None:
    hold(engine)
    services.set_halt("owner", "", "halted", by="a test", owner=engine.cast.trader)
    die(engine)
    done = flatten("--account", "trader")
    assert done.returncode == 0, done.stderr
    assert "trader is flat" in done.stdout and "1 orders canceled, 2 market orders" in done.stdout
    assert not Position.objects.exclude(quantity=0).exists() and not Order.objects.filter(status="new").exists()
    epoch = Lease.objects.get().epoch
    engine.start()  # whoever comes next need not wait, and finds rows and core alike
    assert Lease.objects.get().epoch == epoch + 1
    assert engine.ask(engine.place("buy", "0.01", "50000"))[1]["code"] == "TRADING_HALTED"


def test_a_dry_run_says_what_would_be_done_and_changes_nothing(engine: Any) -> None:
    hold(engine)
    said = StringIO()
    call_command("flatten", "--account", "trader", "--dry-run", stdout=said)
    text = said.getvalue()
    assert "cancel 1 open order\n" in text and "buy 0.01 BTC/USDT at 50000" in text
    bought = decimal_text(Position.objects.get(strategy_id="").quantity)
    assert f"sell {bought} sim BTC/USDT" in text and "buy 0.1 sim BTC/USDT at the market for strategy grid" in text
    assert not UrgentCommand.objects.exists() and Order.objects.filter(status="new").exists()


def test_an_engine_that_lives_does_it(engine: Any) -> None:
    hold(engine)
    engine.run()
    said = StringIO()
    call_command("flatten", "--account", "trader", stdout=said)
    engine.end()
    assert "trader is flat" in said.getvalue() and "taking its place" not in said.getvalue()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [(("--account", "nobody"), "no account nobody"), (("--account", "trader", "--emergency"), "no such keys")],
)
def test_what_cannot_be_done_is_said_in_a_sentence(money: Any, words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("flatten", *words)
