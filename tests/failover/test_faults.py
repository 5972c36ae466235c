"""A fault in mid-load: trading again within 5 s, nothing acknowledged lost, nothing done twice, every 504 ends found or not."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import psycopg
import pytest

from marketdata import bus
from orders.engine.service import database
from orders.models import Lease
from tests.failover import harness
from tests.failover.harness import Engines, Load

pytestmark = pytest.mark.timeout(120)
AGAIN_S, CANCEL_S = 5.0, 3.0
SLOW = float(os.environ.get("SLOW_MACHINE", "3"))  # a busy machine's allowance; the figures are printed
loads: list[Load] = []


def _through(cast: Any, engines: Engines, name: str, fault: Any) -> None:
    epoch = engines.wait_until_ready()
    load = Load(cast.trader, name).start()
    loads.append(load)
    try:
        load.wait_for(100)
        fault()
        since = time.monotonic()
        again, cancel = load.wait_again("place", since), load.wait_again("cancel", since)
    finally:
        load.stop()
    print(f"\n{name}: trading again after {again:.2f} s, cancel accepted after {cancel:.2f} s, epoch {epoch} -> "
          f"{Lease.objects.get(shard=0).epoch}, {len(load.told)} answers")  # fmt: skip
    assert again < AGAIN_S * SLOW and cancel < CANCEL_S * SLOW
    harness.check(load)


def test_killed(cast: Any, engines: Engines) -> None:
    _through(cast, engines, "kill", lambda: engines.signal(signal.SIGKILL))


def test_stopped_and_woken_the_old_owner_writes_nothing(cast: Any, engines: Engines) -> None:
    pid = engines.owner()
    _through(cast, engines, "stop", lambda: engines.signal(signal.SIGSTOP))
    assert engines.owner() != pid
    with pytest.raises(ProcessLookupError):  # it was killed before it was succeeded, so there is nobody to wake
        os.kill(pid, signal.SIGCONT)


def test_its_session_cut(cast: Any, engines: Engines) -> None:
    def cut() -> None:
        with psycopg.connect(database(), autocommit=True) as link:
            link.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'meridian engine 0'"
            )

    _through(cast, engines, "terminate", cut)


def test_the_bus_flushed(cast: Any, engines: Engines) -> None:
    pid = engines.owner()
    _through(cast, engines, "flush", lambda: bus.default()._redis.flushall())
    assert engines.owner() == pid  # the bus is a doorbell: nobody dies of it


def test_what_was_never_answered_is_found_or_never_will_be(engines: Engines) -> None:
    waiting = harness.unresolved(loads)
    harness.wait_until_final(waiting)
    final = harness.found(waiting)
    time.sleep(1)
    assert harness.found(waiting) == final
    assert harness.seqs_have_no_gap()
