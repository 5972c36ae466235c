"""A page starts the process's market mirror; its threads must not outlive the test's database."""

from __future__ import annotations

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def ended_mirror() -> Iterator[None]:
    """Stops the mirror a test started."""
    from marketdata.mirror import default_mirror

    yield
    if default_mirror.cache_info().currsize:
        default_mirror().stop()
        default_mirror.cache_clear()
