"""Key files: 32 random bytes a line, in base64, outside the database, readable by us alone."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

KEY_BYTES = 32
ID_BYTES = 4


class NotAKeyFile(Exception):
    """The file is there, and holds something else; the message names it."""


def make(path: Path) -> Path:
    """The key file, made with 256 random bits if there is none; two processes at once agree on one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        try:
            with suppress(FileExistsError):  # another process was first: its key is the key
                os.link(draft, path)
        finally:
            os.unlink(draft)
    return path


def read(path: Path) -> list[tuple[bytes, bytes]]:
    """The keys of the file as (id, key): the first is used, all are known, so a new one can be put in front."""
    return _parsed(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _parsed(path: Path, _changed_ns: int) -> list[tuple[bytes, bytes]]:
    try:
        keys = [base64.b64decode(line, validate=True) for line in path.read_bytes().split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise NotAKeyFile(f"{path} is not a key file: it must hold base64 of {KEY_BYTES} bytes, one key a line.")
    return [(blake2b(key, digest_size=ID_BYTES).digest(), key) for key in keys]
