"""The whole product, as a stranger meets it: `manage.py up`, an order, a crash, a stop, a second start."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.terminal import debian
from tests.terminal.installations import Up, environment, free_port, processes_of

pytestmark = pytest.mark.timeout(240)
SECOND_START_S = 30.0
NAMES = {"web", "engine-1", "standby-1", "feed-1", "strategies-1", "tasks-1", "beat"}


def _up(data: Path, **env: str) -> Up:
    port = free_port()
    argv = [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(data)]
    return Up(data, argv=argv, env=environment(**env), port=port)


def _ask(up: Up, path: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{up.port}{path}", data, {"Content-Type": "application/json", **headers}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def _order(up: Up, request_id: str) -> tuple[int, Any]:
    """The seed system's own example: TKO/IDR, 30 at 920, with its key in the body."""
    demo = json.loads((up.data / "demo.json").read_text())
    order = {
        "symbol": "TKO_IDR",
        "exchange": "tokocrypto",
        "side": "BUY",
        "type": "LIMIT",
        "price": "920",
        "quantity": "30",
    }
    return _ask(up, "/api/v1/orders", {**order, "request_id": request_id, "api_key": demo["api_key"]})


@pytest.fixture(params=["embedded", "debian"])
def servers(request: pytest.FixtureRequest, place: Path) -> Iterator[dict[str, str]]:
    """The environment that names the servers: none, or Debian's."""
    if request.param == "embedded":
        yield {}
        return
    if debian.MISSING:
        pytest.skip(debian.MISSING)
    with debian.servers(place) as (database, bus):
        yield {"DATABASE_URL": database, "REDIS_URL": bus}


def test_from_the_first_start_to_the_second(place: Path, servers: dict[str, str]) -> None:
    data = place / "data"
    up = _up(data, **servers)
    try:
        up.wait_for("Ctrl-C stops it", limit_s=120)
        assert set(up.facts["processes"]) == NAMES | (set() if servers else {"postgres", "valkey"})

        demo = json.loads((data / "demo.json").read_text())
        assert (data / "demo.json").stat().st_mode & 0o777 == 0o600
        assert demo["url"] == f"http://127.0.0.1:{up.port}"
        assert f"Log in as {demo['username']} with {demo['password']}" in up.output

        # ready means that an order is taken, at once
        assert _ask(up, "/readyz") == (200, {"ready": True, "reason": ""})
        status, order = _order(up, "first")
        assert status == 201, order

        # a killed engine comes back and knows the order
        os.kill(up.pid("engine-1"), signal.SIGKILL)
        _until(lambda: _ask(up, "/readyz")[0] == 200 and _order(up, "second")[0] in {200, 201})
        assert _order(up, "first")[0] == 200

        up.stop(signal.SIGINT)
        assert processes_of(data) == {}
    finally:
        up.kill()

    began = time.monotonic()
    again = _up(data, **servers)
    try:
        again.wait_for("Ctrl-C stops it", limit_s=60)
        assert time.monotonic() - began < SECOND_START_S
        assert "first start" not in again.output
        assert _order(again, "first")[0] == 200
        assert json.loads((data / "demo.json").read_text())["url"] == f"http://127.0.0.1:{again.port}"
        with psycopg.connect(again.facts["database_url"]) as link:
            assert link.execute(
                "SELECT count(*) FROM orders_order WHERE request_id IN ('first', 'second')"
            ).fetchone() == (2,)
        again.stop()
        assert processes_of(data) == {}
    finally:
        again.kill()


def _until(true: Any, limit_s: float = 60) -> None:
    deadline = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
