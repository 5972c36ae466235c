"""An installation without a row, for the paper exchange of a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import pytest


@pytest.fixture
def empty(transactional_db: None) -> Iterator[None]:
    """Every table empty before and after."""
    hand = import_module("tests.engine.hand")  # by name: this file is read before Django is set up
    hand.clean()
    yield
    hand.clean()
