"""Each planted fault (planted_faults.py) is noticed by the test named for it, and the same tests pass without it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.planted_faults import FAULTS, Fault

ROOT = Path(__file__).parents[1]
CORE = ROOT / "orders" / "core"
FLAGS = ["-std=c11", "-O1", "-fPIC", f"-I{sysconfig.get_path('include')}"]
# Puts another core where `orders._core` is looked for, then runs the tests named, without servers.
RUNNER = """
import importlib.util, sys
from importlib.machinery import ExtensionFileLoader
loader = ExtensionFileLoader("orders._core", sys.argv[1])
core = importlib.util.module_from_spec(importlib.util.spec_from_loader("orders._core", loader))
sys.modules["orders._core"] = core
loader.exec_module(core)
import orders
orders._core = core
import pytest
sys.exit(pytest.main(["-q", "-x", "--noconftest", "-p", "no:cacheprovider", "-p", "no:django", *sys.argv[2:]]))
"""


def compiler() -> str:
    return os.environ.get("CC", "cc")


def compiled(source: Path, into: Path) -> Path:
    made = into / f"{source.stem}.o"
    words = [compiler(), *FLAGS, f"-I{CORE}", "-c", str(source), "-o", str(made)]
    subprocess.run(words, check=True, capture_output=True, text=True)
    return made


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The core as it is, compiled once."""
    into = tmp_path_factory.mktemp("core")
    sources = sorted(CORE.glob("*.c"))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = dict(
            zip((source.name for source in sources), pool.map(lambda one: compiled(one, into), sources), strict=True)
        )
    yield made
    shutil.rmtree(into, ignore_errors=True)


def outcome(objects: dict[str, Path], into: Path, tests: list[str]) -> subprocess.CompletedProcess[str]:
    core = into / "_core.so"
    subprocess.run(
        [compiler(), "-shared", *map(str, objects.values()), "-o", str(core)], check=True, capture_output=True
    )
    words = [sys.executable, "-c", RUNNER, str(core), *tests]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=100)


def test_without_a_fault_the_named_tests_pass(objects: dict[str, Path], tmp_path: Path) -> None:
    done = outcome(objects, tmp_path, sorted({fault.caught_by for fault in FAULTS}))
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.family)
def test_a_planted_fault_is_caught(fault: Fault, objects: dict[str, Path], tmp_path: Path) -> None:
    text = (CORE / fault.file).read_text()
    assert text.count(fault.old) == 1, (
        f"{fault.file} no longer says {fault.old!r} once: plant another fault of this family"
    )
    source = tmp_path / fault.file
    source.write_text(text.replace(fault.old, fault.new))
    planted = objects | {fault.file: compiled(source, tmp_path)}
    done = outcome(planted, tmp_path, [fault.caught_by])
    assert done.returncode == 1, (
        f"{fault.says}, and {fault.caught_by} did not notice\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    )


def test_every_family_of_invariants_of_the_core_has_its_fault() -> None:
    assert len(FAULTS) >= 10
    assert len({fault.family for fault in FAULTS}) == len(FAULTS)
