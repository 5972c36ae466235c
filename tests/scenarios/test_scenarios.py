"""Every scenario gives the tables in its text, at the oracle, in the core, and on the paper exchange."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.core_house import CoreHouse
from tests.scenarios.oracle_house import OracleHouse
from tests.scenarios.reading import START_NS, Expect, Scenario, Time, read
from tests.scenarios.tables import House, table

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.txt"))
MS = 1_000_000


def _name(path: Path) -> str:
    return path.stem


def live(scenario: Scenario, house: House) -> None:
    now = START_NS
    for step in scenario.steps:
        where = f"{scenario.name}.txt:{step.line}"
        if isinstance(step.do, Expect):
            shown = table(house, scenario, step.do)
            assert shown == list(step.do.lines), f"{where}: {step.text}\n  " + "\n  ".join(shown)
        else:
            now = step.do.ns if isinstance(step.do, Time) else now + MS
            assert house.take(step, now) == step.refused, f"{where}: {step.text}"


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_the_oracle_gives_the_tables(path: Path) -> None:
    live(scenario := read(path), OracleHouse(scenario))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_the_core_gives_the_tables(path: Path) -> None:
    house = CoreHouse(scenario := read(path))
    live(scenario, house)
    house.core.verify()


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_the_paper_exchange_gives_the_tables(path: Path, empty: None, monkeypatch: Any) -> None:
    scenario = read(path)
    house = import_module("tests.scenarios.paper_house").PaperHouse(scenario, monkeypatch)
    try:
        live(scenario, house)
        house.agrees()
    finally:
        house.close()


def test_there_are_enough_of_them_and_each_says_what_it_is_about() -> None:
    assert len(FILES) >= 25
    assert [path.name for path in FILES if not path.read_text().startswith("#")] == []
