"""A new order: is it known, may this key place so much, is it fresh; then one call of the core."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg

from marketdata import clock
from marketdata.precision import amount_text, to_amount
from orders import messages, shapes
from orders._core import FLAG_ALLOW_DUPLICATE, FLAG_POST_ONLY, FLAG_REDUCE_ONLY, FLAG_TRAIL_PERCENT, FLAG_UNWIND
from orders.conditions import NO_TERMS
from orders.engine import caps, journal
from orders.engine.batch import Batch
from orders.engine.fold import order_picture
from orders.engine.orders import LiveOrder
from orders.engine.recorder import AGAIN, Recorder, refusal, refused_status, say
from orders.engine.words import SIDES, TIFS, TYPES
from orders.engine.world import AccountSpec
from orders.ids import order_uuid, strategy_key

COMMAND_AGE_MS = 5000
MARKET_AGE_MS = 2000
FORGOTTEN_MS = 8000  # whoever waited is about to be told that it never will be: nothing is recorded of it


def place(
    recorder: Recorder, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes, command: messages.Place, age_ms: int
) -> None:
    """Decide a place."""
    account = recorder.world.accounts.get(command.account_id)
    spec = recorder.world.instruments.get(command.instrument_id)
    if account is None:  # its owner is on the way to another shard, or has just come: nothing was decided
        return say(batch, command, 503, refusal("NOT_ACCEPTED"), AGAIN)
    if account.owner_id != command.owner_id or spec is None:
        return say(batch, command, 404, refusal("NOT_FOUND"))
    known = recorder.identity.get(account.id, command.request_id)
    if known is not None:
        return recorder.again(cursor, batch, command, known)
    if age_ms > FORGOTTEN_MS:
        return say(batch, command, 422, refusal(shapes.reason_shape("COMMAND_STALE", str(FORGOTTEN_MS), str(age_ms))))
    order_no = recorder.chain.seq + 1
    order = LiveOrder(
        id=order_uuid(batch.at_ns, recorder.shard, order_no), order_no=order_no, account=account, instrument=spec,
        request_id=command.request_id, type=command.type, side=command.side, time_in_force=command.time_in_force,
        price_ticks=command.price_ticks, quantity_lots=command.quantity_lots, created_ns=batch.at_ns,
        updated_ns=batch.at_ns, key_id=command.key_id, order_id=command.order_id, user_id=command.user_id,
        exchange_order_id=str(order_no), strategy_id=command.strategy_id, source=command.source, extra=command.extra,
        terms=command.terms or NO_TERMS, post_only=command.post_only, reduce_only=command.reduce_only,
    )  # fmt: skip
    capped = _over_caps(recorder, cursor, batch, command, order)
    if capped is not None:
        return say(batch, command, 403, refusal(capped))
    recorder.orders.add(order)
    swept = (
        "" if command.unwind else recorder.sweeps.refuse(order, clock.now_ms() - age_ms)
    )  # the age is of now, not of the batch
    if age_ms > (MARKET_AGE_MS if command.type == "market" else COMMAND_AGE_MS):
        limit = MARKET_AGE_MS if order.type == "market" else COMMAND_AGE_MS
        _refuse(recorder, batch, raw, order, shapes.reason_shape("COMMAND_STALE", str(limit), str(age_ms)))
    elif swept:
        _refuse(recorder, batch, raw, order, shapes.reason_shape(swept))
    else:
        _into_core(recorder, batch, order, command)
        recorder.journal(batch, raw)
    recorder.remember(batch, order, command.request_id, command.body_hash, "place", _status(order))
    return _answer(batch, command, order)


def _into_core(recorder: Recorder, batch: Batch, order: LiveOrder, command: messages.Place) -> None:
    """One call of the core; what it decides is in its reports."""
    wanted = arguments(order.account, command, batch.at_ns, order.order_no)
    if command.terms is None:
        recorder.core.place(*wanted)
    else:
        recorder.core.place_with(*wanted)


def arguments(account: AccountSpec, command: messages.Place, at_ns: int, order_no: int) -> tuple[int, ...]:
    """What the core is asked, by place or check; with terms, by place_with or check."""
    plain = (
        at_ns, order_no, account.id, command.instrument_id, command.spec_version, SIDES[command.side], TYPES[command.type],
        TIFS[command.time_in_force], flags_of(command), strategy_key(account.owner_id, command.strategy_id),
        command.price_ticks, command.quantity_lots, command.key_id or 0,
    )  # fmt: skip
    terms = command.terms
    if terms is None:
        return plain
    return *plain, *(
        terms.stop_ticks, terms.trail, terms.expires_at_ns, terms.take_profit_ticks, terms.stop_loss_ticks,
        terms.stop_loss_limit_ticks,
    )  # fmt: skip


def flags_of(command: messages.Place) -> int:
    """What the order may do, as the core's flags."""
    flags = FLAG_POST_ONLY if command.post_only else 0
    flags |= FLAG_REDUCE_ONLY if command.reduce_only else 0
    flags |= FLAG_ALLOW_DUPLICATE if command.allow_duplicate else 0
    flags |= FLAG_UNWIND if command.unwind else 0
    return flags | (FLAG_TRAIL_PERCENT if command.terms is not None and command.terms.trail_percent else 0)


def _over_caps(
    recorder: Recorder, cursor: psycopg.Cursor[Any], batch: Batch, command: messages.Place, order: LiveOrder
) -> dict[str, Any] | None:
    """The reason, when the key that asks may not place this much."""
    if command.order_notional_max is None and command.day_notional_max is None:
        return None
    worth = caps.notional(recorder.core, order.instrument, command)
    largest = command.order_notional_max
    if largest is not None and worth > to_amount(Decimal(largest)):
        return shapes.reason_shape("KEY_ORDER_MAX", largest, amount_text(worth))
    if command.day_notional_max is not None:
        midnight = batch.at.replace(hour=0, minute=0, second=0, microsecond=0)
        total = caps.over_day(cursor, batch, order, worth, command.day_notional_max, midnight)
        if total is not None:
            return shapes.reason_shape("KEY_DAY_MAX", command.day_notional_max, amount_text(total))
    return None


def _refuse(recorder: Recorder, batch: Batch, raw: bytes, order: LiveOrder, reason: dict[str, Any]) -> None:
    """Too old to be executed, or overtaken: recorded and rejected without the core, which knows no streams."""
    entry = journal.append(recorder.chain, batch.at_ns, journal.COMMAND, journal.command_payload(raw, b""))
    batch.journal.append(entry)
    order.status = "rejected"
    order.reason = reason
    order.seq = recorder.fold.books.next_seq(order.account.id)
    batch.touched[order.order_no] = order
    payload = {"kind": "report", "exec_type": "8", "order": order_picture(order), "fill": None, "position": None,
               "balances": []}  # fmt: skip
    batch.report(order.account.id, order.account.owner_id, order.seq, entry.seq, "report", "8", order.id, payload)
    recorder.orders.close(order)


def _status(order: LiveOrder) -> int:
    if order.status != "rejected" or order.reason is None:
        return 201
    return refused_status(order.reason["code"])


def _answer(batch: Batch, command: messages.Place, order: LiveOrder) -> None:
    status = _status(order)
    if status == 201:
        return say(batch, command, 201, batch.pictures[order.order_no])
    shown = refusal(order.reason or {}, order_picture(order))
    return say(batch, command, status, shown, AGAIN if status == 429 else None)
