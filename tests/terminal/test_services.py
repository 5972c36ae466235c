"""The long-lived services: started by a worker, alive in the heartbeat table, and dead with their process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from marketdata.models import Heartbeat
from marketdata.service import Service
from terminal.service_step import shard_of

ROOT = Path(__file__).resolve().parents[2]
DYING = """
import django
django.setup()
from marketdata.service import Service
class Dying(Service):
    name = "dying"
    def run(self):
        {body}
service = Dying()
service.start()
service.stopping.wait(20)
"""


class Patient(Service):
    name = "patient"

    def run(self) -> None:
        self.stopping.wait()

    def detail(self) -> dict[str, object]:
        return {"waits": True}


@pytest.mark.parametrize(("body", "said"), [("1 / 0", "dying-1 failed"), ("pass", "ended without being asked to")])
def test_a_service_that_ends_takes_its_process_with_it(body: str, said: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", DYING.format(body=body)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 1
    assert said in ran.stderr


@pytest.mark.django_db(transaction=True)
def test_a_service_says_every_second_that_it_lives() -> None:
    service = Patient(shard=2)
    service.start()
    try:
        service._heart.join(1.5)
        beat = Heartbeat.objects.get(process="patient-3")
        assert (beat.service, beat.detail) == ("patient", {"waits": True})
    finally:
        service.stop()
        service._heart.join(3)
    assert not service._thread.is_alive()


def test_the_node_name_says_the_shard() -> None:
    assert shard_of("engine-2@host") == 1
    with pytest.raises(ValueError, match="named <service>-<n>@<host>"):
        shard_of("celery@host")
