"""The data directory as other processes see it: `installation.json`, the secret key, one `up` at a time.

Read by settings, so it imports neither Django nor anything heavy.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

NAME = "installation.json"


class CannotStart(Exception):
    """Something the person at the keyboard can mend; the message says what and how."""


def database_url(sockets: Path, name: str = "meridian") -> str:
    """The address of an embedded PostgreSQL. The directory is a parameter, because host names lose their case."""
    return f"postgresql://meridian@/{name}?host={quote(str(sockets), safe='')}"


def redis_url(sockets: Path) -> str:
    """The address of an embedded Valkey."""
    return f"unix://{quote(str(sockets))}/valkey.sock?db=0"


def expected_database_url(data: Path) -> str:
    """Where PostgreSQL would be if `up` ran; connecting to it fails with a message that names the place."""
    return database_url(data / "run")


def expected_redis_url(data: Path) -> str:
    """Where Valkey would be if `up` ran."""
    return redis_url(data / "run")


def read(data: Path) -> dict[str, Any]:
    """What the `up` that runs on `data` wrote; empty when none does."""
    try:
        found = json.loads((data / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(data: Path, facts: dict[str, Any]) -> None:
    """Replace the facts at once, readable by us alone."""
    write_private(data / NAME, json.dumps(facts, indent=1))


def remove(data: Path) -> None:
    """Forget the facts: nothing runs here any more."""
    (data / NAME).unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only we can read, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def demo_part(demo: Path) -> Path:
    """Where the demo's secrets lie until their rows are committed."""
    return demo.with_name(demo.name + ".part")


def secret_key(data: Path) -> str:
    """The installation's own key, or '' before the first start."""
    try:
        return (data / "secret_key").read_text().strip()
    except OSError:
        return ""


def make_secret_key(data: Path) -> None:
    """Make the installation's key at its first start; afterwards keep it, sessions and stored secrets depend on it."""
    if not secret_key(data):
        write_private(data / "secret_key", secrets.token_urlsafe(48) + "\n")


def lock(data: Path) -> IO[str]:
    """Hold the directory until the returned file is closed (or we die). Raises CannotStart when another `up` holds it."""
    held = (data / "up.lock").open("a+")
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        with contextlib.suppress(OSError):
            held.seek(0)
        holder = held.read().strip() or "unknown"
        held.close()
        raise CannotStart(
            f"Meridian already runs on {data} (process {holder}). Nothing was started. "
            "Stop that one first, or give another directory with --data."
        ) from None
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held
