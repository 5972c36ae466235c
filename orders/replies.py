"""Answers of the doors themselves, in the shape of an engine's."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from marketdata import clock
from orders import sentences
from orders.errors import ApiError
from orders.messages import Reply

DECIDED_AFTER_S = 10  # an engine forgets a command that is 8 s old, and commits in less than the rest

_encode = msgspec.json.Encoder().encode


def reply_of(error: ApiError) -> Reply:
    """A refusal of the door as a reply."""
    return Reply(error.status, dict(error.headers), _encode(error.body()))


def not_accepted() -> Reply:
    """503: surely nothing was accepted."""
    return _refused(503, "NOT_ACCEPTED")


def overloaded() -> Reply:
    """503: too much waits for answers already, and nothing was handed over."""
    return _refused(503, "BACKLOG")


def too_many_in_flight(most: int) -> Reply:
    """429: what one socket sent before is not answered yet."""
    return _refused(429, "IN_FLIGHT_MAX", limit=str(most))


def outcome_pending(request_id: str) -> Reply:
    """504: handed over, no decision seen; and from when on a look-up by request_id is final."""
    decided_by = clock.iso(clock.now() + timedelta(seconds=DECIDED_AFTER_S))
    message = sentences.of({"code": "OUTCOME_PENDING", "limit": decided_by})
    body = {"code": "OUTCOME_PENDING", "message": message, "decided_by": decided_by, "request_id": request_id}
    return Reply(504, {}, _encode(body))


def _refused(status: int, code: str, **numbers: str) -> Reply:
    message = sentences.of({"code": code, **numbers})
    return reply_of(ApiError(status, code, message, headers={"Retry-After": "1"}, **numbers))
