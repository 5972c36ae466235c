"""Heads: how far a chain goes, signed with a key outside the database, so that nobody shortens or rebuilds a chain unseen.

The key lies in `AUDIT_KEY_FILE` (DATA/audit.key), mode 0600, made at the first migration. A missing one is never made again
by itself: what an older key signed could not be told from what somebody else wrote.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from django.conf import settings

from orders import keyfile

AUDIT = "audit"
_MAC_BYTES = 32


class KeyMissing(Exception):
    """Heads cannot be signed or checked; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest entry of a chain: its number, its hash, and the signature over both."""

    chain: str
    seq: int
    hash: bytes
    mac: bytes


def journal(shard: int) -> str:
    """What the chain of a shard's journal is called in its head."""
    return f"journal.{shard}"


def key_file() -> Path:
    """Where the key that signs heads lies: AUDIT_KEY_FILE, else DATA/audit.key."""
    named = str(settings.AUDIT_KEY_FILE or "")
    return Path(named) if named else Path(settings.DATA) / "audit.key"


def sign(chain: str, seq: int, link: bytes) -> Head:
    """The head, signed with the newest key. Raises KeyMissing."""
    key_id, key = _keys()[0]
    return Head(chain, seq, link, key_id + _mac(key, chain, seq, link))


def wrong(head: Head) -> str:
    """What is wrong with a head's signature; '' when it is right."""
    if not head.mac:
        return f"the head at {head.seq} is not signed: somebody took the signature away"
    try:
        known = dict(_keys())
    except KeyMissing as missing:
        return str(missing)
    key = known.get(head.mac[: keyfile.ID_BYTES])
    if key is None:
        return (
            f"the head at {head.seq} was signed with another key ({head.mac[: keyfile.ID_BYTES].hex()}) than "
            f"{key_file()} holds; put the right file back from your backup"
        )
    right = hmac.compare_digest(head.mac[keyfile.ID_BYTES :], _mac(key, head.chain, head.seq, head.hash))
    return "" if right else f"the head at {head.seq} was replaced: its signature is not right"


def forged(head: Head) -> bool:
    """Whether a signature is there, of a key we have, and not right. What cannot be checked is not called forged."""
    try:
        known = dict(_keys())
    except KeyMissing:
        return False
    return head.mac[: keyfile.ID_BYTES] in known and bool(wrong(head))


def make_key() -> None:
    """At the first start; afterwards the file is kept."""
    keyfile.make(key_file())


def _keys() -> list[tuple[bytes, bytes]]:
    path = key_file()
    try:
        return keyfile.read(path)
    except FileNotFoundError:
        raise KeyMissing(f"{path} is missing, so no head can be checked; put it back from your backup") from None
    except (OSError, keyfile.NotAKeyFile) as error:
        raise KeyMissing(f"no head can be checked: {error}") from None


def _mac(key: bytes, chain: str, seq: int, link: bytes) -> bytes:
    return blake2b(b"%s|%d|%s" % (chain.encode(), seq, link), key=key, digest_size=_MAC_BYTES).digest()
