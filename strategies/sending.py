"""The way of a strategy's wish: through orders.services, as everybody's, and what the answer means for the run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from marketdata import clock
from orders import services
from orders.models import Order, Request
from strategies.domain import Report, Side
from strategies.models import Intent

# Answers after which nothing is decided yet: the same wish goes again under the same request_id, and counts once.
UNDECIDED = frozenset({429, 502, 503, 504})
WAIT_FIRST_S, WAIT_MAX_S = 0.5, 5.0
# A wish that could not be handed over for so long was meant for another market; it is dropped, if surely nobody holds
# it.
STALE_AFTER = timedelta(seconds=60)
# An engine refuses commands older than 5 s, so a wish last sent longer ago is decided or never will be.
DECIDED_AFTER = timedelta(seconds=10)


class Fate(Enum):
    """What is to be done with an unanswered wish."""

    SEND = "send"
    WAIT = "wait"
    LOST = "lost"


@dataclass(frozen=True)
class Answer:
    """What came of a wish. `refusal` is None when it was taken, else {"code", "message"}."""

    status: int
    refusal: dict[str, str] | None


LOST = Answer(
    0, {"code": "NOT_SENT", "message": "No engine took it within a minute; it was dropped and nothing was traded."}
)


def send(intent: Intent) -> Answer | None:
    """Send a wish, again or for the first time. None while nothing is decided."""
    if intent.kind == Intent.Kind.PLACE:
        reply = services.place(intent.owner, {**intent.fields, "request_id": intent.request_id})
    else:
        reply = services.cancel(intent.owner, f"client:{intent.target}", {"request_id": intent.request_id})
    if reply.status in UNDECIDED:
        return None
    body = _body(reply.body)
    if intent.kind == Intent.Kind.CANCEL:
        return Answer(reply.status, None if reply.status < 400 else _refusal(body, reply.status))
    if reply.status < 300 and body.get("status") != "rejected":
        return Answer(reply.status, None)
    # The row is the truth: an answer that sounds like a refusal must not make us forget an order that stands.
    order = Order.objects.filter(account_id=intent.run.config.account_id, request_id=intent.request_id).first()
    if order is not None and order.status != "rejected":
        return Answer(reply.status, None)
    return Answer(reply.status, _refusal(body, reply.status))


def judge(intent: Intent, last_sent: datetime) -> Fate:
    """What to do with an unanswered wish. `last_sent`: up to when it, or any wish of its run, may have been sent."""
    now = clock.now()
    if intent.kind != Intent.Kind.PLACE or now - intent.created_at < STALE_AFTER:
        return Fate.SEND
    if Request.objects.filter(account_id=intent.run.config.account_id, request_id=intent.request_id).exists():
        return Fate.SEND  # decided: sending it again only fetches the answer
    return Fate.LOST if now - last_sent > DECIDED_AFTER else Fate.WAIT


def refused_report(intent: Intent, refusal: dict[str, str], at: datetime) -> Report:
    """A refusal as a strategy hears it, for wishes of which no order was ever made."""
    return Report(
        number=intent.number,
        exec_type="8",
        status="rejected",
        side=Side(intent.fields["side"]),
        quantity=Decimal(intent.fields["quantity"]),
        filled_quantity=Decimal(0),
        average_price=None,
        code=refusal["code"],
        at=at,
    )


def _body(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _refusal(body: dict[str, Any], status: int) -> dict[str, str]:
    reason = body.get("reason") or {}
    code = body.get("code") or reason.get("code") or f"HTTP_{status}"
    detail = "; ".join(f"{name}: {text}" for name, text in (body.get("errors") or {}).items())
    message = body.get("message") or f"refused with {code}"
    return {"code": str(code), "message": f"{message} ({detail})" if detail else str(message)}
