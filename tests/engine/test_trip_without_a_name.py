"""What the core halted is halted after a restart too, although the thing it halted has no name here."""

from __future__ import annotations

from typing import Any

import pytest

from orders import services
from orders._core import HALT_ACTIVE, HALT_HALTED, SCOPE_STRATEGY
from orders.engine import trips
from orders.models import Halt

PLACE = (SCOPE_STRATEGY, 2**63 + 12345)


def test_it_is_a_row_with_the_cores_number_until_a_person_resumes(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [trips.Trip(1, 0, PLACE[1], PLACE[0], "REPEATED_EXECUTION", HALT_HALTED, 20, 21)]
    monkeypatch.setattr(trips, "taken", lambda _: [found.pop()] if found else [])
    engine.turn()
    row = Halt.objects.get()
    assert (row.scope, row.key, row.owner, row.state) == ("strategy", f"#{PLACE[1]}", None, "halted")
    assert (row.code, row.limit, row.value) == ("REPEATED_EXECUTION", 20, 21)
    engine.restart()
    assert engine.service.world.halts[PLACE] == HALT_HALTED
    services.set_halt("strategy", row.key, "active", by="a test")
    engine.turn()
    assert engine.service.world.halts.get(PLACE, HALT_ACTIVE) == HALT_ACTIVE
