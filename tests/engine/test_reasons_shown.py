"""A reason has the numbers it came with: a refusal its own, an order that ended later none, rather than noughts."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from orders import sentences
from orders.engine.fold import reason_picture
from orders.engine.reports import Report

SPEC: Any = SimpleNamespace(lot_size=Decimal("0.001"), tick_size=Decimal("0.01"))


def _report(exec_type: str, reason: str, limit: int = 0, value: int = 0) -> Report:
    empty = Report(*[0] * (len(Report._fields) - 1))  # type: ignore[arg-type]
    return empty._replace(exec_type=exec_type, reason=reason, limit=limit, value=value)


def test_an_order_that_ended_at_flat_has_no_numbers() -> None:
    assert reason_picture(_report("4", "REDUCE_ONLY_VIOLATION"), SPEC) == {
        "code": "REDUCE_ONLY_VIOLATION", "limit": None, "value": None,
    }  # fmt: skip


def test_a_refusal_keeps_a_limit_of_nothing() -> None:
    assert reason_picture(_report("8", "REDUCE_ONLY_VIOLATION", 0, 5), SPEC) == {
        "code": "REDUCE_ONLY_VIOLATION", "limit": "0", "value": "0.005",
    }  # fmt: skip


def test_a_trailing_stop_with_no_trade_to_start_from_is_told_so() -> None:
    reason = reason_picture(_report("8", "STOP_PRICE_INVALID", 1, 0), SPEC)
    assert sentences.of(reason) == sentences.NOWHERE_TO_START
    assert "50000" in sentences.of(reason_picture(_report("8", "STOP_PRICE_INVALID", 5_000_000, 4_000_000), SPEC))
