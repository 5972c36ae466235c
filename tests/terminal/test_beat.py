"""Two beats may run: one acts, the other takes over, and what is due once a day is sent once."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from celery.schedules import crontab
from django.db import connection

from marketdata import clock
from marketdata.leases import LeaseLost
from marketdata.models import BeatSlot
from terminal.beat import LeasedScheduler
from terminal.celery import app

pytestmark = pytest.mark.django_db(transaction=True)
DAILY = {"task": "a.day", "schedule": crontab(minute="*")}
OFTEN = {"task": "a.second", "schedule": 1.0}


class Beat(LeasedScheduler):
    """Writes down what it would send."""

    def setup_schedule(self) -> None:
        self.sent: list[str] = []
        self.update_from_dict({"daily": DAILY, "often": OFTEN})

    def apply_async(self, entry: Any, **_: Any) -> None:  # type: ignore[override]
        self.sent.append(entry.name)


def _for(seconds: float, *beats: Beat) -> None:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        for beat in beats:
            beat.tick()
        time.sleep(0.02)


def test_of_two_one_acts_and_the_other_takes_over_when_it_lets_go() -> None:
    first, second = Beat(app), Beat(app)
    _for(2.5, first, second)
    assert first.sent.count("often") >= 2 and second.sent == []
    first.close()
    _for(2.5, second)
    assert second.sent.count("often") >= 2


def test_one_that_was_overtaken_ends() -> None:
    first = Beat(app)
    first.tick()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE marketdata_servicelease SET epoch = epoch + 1")
    first._renew_ns = 0
    with pytest.raises(LeaseLost):
        first.tick()
    assert first.sent == []


def test_what_is_due_once_is_sent_once_by_whomever() -> None:
    first, second = Beat(app), Beat(app)
    entry = first.schedule["daily"]
    first.apply_entry(entry)
    second.apply_entry(entry)
    assert len(set(BeatSlot.objects.values_list("slot"))) == BeatSlot.objects.count() == len(first.sent + second.sent)


def test_a_clock_that_goes_back_repeats_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first = Beat(app)
    at = clock.now()
    monkeypatch.setattr(clock, "now", lambda: at)
    first.apply_entry(first.schedule["daily"])
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=1))
    first.apply_entry(first.schedule["daily"])
    monkeypatch.setattr(clock, "now", lambda: at)
    first.apply_entry(first.schedule["daily"])
    assert first.sent == ["daily", "daily"]


def test_a_new_one_goes_on_where_the_last_stopped() -> None:
    slot = clock.now().replace(second=0, microsecond=0) - timedelta(days=3)
    BeatSlot.objects.create(name="daily", slot=slot)
    beat = Beat(app)
    beat.tick()
    assert "daily" in beat.sent  # it is behind, so it is sent at once, and once
    beat.tick()
    assert beat.sent.count("daily") == 1
