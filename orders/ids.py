"""Identities made by us. Pure: the same input gives the same id, on every machine and at every replay."""

from __future__ import annotations

import hashlib
import uuid

_NO_BITS = 62
_SHARD_BITS = 12
_LEG_BITS = 2
_LEG_AT = (
    61  # where the core marks the number of an order that follows another: bit 61 its stop loss, bit 62 its take profit
)
TAKE_PROFIT, STOP_LOSS = 1 << 62, 1 << 61
LEGS = {TAKE_PROFIT: "tp", STOP_LOSS: "sl"}


def leg_of(order_no: int) -> int:
    """TAKE_PROFIT or STOP_LOSS for an order that follows another's fills; 0 for one that somebody placed."""
    return order_no & (TAKE_PROFIT | STOP_LOSS)


def leg_request_id(leg: int, parent: uuid.UUID) -> str:
    """The request_id of an order nobody placed: `~` stands in nobody's, so it meets none of theirs."""
    return f"{LEGS[leg]}~{parent}"


def order_uuid(at_ns: int, shard: int, order_no: int) -> uuid.UUID:
    """Our `id` of an order: ordered by time, unique because `order_no` is unique in its shard (RFC 9562 version 8).

    A leg has its mark two bits lower, where there is room for it and no journal number ever comes.
    """
    at_ms = at_ns // 1_000_000
    number = order_no & (1 << _LEG_AT) - 1 | order_no >> _LEG_AT << _NO_BITS - _LEG_BITS
    return uuid.UUID(
        int=(at_ms & (1 << 48) - 1) << 80
        | 0x8 << 76
        | (shard & (1 << _SHARD_BITS) - 1) << 64
        | 0b10 << _NO_BITS
        | number & (1 << _NO_BITS) - 1
    )


def fill_uuid(account_id: int, instrument_id: int, exchange_trade_id: str, order_no: int) -> uuid.UUID:
    """A fill's id: the same execution has the same id however often and by whatever way it is told."""
    text = f"{account_id}|{instrument_id}|{exchange_trade_id}|{order_no}"
    return uuid.UUID(bytes=hashlib.blake2b(text.encode(), digest_size=16).digest(), version=5)


def strategy_key(owner_id: int, strategy_id: str) -> int:
    """The core's 64-bit key of a strategy; 0 for orders by hand."""
    if not strategy_id:
        return 0
    digest = hashlib.blake2b(f"{owner_id}:{strategy_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") or 1


def body_hash(*parts: object) -> bytes:
    """What was asked, as 16 bytes: a request_id used again with other parts is refused."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).digest()
