"""The grid on the real engine and simulator: two workers as `up` starts them, both killed between any two klines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from marketdata.models import Kline
from orders.models import Lease, Order, Position
from strategies import services
from strategies.models import Run, StrategyConfig
from tests.engine import hand

ROOT = Path(__file__).resolve().parents[2]
# The simulated market stands near 64,000, so level 1 (64,035.90) fills at once. What becomes of the wish made while
# the engine is dead is the engine's to say: too old when it comes back, or traded where its market then stands.
CLOSES = ("64100", "64000", "63900", "64140")


class Worker:
    """A service's worker, on the tests' database."""

    def __init__(self, service: str, log: Path) -> None:
        self.service, self.log = service, log.open("ab")
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        address = urlsplit(os.environ["DATABASE_URL"])
        url = urlunsplit(address._replace(path=f"/{connection.settings_dict['NAME']}"))
        words = ["-m", "celery", "-A", "terminal", "worker", "--service", self.service, "-n", f"{self.service}-1@%h"]
        words += [
            "--pool=solo",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
            "-Q",
            f"ctl.{self.service}-1",
        ]
        self.child = subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, env={**os.environ, "DATABASE_URL": url}, stdout=self.log, stderr=self.log,
            start_new_session=True,
        )  # fmt: skip

    def kill(self) -> None:
        if self.child is not None:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
            self.child = None


@pytest.fixture
def cast(transactional_db: None) -> Iterator[Any]:
    hand.clean()
    yield hand.seed()
    hand.clean()


@pytest.fixture
def workers(cast: Any, tmp_path: Path) -> Iterator[list[Worker]]:
    made = [Worker("engine", tmp_path / "engine.log"), Worker("strategies", tmp_path / "strategies.log")]
    yield made
    for worker in made:
        worker.kill()


def until(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def orders() -> list[Order]:
    return sorted(Order.objects.filter(strategy_id="real"), key=lambda row: int(row.request_id.split(":")[1]))


@pytest.mark.timeout(180)
def test_it_trades_through_the_same_door_as_everybody_whoever_dies(cast: Any, workers: list[Worker]):
    engine, strategies = workers
    config = StrategyConfig.objects.create(
        owner=cast.trader, slug="real", account=cast.account, instrument=cast.btc,
        parameters={"step": "0.1", "quantity": "0.001"},
    )  # fmt: skip
    services.start(config)
    engine.start()
    strategies.start()
    until("the engine is ready", lambda: Lease.objects.filter(ready=True).exists())
    until("the run has begun", lambda: Run.objects.exclude(kline_cursor=None).exists())
    first = Run.objects.get().kline_cursor + timedelta(minutes=1)
    for minute, close in enumerate(CLOSES):
        price = dict.fromkeys(("open", "high", "low", "close"), Decimal(close))
        at = first + timedelta(minutes=minute)
        Kline.objects.create(instrument=cast.btc, interval="1m", open_time=at, volume=1, **price)
        if minute == 2:
            engine.kill()  # the level is wished while nobody takes orders
        until(f"{close} was seen", lambda at=at: Run.objects.get().kline_cursor == at)
        strategies.kill()
        if minute == 2:
            engine.start()
        strategies.start()
        until("everything wished was answered", lambda: not Run.objects.get().intents.filter(answered_at=None).exists())
    services.stop(config)
    until("the run has ended", lambda: Run.objects.get().state == "stopped")
    run, found = Run.objects.get(), orders()
    assert (found[0].side, found[0].price, found[0].status) == ("buy", Decimal("64035.9"), "filled")
    assert [row.request_id for row in found] == [wish.request_id for wish in run.intents.filter(kind="place")]
    bought = [row.price for row in found if row.side == "buy" and row.status != "rejected"]
    assert len(bought) == len(set(bought)), "a level was bought twice"
    assert all(row.status in ("filled", "canceled", "rejected") for row in found)
    held = sum(row.filled_quantity if row.side == "buy" else -row.filled_quantity for row in found)
    assert held == Position.objects.get(strategy_id="real").quantity == Decimal(run.position["quantity"])
