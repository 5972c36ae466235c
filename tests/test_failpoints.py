"""Every point at which a process can be let die is listed, placed once in the code, and each stage of an order's way has some."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from marketdata import failpoints

ROOT = Path(__file__).resolve().parents[1]
APPS = ("marketdata", "orders", "strategies", "terminal")
WITHOUT_POINTS = {"P6", "P7", "P8"}  # sending to an exchange, its answer, the answer's transaction: no gateway yet
NOT_OF_AN_ORDER = ("checkpoint.", "recovery.", "event.", "send.")  # an engine's and a strategy's own steps
OF_THE_CORE = {"core.fills"}  # in match.c
TWICE = {
    "event.written",  # a run's beginning is an event as well
    "event.committed",
    "door.admitted",  # a batch is admitted as one order is
    "caller.adds",  # doors in an event loop have a way of their own to the bus
    "caller.added",
    "engine.written",  # a transaction may have no new rows, only changed ones
}


def placed() -> Counter[str]:
    """The names given to reach() in the code."""
    found: Counter[str] = Counter()
    for path in (file for app in APPS for file in (ROOT / app).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.reach":
                found[ast.literal_eval(node.args[0])] += 1
    return found


def test_the_list_and_the_code_name_the_same_points() -> None:
    counted = placed()
    assert set(counted) | OF_THE_CORE == set(failpoints.POINTS)
    assert {name for name, count in counted.items() if count > 1} == TWICE


def test_every_stage_of_an_orders_way_has_a_point() -> None:
    assert list(failpoints.STAGES) == [f"P{number}" for number in range(1, 13)]
    assert {stage for stage, names in failpoints.STAGES.items() if not names} == WITHOUT_POINTS
    in_stages = {name for names in failpoints.STAGES.values() for name in names}
    assert in_stages == {name for name in failpoints.POINTS if not name.startswith(NOT_OF_AN_ORDER)}


def test_the_page_about_the_flow_names_the_same_stages() -> None:
    page = (ROOT / "docs" / "flow.md").read_text()
    named = re.findall(r"^\| (P\d+) \|.*\|(.*)\|$", page, re.MULTILINE)
    assert {stage: tuple(re.findall(r"`([a-z.]+)`", names)) for stage, names in named} == failpoints.STAGES


@pytest.mark.parametrize(
    ("asked", "status"), [("engine.read*3", -9), ("engine.read*3:SEGV", -11), ("engine.told", 0), ("", 0)]
)
def test_a_process_dies_at_the_time_it_was_told_and_only_there(asked: str, status: int) -> None:
    lines = "from marketdata import failpoints\nfor _ in range(3): failpoints.reach('engine.read'); print('passed', flush=True)"
    done = subprocess.run(
        [sys.executable, "-c", lines],
        env={"MERIDIAN_FAILPOINT": asked, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status
    assert done.stdout.count("passed") == (2 if status else 3)
