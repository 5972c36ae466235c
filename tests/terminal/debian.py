"""Debian's own PostgreSQL and Redis, started for a test in a directory of their own: the oldest releases we promise to run on."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from terminal.up import places, valkey
from terminal.up.child import Child
from terminal.up.installation import database_url
from tests.terminal.installations import free_port

POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
REDIS = shutil.which("redis-server")
MISSING = "" if POSTGRES and REDIS else "Debian's postgresql and redis-server are not installed (.ci/run installs them)"


@contextmanager
def servers(place: Path) -> Iterator[tuple[str, str]]:
    """Their addresses, as DATABASE_URL and REDIS_URL."""
    found = places.prepare(place / "debian")
    user = found.user
    subprocess.run(
        [
            str(POSTGRES[0].with_name("initdb")),
            "-D",
            str(found.postgres),
            "-U",
            "meridian",
            "--auth=trust",
            "-E",
            "UTF8",
        ],
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        cwd=found.postgres,
        capture_output=True,
        check=True,
    )
    port = free_port()
    postgres = Child(
        name="debian-postgres",
        argv=[
            str(POSTGRES[0]),
            "-D",
            str(found.postgres),
            "-c",
            f"unix_socket_directories={found.sockets}",
            "-c",
            "listen_addresses=",
            "-c",
            "fsync=off",
        ],
        log=found.log / "postgres.log",
        cwd=found.postgres,
        user=user,
    )
    redis = Child(
        name="debian-redis",
        argv=[str(REDIS), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(found.valkey), "--save", ""],
        log=found.log / "redis.log",
        cwd=found.valkey,
        user=user,
    )
    children = [postgres, redis]
    try:
        for child in children:
            child.start()
        bus = f"redis://127.0.0.1:{port}/0"
        # succeeds once: when the server answers
        create = [str(POSTGRES[0].with_name("createdb")), "-h", str(found.sockets), "-U", "meridian", "meridian"]
        deadline = time.monotonic() + 20
        while subprocess.run(create, capture_output=True, cwd="/", check=False).returncode:
            assert time.monotonic() < deadline, "\n".join(postgres.tail())
            time.sleep(0.1)
        while not valkey.answers(bus):
            assert time.monotonic() < deadline, "\n".join(redis.tail())
            time.sleep(0.1)
        yield database_url(found.sockets), bus
    finally:
        for child in children:
            child.make_stop(0)
