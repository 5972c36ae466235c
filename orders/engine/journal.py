"""The journal: everything that changed the core's account half, in order, each entry chained to the one before.

Kinds: `command` (the command as it came, and the reports it made), `market` (reports the market half made by itself),
`told` (what the engine told the core: specs, accounts, limits, halts, postings), `epoch` (a new owner).
"""

from __future__ import annotations

import hashlib
import json
import struct
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from orders._core import SCOPE_ACCOUNT, Core

COMMAND = "command"
MARKET = "market"
TOLD = "told"
EPOCH = "epoch"

_NUMBERS = {COMMAND: 1, MARKET: 2, TOLD: 3, EPOCH: 4}
_PLACE = struct.Struct(">qqB").pack
_pack = msgspec.msgpack.Encoder().encode
_unpack_command: msgspec.msgpack.Decoder[tuple[bytes, bytes]] = msgspec.msgpack.Decoder(tuple[bytes, bytes])


@dataclass(slots=True)
class Chain:
    """Where the journal of a shard stands: the newest seq and its hash."""

    seq: int = 0
    hash: bytes = b""


class Entry(NamedTuple):
    """One journal row. `hash` = BLAKE2b-256 over the previous hash and what is stored: seq, at_ns, kind, payload."""

    seq: int
    at_ns: int
    kind: str
    payload: bytes
    hash: bytes


def append(chain: Chain, at_ns: int, kind: str, payload: bytes) -> Entry:
    """The next entry; moves the chain."""
    chain.seq += 1
    chain.hash = link(chain.hash, chain.seq, at_ns, kind, payload)
    return Entry(chain.seq, at_ns, kind, payload, chain.hash)


def link(before: bytes, seq: int, at_ns: int, kind: str, payload: bytes) -> bytes:
    """The hash of an entry that follows the one with the hash `before`."""
    return hashlib.blake2b(before + _PLACE(seq, at_ns, _NUMBERS[kind]) + payload, digest_size=32).digest()


def holds(before: bytes, seq: int, at_ns: int, kind: str, payload: bytes, stored: bytes) -> bool:
    """Whether an entry is the one that was chained here. Before 0.3.0 the payload alone was."""
    if kind not in _NUMBERS:
        return False
    if link(before, seq, at_ns, kind, payload) == stored:
        return True
    return hashlib.blake2b(before + payload, digest_size=32).digest() == stored


def command_payload(command: bytes, reports: bytes) -> bytes:
    """A command with what the core made of it."""
    return _pack((command, reports))


def told_payload(method: str, arguments: list[int], words: dict[str, Any]) -> bytes:
    """A call of the core, as JSON: amounts pass 64 bits."""
    return json.dumps([method, arguments, words], separators=(",", ":")).encode()


def _in_todays_words(method: str, arguments: list[int], words: dict[str, Any]) -> tuple[str, list[int], dict[str, Any]]:
    """A journal is kept for ever: calls as they were made before limits had scopes."""
    if method in ("set_limits", "clear_limits") and len(arguments) == 1:
        arguments = [SCOPE_ACCOUNT, *arguments]
    if "self_trade_allowed" in words:
        words["self_trade"] = 0 if words.pop("self_trade_allowed") else 1
    return method, arguments, words


def replay(core: Core, kind: str, payload: bytes) -> tuple[str, list[int]] | None:
    """Do to the core what this entry did; the call of a `told` entry, for whoever keeps count."""
    if kind == COMMAND:
        reports = _unpack_command.decode(payload)[1]
        if reports:
            core.apply(reports)
    elif kind == MARKET:
        core.apply(payload)
    elif kind == TOLD:
        method, arguments, words = _in_todays_words(*json.loads(payload))
        getattr(core, method)(*arguments, **words)
        return method, arguments
    return None
