"""The core's packed reports as Python values."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from orders._core import FLAG_TERMS, REASONS, REPORT_FORMAT

_FORMAT = struct.Struct(REPORT_FORMAT)
SELF = 2**64 - 1  # command_index of a report about an order nobody commanded in this call

#: FIX ord_status (39) -> the words of the API
STATUS = {
    "A": "pending_new", "0": "new", "1": "partially_filled", "2": "filled", "6": "pending_cancel",
    "E": "pending_replace", "4": "canceled", "8": "rejected", "C": "expired",
}  # fmt: skip
FINAL = frozenset({"filled", "canceled", "rejected", "expired"})
LIQUIDITY = {0: "", 1: "maker", 2: "taker"}


class Terms(NamedTuple):
    """The conditions of an order, as its NEW report carries them; 0 = none of that kind."""

    stop_ticks: int
    trail: int
    expires_at_ns: int
    take_profit_ticks: int
    stop_loss_ticks: int
    stop_loss_limit_ticks: int


class Report(NamedTuple):
    """One execution report: what happened, and the order, balances and position after it. Amounts are of 10^-18."""

    seq: int
    at_ns: int
    order_no: int
    strategy: int
    account_id: int
    instrument_id: int
    exec_type: str
    status: str
    side: int
    type: int
    tif: int
    liquidity: str
    reason: str
    flags: int
    spec_version: int
    price_ticks: int
    quantity_lots: int
    filled_lots: int
    last_ticks: int
    last_lots: int
    trade_no: int
    command_index: int
    cost: int
    hold: int
    last_fee: int
    base_total: int
    base_hold: int
    quote_total: int
    quote_hold: int
    position_quantity: int
    position_cost: int
    position_realised: int
    position_fees: int
    limit: int
    value: int
    terms: Terms | None = None


def unpack(packed: bytes) -> Iterator[Report]:
    """The reports in a buffer of the core's."""
    for fields in _FORMAT.iter_unpack(packed):
        head = fields[:22]
        tail = fields[22:]
        amounts = [tail[at] | (tail[at + 1] << 64) for at in range(0, 26, 2)]
        report = Report(
            *head[:6], chr(head[6]), STATUS[chr(head[7])], *head[8:11], LIQUIDITY[head[11]], REASONS.get(head[12], ""),
            *head[13:], *amounts,
        )  # fmt: skip
        yield _with_terms(report) if report.flags & FLAG_TERMS and report.exec_type in "0D" else report


def _with_terms(report: Report) -> Report:
    """The terms lie where an execution has its numbers, so those are zero."""
    terms = Terms(
        report.last_ticks,
        report.last_lots,
        report.trade_no,
        _low(report.cost),
        report.cost >> 64,
        _low(report.last_fee),
    )
    return report._replace(last_ticks=0, last_lots=0, trade_no=0, cost=0, last_fee=0, terms=terms)


def _low(amount: int) -> int:
    """The lower half of 128 bits, signed."""
    low = amount & (2**64 - 1)
    return low - 2**64 if low >> 63 else low
