"""The pretended engine and a host, for tests of hosted strategies."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

# By name: this file is read before Django is set up, and the stand needs its models.
STAND = "tests.strategies.stand"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Stands where orders.services stands."""
    pretended = import_module(STAND).PretendEngine()
    monkeypatch.setattr("strategies.sending.services", pretended)
    return pretended


@pytest.fixture
def host() -> Any:
    """A strategy host's process."""
    return import_module(STAND).Host()
