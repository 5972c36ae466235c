"""An owner and a standby, once for all faults of a file."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

HAND, HARNESS = "tests.engine.hand", "tests.failover.harness"  # by name: this file is read before Django is set up


@pytest.fixture(scope="module")
def transactional_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The database for a whole file, not for one test: its engines live as long."""
    with django_db_blocker.unblock():
        yield


@pytest.fixture(scope="module")
def cast(transactional_db: None) -> Iterator[Any]:
    """The cast of the engine's tests, for a whole file."""
    hand = import_module(HAND)
    hand.clean()
    yield hand.seed()
    hand.clean()


@pytest.fixture(scope="module")
def engines(cast: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two engine processes; one of them owns the shard."""
    harness = import_module(HARNESS)
    harness.caller.default.cache_clear()
    made = harness.Engines(tmp_path_factory.mktemp("failover") / "engines.log")
    made.wait_until_ready()
    yield made
    made.end()
    harness.caller.default.cache_clear()
