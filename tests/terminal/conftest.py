"""A place for installations: short, and one that the servers' user can reach (pytest's own directory is 0700)."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _place() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="meridian-up-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


place = pytest.fixture(_place)
lasting_place = pytest.fixture(_place, scope="module")
