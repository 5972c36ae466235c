"""A host killed at any step places no level twice and forgets none.

First every single passage of every step in turn, with a host that dies by an exception nobody catches; then real
processes, killed with SIGKILL at each step.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from marketdata import failpoints
from marketdata.models import Kline
from strategies import services
from strategies.models import Intent, Run, StrategyConfig
from tests.strategies.stand import T0, Host, PretendEngine, close_klines, make_config, orders_of

STEPS = tuple(name for name in failpoints.POINTS if name.startswith(("event.", "send.")))
CLOSES = ("100", "100", "98.9", "97.5", "96.9", "97.2", "98.6", "99.1", "97.8", "100.5", "99.4", "98.8")
REFUSES = {4: "TRADING_HALTED"}  # minutes at which the engine refuses
RESTS = {8, 11}  # minutes at which orders rest instead of filling
UNDISTURBED = [
    ("1", "buy", "99", "filled"),
    ("2", "buy", "98", "filled"),
    ("3", "buy", "97", "rejected"),
    ("4", "sell", "99", "filled"),  # level 2 reaches its exit
    ("5", "buy", "98", "canceled"),  # rests, is left behind by the price and withdrawn by wish 7
    ("6", "sell", "100", "filled"),
    ("8", "buy", "99", "canceled"),  # withdrawn by the stop
]


class Killed(BaseException):
    """What a process feels of SIGKILL."""


class Death:
    """Stands where failpoints.reach stands: dies at the passages it is told."""

    def __init__(self, dies: Callable[[int, str], bool]) -> None:
        self.dies = dies
        self.passed = 0

    def __call__(self, step: str) -> None:
        assert step in STEPS
        self.passed += 1
        if self.dies(self.passed, step):
            raise Killed


def live_through(
    host: Host, engine: PretendEngine, config: StrategyConfig, minutes: int = len(CLOSES)
) -> list[tuple[str, str, str, str]]:
    """The whole life of a run, each thing of the world happening once, the host coming back after each death. Its
    orders."""
    Kline.objects.all().delete()
    close_klines(config, 0, CLOSES[0])
    for minute, close in enumerate(CLOSES[:minutes]):
        engine.refuses = REFUSES.get(minute, "")
        engine.fills = minute not in RESTS
        if minute:
            close_klines(config, minute, close)
        until_at_rest(host, config)
    services.stop(config)
    until_at_rest(host, config)
    assert Run.objects.get(config=config, key=Run.objects.latest("pk").key).state == "stopped"
    return orders_of(config)


def until_at_rest(host: Host, config: StrategyConfig) -> None:
    config.refresh_from_db()
    for _ in range(100):
        try:
            run = Run.objects.filter(config=config).first()
            if run is None:
                run = host.begin(config)
            host.work(run)
            return
        except Killed:
            host.crash()
    raise AssertionError("it died a hundred times")


@pytest.mark.timeout(300)
@pytest.mark.django_db
def test_killed_at_every_passage_of_every_step(monkeypatch: pytest.MonkeyPatch, engine: PretendEngine, host: Host):
    """The life up to its eighth minute: a filled buy, a second one, a refused one, a sell; then a stop."""
    counting = Death(lambda passed, step: False)
    monkeypatch.setattr(failpoints, "reach", counting)
    undisturbed = live_through(host, engine, make_config("calm"), minutes=8)
    assert undisturbed == UNDISTURBED[:4]
    for nth in range(1, counting.passed + 1):
        monkeypatch.setattr(failpoints, "reach", Death(lambda passed, step, nth=nth: passed == nth))
        host.crash()
        assert live_through(host, engine, make_config(f"kill-{nth}"), minutes=8) == undisturbed, f"passage {nth}"


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_killed_again_and_again(monkeypatch: pytest.MonkeyPatch, engine: PretendEngine, host: Host, seed: int):
    """The whole life, with orders that rest and are withdrawn, dying at every fifth passage."""
    chance = random.Random(seed)
    monkeypatch.setattr(failpoints, "reach", Death(lambda passed, step: chance.random() < 0.2))
    assert live_through(host, engine, make_config("stormy")) == UNDISTURBED
    assert not Intent.objects.filter(answered_at=None).exists()


@pytest.mark.timeout(240)
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_at_every_step_places_each_level_once():
    """A real process, a real SIGKILL, the rows of a real PostgreSQL; its successor finishes what it began."""
    for step in STEPS:
        die_once(step, 1 if step.startswith("send") else 2)  # the second event is the one that buys


def die_once(step: str, nth: int) -> None:
    """The nth time the worker passes the step is its last."""
    config = make_config(f"{step.replace('.', '-')}-{nth}")
    Kline.objects.all().delete()
    close_klines(config, 0, "100")
    with Worker() as first:
        first.until(lambda: Run.objects.filter(config=config, kline_cursor=T0).exists())
    with Worker(f"{step}*{nth}") as victim:
        close_klines(config, 1, "100", "98.9", "97.9")
        assert victim.process.wait(30) == -signal.SIGKILL, step
    with Worker() as heir:
        heir.until(lambda: [order[3] for order in orders_of(config)] == ["filled"] * 2 and heard_all(config))
    assert orders_of(config) == [("1", "buy", "99", "filled"), ("2", "buy", "98", "filled")], step
    StrategyConfig.objects.filter(pk=config.pk).update(wanted="stopped")
    Run.objects.filter(config=config).update(state="stopped")


def heard_all(config: StrategyConfig) -> bool:
    """The run knows of both fills and of nothing more to come."""
    run = Run.objects.get(config=config)
    held = [level["phase"] for level in run.saved["levels"].values()]
    return held == ["held"] * 2 and not run.intents.filter(ended=False).exists()


class Worker:
    """A strategy worker as a process of its own, on the tests' database."""

    def __init__(self, failpoint: str = "") -> None:
        address = urlsplit(os.environ["DATABASE_URL"])
        url = urlunsplit(address._replace(path="/" + connection.settings_dict["NAME"]))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.strategies.worker"],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "DATABASE_URL": url, "MERIDIAN_FAILPOINT": failpoint},
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait(10)

    def until(self, happened: Callable[[], bool]) -> None:
        """Wait for something in the rows."""
        deadline = time.monotonic() + 30
        while not happened():
            assert self.process.poll() is None, "the worker ended by itself"
            assert time.monotonic() < deadline, "it did not come about within 30 s"
            time.sleep(0.05)
