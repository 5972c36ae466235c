"""The core's packed reports as Python values.

Most events change one hold and nothing else, so most reports are short: a head alone. Executions, refusals and orders with
terms are whole. What a report does not say is 0 here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from orders._core import (
    FLAG_TERMS,
    NO_COMMAND,
    REASONS,
    REPORT_FORMAT,
    REPORT_HEAD_FORMAT,
    REPORT_HEAD_SIZE,
    REPORT_SIZE,
)

assert REPORT_HEAD_SIZE < REPORT_SIZE
_WHOLE, _HEAD = struct.Struct(REPORT_FORMAT), struct.Struct(REPORT_HEAD_FORMAT)
_NO_AMOUNTS = (0, 0, 0, 0)
SELF = NO_COMMAND  # command_index of a report about an order nobody commanded in this call

#: FIX ord_status (39) -> the words of the API
STATUS = {
    "A": "pending_new", "0": "new", "1": "partially_filled", "2": "filled", "6": "pending_cancel",
    "E": "pending_replace", "4": "canceled", "8": "rejected", "C": "expired",
}  # fmt: skip
FINAL = frozenset({"filled", "canceled", "rejected", "expired"})
_STATUSES = {ord(letter): word for letter, word in STATUS.items()}
_LETTERS = {number: chr(number) for number in range(128)}
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
    command_index: int
    size: int
    layout: int
    maker_fee_ppm: int  # of a NEW one: what the order keeps for life
    taker_fee_ppm: int
    hold: int
    held: int  # the whole hold of the balance that the order holds of
    last_ticks: int
    last_lots: int
    trade_no: int
    fee_asset_id: int  # what an exchange took the fee in; 0 = the settle asset
    cost: int  # of all executions so far; told with an execution
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


_NO_REST = (*(0,) * (len(Report._fields) - Report._fields.index("last_ticks") - 1), None)


def unpack(packed: bytes) -> Iterator[Report]:
    """The reports in a buffer of the core's."""
    at, end = 0, len(packed)
    while at < end:
        head = _HEAD.unpack_from(packed, at)
        size = head[19]
        if size != REPORT_SIZE:
            at += size
            yield _short(head)
            continue
        rest = _WHOLE.unpack_from(packed, at)[len(head) :]
        at += size
        amounts = [rest[low] | (rest[low + 1] << 64) for low in range(4, 24, 2)]
        exec_type = chr(head[6])
        last = [*amounts[6:], 0, 0] if exec_type == "F" else [*_NO_AMOUNTS, *amounts[6:8]]
        report = Report(
            *head[:6], exec_type, STATUS[chr(head[7])], *head[8:11], LIQUIDITY[head[11]], REASONS.get(head[12], ""),
            *head[13:23], head[23] | (head[24] << 64), head[25] | (head[26] << 64), *rest[:4], *amounts[:6], *last,
        )  # fmt: skip
        yield _with_terms(report) if report.flags & FLAG_TERMS and report.exec_type in "0D" else report


def _short(head: tuple[Any, ...]) -> Report:
    """A head alone. Most reports are this, so it is made in one go: a NamedTuple's own constructor takes as long again."""
    return tuple.__new__(
        Report,
        (*head[:6], _LETTERS[head[6]], _STATUSES[head[7]], *head[8:11], LIQUIDITY[head[11]], REASONS.get(head[12], ""),
         *head[13:23], head[23] | (head[24] << 64), head[25] | (head[26] << 64), *_NO_REST),
    )  # fmt: skip


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
