"""What one transaction will write, and what will be said once it is durable."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from orders.engine.journal import Entry
from orders.engine.orders import LiveOrder

Key = tuple[int, int]


@dataclass(slots=True)
class Batch:
    """Rows of one transaction, in the order they came to be; nothing of it is told before the commit."""

    at_ns: int
    at: datetime
    journal: list[Entry] = field(default_factory=list)
    requests: list[tuple[Any, ...]] = field(default_factory=list)
    reports: list[tuple[Any, ...]] = field(default_factory=list)
    fills: list[tuple[Any, ...]] = field(default_factory=list)
    ledger: list[tuple[Any, ...]] = field(default_factory=list)
    touched: dict[int, LiveOrder] = field(default_factory=dict)
    balances: dict[Key, tuple[Any, ...]] = field(default_factory=dict)
    positions: dict[tuple[int, int, str], tuple[Any, ...]] = field(default_factory=dict)
    fundings: list[tuple[int, int | None, str]] = field(default_factory=list)
    equity: list[tuple[Any, ...]] = field(default_factory=list)
    replies: dict[str, list[tuple[int, int, dict[str, str], bytes]]] = field(default_factory=dict)
    news: list[tuple[int, int, bytes]] = field(default_factory=list)
    pictures: dict[int, bytes] = field(default_factory=dict)  # orders as their newest reports here show them

    def __bool__(self) -> bool:
        """Whether there is anything to make durable (a lease is renewed without)."""
        return bool(self.journal or self.requests or self.equity or self.fundings)

    def answer(
        self, reply_to: str, reply_id: int, status: int, body: Any, headers: dict[str, str] | None = None
    ) -> None:
        """Say this to whoever asked, once it is durable."""
        if reply_to:
            raw = body if isinstance(body, bytes) else dumps(body)
            self.replies.setdefault(reply_to, []).append((reply_id, status, headers or {}, raw))

    def report(
        self, account_id: int, owner_id: int, seq: int, journal_seq: int, kind: str, exec_type: str,
        order_uuid: uuid.UUID | None, payload: dict[str, Any] | bytes,
    ) -> None:  # fmt: skip
        """One entry of the account channel: a row of the outbox, and news of it."""
        raw = payload if isinstance(payload, bytes) else dumps(payload)
        self.reports.append((account_id, owner_id, seq, journal_seq, self.at_ns, kind, exec_type, order_uuid, raw))
        self.news.append((account_id, seq, raw))


dumps = msgspec.json.Encoder().encode  # compact JSON
