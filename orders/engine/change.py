"""Cancels and amends: one order by its name, or all that pass a filter."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg

from marketdata.precision import parse_decimal, to_lots, to_ticks
from orders import messages, shapes
from orders._core import ANY_SIDE, ANY_STRATEGY, REASONS
from orders.engine.batch import Batch
from orders.engine.fold import order_picture
from orders.engine.orders import LiveOrder
from orders.engine.place import COMMAND_AGE_MS
from orders.engine.recorder import AGAIN, Recorder, refusal, refused_status, say
from orders.engine.words import SIDES
from orders.ids import strategy_key
from orders.reading import UNITS_MAX

SWEPT_AT_ONCE = 1000  # cancels of one sweep between two fetches of their reports: the core's ring is bounded


def change(
    recorder: Recorder, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes,
    command: messages.Cancel | messages.Amend, age_ms: int,
) -> None:  # fmt: skip
    """Decide a cancel or an amend of one order. A cancel is never too old."""
    if not recorder.world.accounts.keys() & set(command.account_ids):  # as of a place: of another shard
        return say(batch, command, 503, refusal("NOT_ACCEPTED"), AGAIN)
    order = recorder.find(cursor, command.account_ids, command.id, command.client)
    if order is None or order.account.owner_id != command.owner_id:
        return say(batch, command, 404, refusal("NOT_FOUND"))
    known = recorder.identity.get(order.account.id, command.request_id)
    if known is not None:
        return recorder.again(cursor, batch, command, known)
    if not order.is_open:
        return say(batch, command, 409, refusal("ORDER_FINAL", order_picture(order)))
    if isinstance(command, messages.Amend) and age_ms > COMMAND_AGE_MS:
        reason = shapes.reason_shape("COMMAND_STALE", str(COMMAND_AGE_MS), str(age_ms))
        return say(batch, command, 422, refusal(reason, order_picture(order)))
    if isinstance(command, messages.Cancel):
        kind, refused = "cancel", bool(recorder.core.cancel(batch.at_ns, order.order_no))
    else:
        kind = "amend"
        try:
            refused = _amend(recorder, batch, order, command)
        except ValueError as error:
            return say(batch, command, 422, _off_step(error))
    own = recorder.journal(batch, raw)
    reason = next((report.reason for report in own if report.order_no == order.order_no and report.reason), "")
    # off the market with fills untold: the poll finds them, then it ends
    looking = refused and reason == "ORDER_FINAL"
    status = 202 if looking else refused_status(reason) if refused else 200
    recorder.remember(batch, order, command.request_id, command.body_hash, kind, status)
    if looking:
        return say(batch, command, 202, order_picture(order))
    if refused:
        headers = AGAIN if status == 429 else None
        return say(batch, command, status, refusal(reason or "ORDER_UNKNOWN", order_picture(order)), headers)
    return say(batch, command, 200, batch.pictures.get(order.order_no) or order_picture(order))


def cancel_all(recorder: Recorder, batch: Batch, raw: bytes, command: messages.CancelAll) -> None:
    """Cancel what passes the filters; orders that follow others' fills are orders like any."""
    gone = sweep_matching(recorder, batch, raw, command)
    say(batch, command, 200, {"results": [order_picture(order) for order in gone]})


def matching(recorder: Recorder, command: messages.CancelAll) -> list[LiveOrder]:
    """The open orders that pass the filters, oldest first."""
    return [
        order
        for order in recorder.orders.open()
        if order.account.id in command.account_ids
        and order.account.owner_id == command.owner_id
        and command.instrument_id in (None, order.instrument.id)
        and command.side in (None, order.side)
        and command.strategy_id in (None, order.strategy_id)
    ]


def sweep_matching(recorder: Recorder, batch: Batch, raw: bytes, command: messages.CancelAll) -> list[LiveOrder]:
    """Cancel the open orders that pass the filters, oldest first: one sweep of the core an account, called again whenever its
    ring must be drained. What is not in the market is asked for alone, as by its own cancel.
    """
    gone = matching(recorder, command)
    strategy = ANY_STRATEGY if command.strategy_id is None else strategy_key(command.owner_id, command.strategy_id)
    side = ANY_SIDE if command.side is None else SIDES[command.side]
    for account_id in dict.fromkeys(order.account.id for order in gone):
        words = batch.at_ns, account_id, command.instrument_id or 0, strategy, side
        while reason := recorder.core.sweep(*words):
            if REASONS.get(reason) != "CAPACITY" or not recorder.journal(batch, raw):
                raise RuntimeError(
                    f"a sweep of account {account_id} was refused by the core: {REASONS.get(reason, reason)}"
                )
    if gone:
        recorder.journal(batch, raw)
    sweep(recorder, batch, raw, [order for order in gone if order.is_open])
    return gone


def sweep(recorder: Recorder, batch: Batch, raw: bytes, gone: list[LiveOrder]) -> None:
    """Cancel all of these, journalled under the command that asked."""
    for begin in range(0, len(gone), SWEPT_AT_ONCE):
        for order in gone[begin : begin + SWEPT_AT_ONCE]:
            if recorder.core.order(order.order_no) is not None:  # a leg may have ended with the other one
                recorder.core.cancel(batch.at_ns, order.order_no)
        recorder.journal(batch, raw)


def _amend(recorder: Recorder, batch: Batch, order: LiveOrder, command: messages.Amend) -> bool:
    spec = order.instrument
    price = _units(command.price, to_ticks, spec.tick_size, order.price_ticks, "price")
    lots = _units(command.quantity, to_lots, spec.lot_size, order.quantity_lots, "quantity")
    return bool(recorder.core.amend(batch.at_ns, order.order_no, 0, price, lots))


def _units(asked: str | None, convert: Callable[[Decimal, Decimal], int], step: Decimal, now: int, what: str) -> int:
    """What is asked in steps, or as it was. Raises ValueError."""
    if asked is None:
        return now
    units = convert(parse_decimal(asked), step)
    if units > UNITS_MAX:
        raise ValueError(f"{what} {asked} is larger than can be counted")
    return units


def _off_step(error: ValueError) -> dict[str, Any]:
    """A price or quantity between two steps; the sentence names the nearest below."""
    sentence = str(error)
    code = "QTY_PRECISION" if sentence.startswith("quantity") else "PRICE_PRECISION"
    if sentence.endswith("counted"):
        code = "NUMBER_OVERFLOW"
    return {"code": code, "message": f"{sentence[:1].upper()}{sentence[1:]}. The order stays as it was."}
