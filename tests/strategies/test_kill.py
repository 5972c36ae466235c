"""A host killed at any step places no level twice and forgets none.

First every single passage of every step in turn, with a host that dies by an exception nobody catches; then real processes, killed
with SIGKILL at each step.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from strategies import failpoints, services
from marketdata.models import Kline
from strategies.models import Intent, Run, StrategyConfig
from tests.strategies.stand import Host, PretendEngine, close_klines, make_config, orders_of

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
        assert step in failpoints.STEPS
        self.passed += 1
        if self.dies(self.passed, step):
            raise Killed


def live_through(host: Host, engine: PretendEngine, config: StrategyConfig) -> list[tuple[str, str, str, str]]:
    """The whole life of a run, each thing of the world happening once, the host coming back after each death. Its orders."""
    Kline.objects.all().delete()
    close_klines(config, 0, CLOSES[0])
    for minute, close in enumerate(CLOSES):
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


@pytest.mark.django_db
def test_killed_at_every_passage_of_every_step(monkeypatch: pytest.MonkeyPatch, engine: PretendEngine, host: Host):
    counting = Death(lambda passed, step: False)
    monkeypatch.setattr(failpoints, "reach", counting)
    assert live_through(host, engine, make_config("calm")) == UNDISTURBED
    for nth in range(1, counting.passed + 1):
        monkeypatch.setattr(failpoints, "reach", Death(lambda passed, step, nth=nth: passed == nth))
        host.crash()
        assert live_through(host, engine, make_config(f"kill-{nth}")) == UNDISTURBED, f"passage {nth}"


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(8))
def test_killed_again_and_again(monkeypatch: pytest.MonkeyPatch, engine: PretendEngine, host: Host, seed: int):
    chance = random.Random(seed)
    monkeypatch.setattr(failpoints, "reach", Death(lambda passed, step: chance.random() < 0.2))
    host.crash()
    assert live_through(host, engine, make_config("stormy")) == UNDISTURBED
    assert not Intent.objects.filter(answered_at=None).exists()
