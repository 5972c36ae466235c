"""`up` starts everything, keeps it running, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from terminal.up import valkey
from tests.terminal.installations import Up, processes_of


def _start(data: Path) -> Iterator[Up]:
    started = Up(data)
    started.wait_for("Ctrl-C stops it")
    yield started
    started.kill()


@pytest.fixture
def up(place: Path) -> Iterator[Up]:
    """One of its own, for a test that stops it."""
    yield from _start(place / "data")


@pytest.fixture(scope="module")
def running(lasting_place: Path) -> Iterator[Up]:
    """One for all tests that leave it running."""
    yield from _start(lasting_place / "data")


def _until(true: object, limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not true():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_it_stops_within_ten_seconds_and_leaves_no_process(up: Up) -> None:
    assert len(processes_of(up.data)) >= 5
    took = up.stop(signal.SIGINT)
    assert took < 10
    assert processes_of(up.data) == {}
    assert not (up.data / "installation.json").exists()
    assert "deaf-1 did not stop in time" in up.output


def test_the_next_start_finds_its_data(up: Up) -> None:
    facts = up.facts
    with psycopg.connect(facts["database_url"]) as link:
        link.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    redis.Redis.from_url(facts["redis_url"]).set("kept", "42")
    key = (up.data / "secret_key").read_text()
    up.stop()

    again = Up(up.data)
    try:
        again.wait_for("Ctrl-C stops it")
        with psycopg.connect(again.facts["database_url"]) as link:
            assert link.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert redis.Redis.from_url(again.facts["redis_url"]).get("kept") == b"42"
        assert (up.data / "secret_key").read_text() == key
    finally:
        again.kill()


@pytest.mark.parametrize("name", ["worker-1", "web", "valkey", "postgres"])
def test_a_killed_process_is_started_again_at_once(running: Up, name: str) -> None:
    killed = running.pid(name)
    os.kill(killed, signal.SIGKILL)
    _until(lambda: running.pid(name) != killed, limit_s=4)
    assert running.process.poll() is None
    _until(lambda: _postgresql_answers(running) and valkey.answers(running.facts["redis_url"]))


def _postgresql_answers(up: Up) -> bool:
    try:
        psycopg.connect(up.facts["database_url"]).close()
        return True
    except psycopg.OperationalError:
        return False


def test_its_children_die_with_it(up: Up) -> None:
    up.process.kill()
    _until(lambda: processes_of(up.data) == {}, limit_s=8)

    again = Up(up.data)
    try:
        again.wait_for("Ctrl-C stops it")
    finally:
        again.kill()


def test_the_servers_keep_what_they_confirm(running: Up) -> None:
    with psycopg.connect(running.facts["database_url"]) as link:
        shown = {name: link.execute(f"SHOW {name}").fetchone() for name in ("fsync", "synchronous_commit", "TimeZone")}
    assert shown == {"fsync": ("on",), "synchronous_commit": ("on",), "TimeZone": ("UTC",)}
    client = redis.Redis.from_url(running.facts["redis_url"], decode_responses=True)
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_nobody_else_can_read_its_secrets_or_open_its_sockets(running: Up) -> None:
    for name in ("secret_key", "installation.json"):
        assert (running.data / name).stat().st_mode & 0o077 == 0
    for name in ("log", "run", "postgres", "valkey"):
        assert (running.data / name).stat().st_mode & 0o077 == 0
