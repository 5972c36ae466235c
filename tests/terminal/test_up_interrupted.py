"""Stopped at any moment of its first start, `up` ends cleanly and the next start is a whole one, demo and all."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import psycopg
import pytest

from tests.terminal.installations import Up, processes_of

STEPS = [
    "PostgreSQL: making its files",
    "database tables",
    "first start: the demo",
    "web, engine, feed",
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("step", STEPS)
def test_a_stop_at_each_stage_of_the_first_start(place: Path, step: str) -> None:
    first = Up(place / "data")
    try:
        first.wait_for(step)
        first.stop(signal.SIGTERM)
        assert "Traceback" not in first.output
        assert processes_of(first.data) == {}
    finally:
        first.kill()
    _is_whole(place / "data")


@pytest.mark.timeout(120)
def test_killed_after_the_demo_was_committed_its_secrets_are_still_told(place: Path) -> None:
    first = Up(place / "data")
    try:
        first.wait_for("Ctrl-C stops it")
        first.stop()
    finally:
        first.kill()
    demo = place / "data" / "demo.json"
    demo.replace(demo.with_name("demo.json.part"))
    _is_whole(place / "data")


@pytest.mark.timeout(120)
def test_killed_while_postgresql_makes_its_files_nothing_half_made_is_taken_for_a_cluster(place: Path) -> None:
    first = Up(place / "data")
    try:
        first.wait_for("PostgreSQL: making its files")
        while not list(place.glob("data/postgres*/PG_VERSION")):
            time.sleep(0.002)
        os.kill(first.process.pid, signal.SIGKILL)
    finally:
        first.kill()
    assert not (place / "data" / "postgres" / "PG_VERSION").exists()
    _is_whole(place / "data")


def _is_whole(data: Path) -> None:
    """It starts, and whoever reads demo.json can log in."""
    again = Up(data)
    try:
        again.wait_for("Ctrl-C stops it")
        demo = json.loads((data / "demo.json").read_text())
        assert f"Log in as {demo['username']} with {demo['password']}" in again.output
        with psycopg.connect(again.facts["database_url"]) as link:
            keys = link.execute("SELECT key FROM orders_apikey").fetchall()
            assert (demo["api_key"],) in keys and (demo["load"]["api_key"],) in keys
            assert link.execute("SELECT count(*) FROM orders_account").fetchone() == (2,)
        again.stop()
    finally:
        again.kill()
