"""The servers and the cast every test may count on.

Without DATABASE_URL and REDIS_URL the tests start an embedded PostgreSQL and Valkey of their own, with the code
`manage.py up` uses, in a short directory that is removed afterwards.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import django
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "terminal.settings")
os.environ.setdefault("SECRET_KEY", "the tests' own key, of no use to anybody else")
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")

from terminal.up import places
from terminal.up.child import Child
from terminal.up.postgres import Postgres
from terminal.up.valkey import Valkey

_children: list[Child] = []
_made: list[Path] = []

# nothing of a test has to survive a power cut
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_configure(config: pytest.Config) -> None:
    """Runs before Django reads its settings."""
    if config.option.help:
        return
    if not config.option.collectonly and not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
        _start_servers()
    django.setup()


def _start_servers() -> None:
    data = Path(tempfile.mkdtemp(prefix="meridian-test-", dir="/tmp"))
    _made.append(data)
    data.chmod(0o711)  # as root the servers are another user's
    os.environ["DATA"] = str(data)
    here = places.prepare(data)
    servers: list[Postgres | Valkey] = []
    if not os.environ.get("DATABASE_URL"):
        servers.append(Postgres(here, settings=QUICK))
        os.environ["DATABASE_URL"] = servers[-1].url
    if not os.environ.get("REDIS_URL"):
        servers.append(Valkey(here))
        os.environ["REDIS_URL"] = servers[-1].url
    for server in servers:
        server.prepare()
        child = server.child()
        child.start()
        _children.append(child)
    deadline = time.monotonic() + 20
    while not all(server.answers() for server in servers):
        if time.monotonic() > deadline:
            raise pytest.UsageError(f"The tests' own PostgreSQL and Valkey did not start; see {here.log}")
        time.sleep(0.02)


def pytest_unconfigure(config: pytest.Config) -> None:
    for child in reversed(_children):
        child.ask_to_stop()
        child.make_stop(time.monotonic() + 5)
    _children.clear()
    for data in _made:
        shutil.rmtree(data, ignore_errors=True)
    _made.clear()
