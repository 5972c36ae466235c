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


@pytest.fixture
def live(engine: Any) -> Iterator[Any]:
    """The engine runs in its thread, reading its stream."""
    caller = import_module("orders.caller")
    engine.run()
    caller.default.cache_clear()
    yield engine
    engine.end()
    caller.default.cache_clear()
    import_module("django.db").connection.close()


@pytest.fixture
def trader_key(money: Any) -> str:
    """A key of the trader's that may be named in a body."""
    key, _ = import_module("orders.keys").create(money.trader, scopes=["read", "trade"], paper_only=True)
    return str(key.key)
