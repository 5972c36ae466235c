"""An engine one can drive by hand: the real core, simulator and ledger on real PostgreSQL and Valkey, one command at a time."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

HAND = "tests.engine.hand"  # by name: this file is read before Django is set up


@pytest.fixture
def money(transactional_db: None) -> Iterator[Any]:
    """A clean database with one simulated exchange, a trader's account, and a second trader's."""
    hand = import_module(HAND)
    hand.clean()
    yield hand.seed()
    hand.clean()


@pytest.fixture
def engine(money: Any) -> Iterator[Any]:
    """A recovered engine that owns shard 0, driven by hand."""
    made = import_module(HAND).Engine(money)
    yield made
    made.close()
