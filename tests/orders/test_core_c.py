"""The C tests of the core run with the rest, under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "orders" / "core"


@pytest.mark.timeout(300)
def test_the_c_tests_hold_under_the_sanitizers():
    done = subprocess.run(
        ["make", "-s", "-C", str(ROOT / "tests" / "core")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_binding_knows_python_only_the_pool_takes_memory_and_nothing_floats():
    for path in sorted(CORE.glob("*.[ch]")):
        code = re.sub(r"/\*.*?\*/|\"[^\"\n]*\"", "", path.read_text(), flags=re.DOTALL)
        binding = path.name == "module.c" or path.name.startswith("bind")
        assert ("Python.h" in code) == (path.name == "binding.h"), path.name
        if path.name != "pool.c":
            assert not re.search(r"\b(malloc|calloc|realloc|free)\(", code), path.name
        if not binding:
            assert not re.search(r"\b(float|double|clock_gettime|time|rand)\b", code), path.name
