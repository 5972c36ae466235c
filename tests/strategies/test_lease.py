"""Of two strategy hosts one acts."""

from __future__ import annotations

import pytest
from django.db import connection

from strategies.lease import HostLease, LeaseLost
from tests.strategies.stand import Host, PretendEngine, close_klines, make_config, orders_of

pytestmark = pytest.mark.django_db


def let_it_run_out() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE orders_servicelease SET expires_at = clock_timestamp()")


def test_the_second_host_waits():
    first, second = HostLease(), HostLease()
    assert (first.take(), second.take(), first.take()) == (True, False, True)


def test_the_second_host_acts_when_the_lease_ran_out():
    first, second = HostLease(), HostLease()
    first.take()
    let_it_run_out()
    assert second.take()


def test_a_released_lease_is_free_at_once():
    first, second = HostLease(), HostLease()
    first.take()
    first.release()
    assert second.take()


def test_a_dead_process_of_this_machine_is_succeeded_at_once():
    first, second = HostLease(), HostLease()
    first._holder = f"{first._host} {2**22 + 1} 1 0"
    first.take()
    assert second.take()


def test_an_overtaken_host_changes_nothing_more(engine: PretendEngine, host: Host):
    config = make_config()
    close_klines(config, 0, "100")
    run = host.begin(config)
    host.work(run)
    let_it_run_out()
    assert HostLease().take()
    close_klines(config, 1, "100", "98.9")
    with pytest.raises(LeaseLost):
        host.work(run)
    assert orders_of(config) == []
