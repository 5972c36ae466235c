"""One writer a shard: its lease is renewed while nothing happens, and whoever was overtaken changes nothing more."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import Any

import psycopg
import pytest

from marketdata import processes
from marketdata.processes import Process
from orders.engine import lease as leases
from orders.engine.service import database
from orders.models import Journal, Lease, Order, Request


def test_an_idle_engine_renews_its_lease_four_times_a_second(engine: Any) -> None:
    engine.run()
    seen = set()
    ends = time.monotonic() + 2
    while time.monotonic() < ends:
        seen.add(Lease.objects.get(shard=0).expires_at)
        time.sleep(0.02)
    engine.end()
    assert 5 <= len(seen) <= 10  # seven or eight, and a slow machine's allowance


def test_an_engine_that_was_overtaken_changes_nothing(engine: Any) -> None:
    before = Journal.objects.count()
    Lease.objects.filter(shard=0).update(epoch=engine.service.lease.epoch + 1)
    with pytest.raises(leases.LeaseLost):
        engine.ask(engine.place("buy", "0.01"))
    assert Journal.objects.count() == before
    assert not Order.objects.exists() and not Request.objects.exists()


def test_a_shard_whose_owner_lives_is_not_given_away(engine: Any) -> None:
    Lease.objects.filter(shard=0).update(holder="another machine", pid=1)
    with psycopg.connect(database(), autocommit=True) as connection:
        candidate = leases.Candidate(0)
        ends = time.monotonic() + 2  # its lease ran out by a clock that jumped, but it is heard of
        while time.monotonic() < ends:
            connection.execute("UPDATE orders_lease SET expires_at = clock_timestamp() - interval '1 hour'")
            assert candidate.take(connection) is None
            time.sleep(0.05)
        taken = _take(candidate, connection)  # now it says no more
    assert taken.epoch == engine.service.lease.epoch + 1 and not taken.clean


def test_what_a_silent_owner_elsewhere_holds_open_is_cut(engine: Any) -> None:
    Lease.objects.filter(shard=0).update(holder="another machine", pid=1)
    with psycopg.connect(database(), autocommit=True) as connection, psycopg.connect(database()) as theirs:
        theirs.execute("SELECT set_config('application_name', 'meridian engine 0', false)")
        theirs.execute("UPDATE orders_lease SET expires_at = clock_timestamp() - interval '1 hour'")
        theirs.commit()
        theirs.execute("SELECT 1 FROM orders_lease FOR UPDATE")  # and stands still in mid-transaction
        assert _take(leases.Candidate(0), connection).epoch == engine.service.lease.epoch + 1
        with pytest.raises(psycopg.OperationalError):
            theirs.execute("SELECT 1")


def test_an_owner_stopped_in_mid_transaction_is_killed_before_it_is_succeeded(engine: Any) -> None:
    owner = subprocess.Popen([sys.executable, "-c", HOLDS, database()], stdout=subprocess.PIPE)
    assert owner.stdout is not None and owner.stdout.readline() == b"held\n"
    it = Process(processes.machine(), owner.pid, processes._stat(owner.pid)[1] or 0)
    assert Lease.objects.filter(shard=0).exists()
    with psycopg.connect(database(), autocommit=True) as connection:
        candidate = leases.Candidate(0)
        owner.send_signal(signal.SIGSTOP)
        candidate._owner = it
        assert it.is_alive and not candidate._watch.is_over(it, 1, False)
        deadline = time.monotonic() + 10
        while not candidate._watch.is_over(it, 1, False):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert it.end() and not it.is_alive
        assert _take(candidate, connection).epoch == engine.service.lease.epoch + 1  # the kill let go of the row
    assert owner.wait(5) == -signal.SIGKILL


HOLDS = """
import sys, time, psycopg
with psycopg.connect(sys.argv[1]) as link:
    link.execute("SELECT 1 FROM orders_lease FOR UPDATE")
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_pid_that_was_used_again_is_nobodys_owner(engine: Any) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Lease.objects.filter(shard=0).update(pid=sleeper.pid, pid_started_ticks=1)
    with psycopg.connect(database(), autocommit=True) as connection:
        assert leases.take(connection, 0) is not None
    assert sleeper.poll() is None  # and nobody innocent is killed
    sleeper.kill()
    sleeper.wait()


def _take(candidate: leases.Candidate, connection: Any) -> leases.Lease:
    deadline = time.monotonic() + 20
    while (taken := candidate.take(connection)) is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return taken
