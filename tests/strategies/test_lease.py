"""Of two strategy hosts one acts."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from django.db import connection

from marketdata import processes
from marketdata.processes import Process
from strategies.lease import HostLease, LeaseLost
from tests.strategies.stand import Host, PretendEngine, close_klines, make_config, orders_of

pytestmark = pytest.mark.django_db


def let_it_go() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE marketdata_servicelease SET expires_at = clock_timestamp(), pid = NULL")


def let_it_run_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE marketdata_servicelease SET expires_at = clock_timestamp() - interval '1 hour'")


def test_the_second_host_waits():
    first, second = HostLease(), HostLease()
    assert (first.take(), second.take(), first.take()) == (True, False, True)


def test_the_second_host_acts_when_the_lease_ran_out():
    first, second = HostLease(), HostLease()
    first.take()
    let_it_run_out()
    assert not second.take()  # a clock may have jumped: it had no time yet to say that it lives
    deadline = time.monotonic() + 10
    while not second.take():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_clock_that_jumps_takes_the_lease_from_nobody_who_lives():
    first, second = HostLease(), HostLease()
    ends = time.monotonic() + 2
    while time.monotonic() < ends:
        assert first.take()
        let_it_run_out()
        assert not second.take()
        time.sleep(0.05)


def test_a_released_lease_is_free_at_once():
    first, second = HostLease(), HostLease()
    first.take()
    first.release()
    assert second.take()


def test_a_dead_process_of_this_machine_is_succeeded_at_once():
    first, second = HostLease(), HostLease()
    first.me = Process(processes.machine(), 2**22 + 1, 1)
    first.take()
    assert second.take()


def test_an_overtaken_host_changes_nothing_more(engine: PretendEngine, host: Host):
    config = make_config()
    close_klines(config, 0, "100")
    run = host.begin(config)
    host.work(run)
    let_it_go()
    assert HostLease().take()
    close_klines(config, 1, "100", "98.9")
    with pytest.raises(LeaseLost):
        host.work(run)
    assert orders_of(config) == []


def test_a_stopped_holder_of_this_machine_is_killed_and_succeeded():
    first, second = HostLease(), HostLease()
    holder = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    first.me = Process(processes.machine(), holder.pid, processes._stat(holder.pid)[1] or 0)
    assert first.take() and not second.take()
    holder.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 10
    while not second.take():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert holder.wait(5) == -signal.SIGKILL
