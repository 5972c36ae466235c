"""What an exchange told of an order: fills and ends the order does not know yet."""

from __future__ import annotations

import struct
from typing import Any

import psycopg

from marketdata.precision import parse_decimal, to_amount
from orders import messages
from orders._core import COMMAND_FORMAT, LIQUIDITY_MAKER, LIQUIDITY_TAKER, OP_CLOSE, OP_FILL
from orders.engine import stored
from orders.engine.batch import Batch
from orders.engine.fold import order_picture
from orders.engine.orders import LiveOrder
from orders.engine.recorder import Recorder, refusal, say
from orders.engine.words import SIDES
from orders.ids import strategy_key

_COMMAND = struct.Struct(COMMAND_FORMAT)
_WORD = 2**64 - 1


def told(
    recorder: Recorder, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes, command: messages.ExchangeReport
) -> None:
    """Apply an exchange's report; a trade id counts once, however often it is told."""
    order = recorder.find(cursor, [command.account_id], command.id, "")
    if order is None or order.account.owner_id != command.owner_id:
        return say(batch, command, 404, refusal("NOT_FOUND"))
    known = stored.known_trades(cursor, order.id) | {row[7] for row in batch.fills if row[5] == order.id}
    packed = b""
    try:
        for fill in command.fills:
            if fill.exchange_trade_id not in known and order.is_open:
                known.add(fill.exchange_trade_id)
                packed += _event(batch, order, OP_FILL, fill, fee=_fee(recorder, fill))
    except (ValueError, struct.error) as error:
        message = f"A fill that was told cannot be read ({error}); nothing was booked. Ask the exchange again."
        return say(batch, command, 400, {"code": "INVALID", "message": message})
    if packed:
        recorder.journal(batch, raw, recorder.core.process(packed))
    if command.closed and order.is_open:
        recorder.journal(batch, raw, recorder.core.process(_event(batch, order, OP_CLOSE, None, ord(command.closed))))
    return say(batch, command, 200, order_picture(order))


def _fee(recorder: Recorder, fill: messages.ReportedFill) -> tuple[int, int]:
    """(amount, asset) as told; (0, 0) where none was, or in an asset that nobody here knows: then the order's rate counts."""
    asset_id = next((known for known, code in recorder.fold.assets.items() if code == fill.fee_asset), 0)
    if not asset_id or not fill.fee:
        return 0, 0
    return to_amount(parse_decimal(fill.fee)), asset_id


def _event(
    batch: Batch, order: LiveOrder, op: int, fill: messages.ReportedFill | None, exec_type: int = 0,
    fee: tuple[int, int] = (0, 0),
) -> bytes:  # fmt: skip
    kind = exec_type if fill is None else (LIQUIDITY_MAKER if fill.maker else LIQUIDITY_TAKER)
    return _COMMAND.pack(
        op, SIDES[order.side], kind, 0, 0, order.account.id, order.instrument.id, order.instrument.spec_version, 0,
        order.order_no, strategy_key(order.account.owner_id, order.strategy_id), fill.price_ticks if fill else 0,
        fill.quantity_lots if fill else 0, batch.at_ns, int(fill.exchange_trade_id) if fill else 0,
        fee[0] & _WORD, fee[0] >> 64 & _WORD, fee[1],
    )  # fmt: skip
