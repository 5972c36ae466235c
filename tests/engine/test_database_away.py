"""PostgreSQL is away: before the hand-over that is a 503, after it a 504, and never a guess."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import OperationalError

from orders import auth, caller, services
from orders.models import Request
from tests.engine.doors import post
from tests.engine.test_door import BODY


class Away:
    """A table of a database that does not answer."""

    def filter(self, **_: Any) -> Any:
        raise OperationalError("the database is away")


async def test_an_order_that_was_not_handed_over_is_503(monkeypatch: pytest.MonkeyPatch) -> None:
    def identify(*_: Any, **__: Any) -> Any:
        raise OperationalError("the database is away")

    monkeypatch.setattr(auth, "identify", identify)
    status, headers, body = await post(BODY, "mk_any")
    assert (status, headers["retry-after"], body["code"]) == (503, "1", "DATABASE_DOWN")


def test_an_order_that_was_handed_over_is_504(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    caller.default.cache_clear()
    monkeypatch.setattr(Request, "objects", Away())
    reply = services.place(engine.cast.trader, {**BODY, "account": "trader"})  # nobody reads the stream
    caller.default.cache_clear()
    assert reply.status == 504 and b"OUTCOME_PENDING" in reply.body
