"""The servers and the cast every test may count on.

Without DATABASE_URL and REDIS_URL the tests start an embedded PostgreSQL and Valkey of their own, with the code
`manage.py up` uses, in a short directory that is removed afterwards. Run by several workers (`-n 2`), each worker
has its own PostgreSQL and Valkey: tests flush and kill, and none may see another's.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.test import TransactionTestCase

from terminal.up import places
from terminal.up.child import Child
from terminal.up.postgres import Postgres
from terminal.up.valkey import Valkey
from tests.emptying import empty_tables

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "terminal.settings",
    "SECRET_KEY": "the tests' own key, of no use to anybody else",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "1",
}

_children: list[Child] = []
_made: list[Path] = []

# nothing of a test has to survive a power cut
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def pytest_configure(config: pytest.Config) -> None:
    """Runs before Django reads its settings."""
    if config.option.help:
        return
    given = [name for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)]
    if _hands_out(config):  # a worker that inherited the settings' name would read them before its servers are there
        if given:
            raise pytest.UsageError(
                f"{' and '.join(given)} name one server; several workers need one each: leave out -n"
            )
        return
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not config.option.collectonly and len(given) < 2:
        _start_servers()
    django.setup()
    # a password of the cast need not be slow to guess, and a test may not wait for a thousand empty partitions
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    TransactionTestCase._fixture_teardown = lambda _: empty_tables()  # type: ignore[method-assign]


def _hands_out(config: pytest.Config) -> bool:
    """Whether this process runs no test itself and gives them to workers."""
    return not hasattr(config, "workerinput") and bool(getattr(config.option, "numprocesses", None))


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
