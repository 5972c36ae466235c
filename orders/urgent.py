"""The urgent road, from the doors' side: a row and a ring, then a look whether it is decided. Needs nothing but PostgreSQL."""

from __future__ import annotations

import json
import threading
from typing import Any

import msgspec
from django.db import connection, transaction

from marketdata import clock
from orders import messages
from orders.audit import lines
from orders.messages import Reply
from orders.models import Account, UrgentCommand

CHANNEL = "urgent"
WAIT_S = 3.0
LOOK_S = 0.02
KINDS = {messages.CancelAll: "cancel_all", messages.Flatten: "flatten"}

_encode = msgspec.json.Encoder().encode
_pause = threading.Event()  # never set: a bounded rest between two looks


def ask(
    command: messages.CancelAll | messages.Flatten, shard: int, by: str, account: Account | None = None
) -> UrgentCommand:
    """Write the command down and ring. From here on it is durable, and some engine decides it once."""
    with transaction.atomic():
        row = UrgentCommand.objects.create(
            owner_id=command.owner_id, account=account, shard=shard, kind=KINDS[type(command)], actor=by[:96],
            payload=messages.encode(command),
        )  # fmt: skip
        lines.note(
            f"{row.kind}.asked", actor=by, target=f"account:{account.name}" if account else "", owner_id=command.owner_id,
            urgent=row.pk,
        )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(shard)])
    return row


def flatten(account: Account, by: str) -> UrgentCommand:
    """Ask to flatten an account; while one is under way, that one."""
    under_way = UrgentCommand.objects.filter(account=account, kind="flatten", decided_seq=None).first()
    if under_way is not None:
        return under_way
    return ask(messages.Flatten(owner_id=account.owner_id, account_id=account.pk), account.owner.shard, by, account)


def wait(row: UrgentCommand, seconds: float = WAIT_S) -> UrgentCommand:
    """The row once it is decided, or as it is when the time is over."""
    until_ns = clock.monotonic_ns() + int(seconds * 1e9)
    row.refresh_from_db()
    while row.decided_seq is None and clock.monotonic_ns() < until_ns:
        _pause.wait(LOOK_S)
        row.refresh_from_db()
    return row


def reply(row: UrgentCommand) -> Reply:
    """What the doors answer: the decision, or 202 with where to look it up."""
    if row.decided_seq is None:
        return Reply(202, {}, _encode(shape(row)))
    body = shape(row) if row.kind == "flatten" and row.status == 200 else row.answer
    return Reply(row.status or 200, {}, json.dumps(body).encode())


def shape(row: UrgentCommand) -> dict[str, Any]:
    """An urgent command as the API answers it."""
    answer = row.answer or {}
    state = "running" if "orders" in row.progress else "pending"
    if row.decided_seq is not None:
        state = "refused" if row.status != 200 else "flat" if answer.get("flat", True) else "left"
    return {
        "id": row.pk,
        "kind": row.kind,
        "account": row.account.name if row.account else None,
        "state": state,
        "asked_at": clock.iso(row.at),
        "asked_by": row.actor,
        "decided_at": clock.iso(row.decided_at) if row.decided_at else None,
        "canceled": answer.get("canceled", row.progress.get("canceled", 0)),
        "orders": answer.get("orders", row.progress.get("orders", 0)),
        "canceled_ms": answer.get("canceled_ms"),
        "took_ms": answer.get("took_ms"),
        "dust": answer.get("dust", []),
        "left": answer.get("left", []),
        "message": answer.get("message", PENDING[state]),
    }


PENDING = {
    "pending": "It is written down and no engine has begun with it yet. One does within a second of being alive; look again.",
    "running": "It is under way: orders are canceled first, then positions are closed step by step. Look again in a moment.",
    "flat": "", "left": "", "refused": "",
}  # fmt: skip
