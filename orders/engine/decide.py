"""One command -> identity -> the core -> what is written and answered. Statuses are those of api.md."""

from __future__ import annotations

import struct
import uuid
from decimal import Decimal
from typing import Any

import psycopg

from marketdata.precision import amount_text, parse_decimal, to_amount, to_lots, to_ticks
from orders import messages, sentences, shapes
from orders._core import (
    COMMAND_FORMAT,
    OP_CLOSE,
    OP_FILL,
    SIDE_BUY,
    SIDE_SELL,
    TIF_GTC,
    TIF_IOC,
    TYPE_LIMIT,
    TYPE_MARKET,
    Core,
)
from orders.engine import caps, journal, stored
from orders.engine.batch import Batch
from orders.engine.fold import Fold, order_picture
from orders.engine.identity import Identity
from orders.engine.orders import LiveOrder, Orders
from orders.engine.reports import unpack
from orders.engine.stored import Decided
from orders.engine.world import World
from orders.exchanges.sim import SimExchange
from orders.ids import order_uuid, strategy_key

COMMAND_AGE_MS = 5000
MARKET_AGE_MS = 2000
REPLAYED = {"Idempotent-Replay": "true"}
SIDES = {"buy": SIDE_BUY, "sell": SIDE_SELL}
TYPES = {"limit": TYPE_LIMIT, "market": TYPE_MARKET}
TIFS = {"gtc": TIF_GTC, "ioc": TIF_IOC}
_COMMAND = struct.Struct(COMMAND_FORMAT)
_MAKER, _TAKER = 1, 2


class Decider:
    """Decides commands against one core. Not thread-safe: the engine's loop owns it."""

    def __init__(
        self,
        shard: int,
        core: Core,
        chain: journal.Chain,
        world: World,
        orders: Orders,
        fold: Fold,
        exchange: SimExchange,
    ) -> None:
        self.shard = shard
        self.core = core
        self.chain = chain
        self.world = world
        self.orders = orders
        self.fold = fold
        self.exchange = exchange
        self.identity = Identity()

    def decide(
        self, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes, command: messages.Command, age_ms: int
    ) -> None:
        """One command; whatever it changes is in the batch, its answer too."""
        match command:
            case messages.Place():
                self._place(cursor, batch, raw, command, age_ms)
            case messages.Cancel() | messages.Amend():
                self._change(cursor, batch, raw, command)
            case messages.CancelAll():
                self._cancel_all(batch, raw, command)
            case messages.ExchangeReport():
                self._exchange_report(cursor, batch, raw, command)
            case messages.Query():
                self._query(batch, command)

    # -- place ----------------------------------------------------------------------------------------------------------------

    def _place(
        self, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes, command: messages.Place, age_ms: int
    ) -> None:
        account = self.world.accounts.get(command.account_id)
        spec = self.world.instruments.get(command.instrument_id)
        if account is None or account.owner_id != command.owner_id or spec is None:
            return self._say(batch, command, 404, _refusal("NOT_FOUND"))
        known = self.identity.get(account.id, command.request_id)
        if known is not None:
            return self._again(cursor, batch, command, known)
        order_no = self.chain.seq + 1
        order = LiveOrder(
            id=order_uuid(batch.at_ns, self.shard, order_no), order_no=order_no, account=account, instrument=spec,
            request_id=command.request_id, type=command.type, side=command.side, time_in_force=command.time_in_force,
            price_ticks=command.price_ticks, quantity_lots=command.quantity_lots, created_ns=batch.at_ns,
            updated_ns=batch.at_ns, key_id=command.key_id, order_id=command.order_id, user_id=command.user_id,
            exchange_order_id=str(order_no), strategy_id=command.strategy_id, source=command.source, extra=command.extra,
        )  # fmt: skip
        capped = self._over_caps(cursor, batch, command, order)
        if capped is not None:
            return self._say(batch, command, 403, _refusal(capped))
        self.orders.add(order)
        if age_ms > (MARKET_AGE_MS if command.type == "market" else COMMAND_AGE_MS):
            self._refuse_stale(batch, raw, order, age_ms)
        else:
            self.core.place(
                batch.at_ns, order_no, account.id, spec.id, command.spec_version, SIDES[command.side],
                TYPES[command.type], TIFS[command.time_in_force], 0, strategy_key(account.owner_id, command.strategy_id),
                command.price_ticks, command.quantity_lots,
            )  # fmt: skip
            self._journal(batch, raw)
        self._remember(batch, order, command.request_id, command.body_hash, "place", _placed_status(order))
        return self._say_placed(batch, command, order)

    def _over_caps(
        self, cursor: psycopg.Cursor[Any], batch: Batch, command: messages.Place, order: LiveOrder
    ) -> dict[str, Any] | None:
        """The reason, when the key that asks may not place this much."""
        if command.order_notional_max is None and command.day_notional_max is None:
            return None
        worth = caps.notional(self.core, order, SIDES[order.side])
        largest = command.order_notional_max
        if largest is not None and worth > to_amount(Decimal(largest)):
            return shapes.reason_shape("KEY_ORDER_MAX", largest, amount_text(worth))
        if command.day_notional_max is not None:
            midnight = batch.at.replace(hour=0, minute=0, second=0, microsecond=0)
            total = caps.over_day(cursor, batch, order, worth, command.day_notional_max, midnight)
            if total is not None:
                return shapes.reason_shape("KEY_DAY_MAX", command.day_notional_max, amount_text(total))
        return None

    def _refuse_stale(self, batch: Batch, raw: bytes, order: LiveOrder, age_ms: int) -> None:
        """Too old to be executed: recorded and rejected without the core, which knows no streams."""
        entry = journal.append(self.chain, batch.at_ns, journal.COMMAND, journal.command_payload(raw, b""))
        batch.journal.append(entry)
        order.status = "rejected"
        limit = MARKET_AGE_MS if order.type == "market" else COMMAND_AGE_MS
        order.reason = shapes.reason_shape("COMMAND_STALE", str(limit), str(age_ms))
        order.seq = self.fold.books.next_seq(order.account.id)
        batch.touched[order.order_no] = order
        payload = {"kind": "report", "exec_type": "8", "order": order_picture(order), "fill": None, "position": None,
                   "balances": []}  # fmt: skip
        batch.report(order.account.id, order.account.owner_id, order.seq, entry.seq, "report", "8", order.id, payload)
        self.orders.close(order)

    def _say_placed(self, batch: Batch, command: messages.Place, order: LiveOrder) -> None:
        status = _placed_status(order)
        picture = order_picture(order)
        if status == 201:
            return self._say(batch, command, 201, picture)
        headers = {"Retry-After": "1"} if status == 429 else None
        return self._say(batch, command, status, _refusal(order.reason or {}, picture), headers)

    # -- cancel and amend -----------------------------------------------------------------------------------------------------

    def _change(
        self, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes, command: messages.Cancel | messages.Amend
    ) -> None:
        order = self._find(cursor, command.account_ids, command.id, command.client)
        if order is None or order.account.owner_id != command.owner_id:
            return self._say(batch, command, 404, _refusal("NOT_FOUND"))
        known = self.identity.get(order.account.id, command.request_id)
        if known is not None:
            return self._again(cursor, batch, command, known)
        if not order.is_open:
            return self._say(batch, command, 409, _refusal("ORDER_FINAL", order_picture(order)))
        if isinstance(command, messages.Cancel):
            kind, refused = "cancel", self._cancel(batch, order)
        else:
            kind = "amend"
            try:
                refused = self._amend(batch, order, command)
            except ValueError as error:
                return self._say(batch, command, 422, _off_step(error))
        own = self._journal(batch, raw)
        reason = next((report.reason for report in own if report.order_no == order.order_no and report.reason), "")
        looking = (
            refused and reason == "ORDER_FINAL"
        )  # off the market with fills untold: the poll finds them, then it ends
        status = 202 if looking else 422 if refused else 200
        self._remember(batch, order, command.request_id, command.body_hash, kind, status)
        if looking:
            return self._say(batch, command, 202, order_picture(order))
        if refused:
            return self._say(batch, command, 422, _refusal(reason or "ORDER_UNKNOWN", order_picture(order)))
        return self._say(batch, command, 200, order_picture(order))

    def _cancel(self, batch: Batch, order: LiveOrder) -> bool:
        return bool(self.core.cancel(batch.at_ns, order.order_no))

    def _amend(self, batch: Batch, order: LiveOrder, command: messages.Amend) -> bool:
        spec = order.instrument
        price = order.price_ticks if command.price is None else to_ticks(parse_decimal(command.price), spec.tick_size)
        lots = (
            order.quantity_lots if command.quantity is None else to_lots(parse_decimal(command.quantity), spec.lot_size)
        )
        return bool(self.core.amend(batch.at_ns, order.order_no, 0, price, lots))

    def _cancel_all(self, batch: Batch, raw: bytes, command: messages.CancelAll) -> None:
        gone = [
            order
            for order in self.orders.open()
            if order.account.id in command.account_ids
            and order.account.owner_id == command.owner_id
            and command.instrument_id in (None, order.instrument.id)
            and command.side in (None, order.side)
            and command.strategy_id in (None, order.strategy_id)
        ]
        for order in gone:
            self.core.cancel(batch.at_ns, order.order_no)
        if gone:
            self._journal(batch, raw)
        self._say(batch, command, 200, {"results": [order_picture(order) for order in gone]})

    def _find(
        self, cursor: psycopg.Cursor[Any], account_ids: list[int], order_id: str, client: str
    ) -> LiveOrder | None:
        """The order a command names, among these accounts: in memory, else its row."""
        if order_id:
            number = uuid.UUID(order_id)
            found = self.orders.by_id(number)
            if found is not None:
                return found if found.account.id in account_ids else None
            rows = stored.orders(cursor, self.world, stored.BY_ID, (number, account_ids))
        else:
            for account_id in account_ids:
                found = self.orders.by_request(account_id, client)
                if found is not None:
                    return found
            rows = stored.orders(cursor, self.world, stored.BY_REQUEST, (client, account_ids))
        return rows[0] if rows else None

    # -- what an exchange told, what is asked ---------------------------------------------------------------------------------

    def _exchange_report(
        self, cursor: psycopg.Cursor[Any], batch: Batch, raw: bytes, command: messages.ExchangeReport
    ) -> None:
        """Fills and ends that the order does not know yet; a trade id counts once, however often it is told."""
        order = self._find(cursor, [command.account_id], command.id, "")
        if order is None or order.account.owner_id != command.owner_id:
            return self._say(batch, command, 404, _refusal("NOT_FOUND"))
        known = stored.known_trades(cursor, order.id) | {row[7] for row in batch.fills if row[5] == order.id}
        packed = b""
        for fill in command.fills:
            if fill.exchange_trade_id not in known and order.is_open:
                known.add(fill.exchange_trade_id)
                packed += self._told(batch, order, OP_FILL, fill)
        applied = self.core.process(packed) if packed else b""
        if packed:
            self._journal(batch, raw, applied)
        if command.closed and order.is_open:
            self._journal(batch, raw, self.core.process(self._told(batch, order, OP_CLOSE, None, ord(command.closed))))
        return self._say(batch, command, 200, order_picture(order))

    def _told(
        self, batch: Batch, order: LiveOrder, op: int, fill: messages.ReportedFill | None, exec_type: int = 0
    ) -> bytes:
        kind = exec_type if fill is None else (_MAKER if fill.maker else _TAKER)
        return _COMMAND.pack(
            op, SIDES[order.side], kind, 0, 0, order.account.id, order.instrument.id, order.instrument.spec_version, 0,
            order.order_no, strategy_key(order.account.owner_id, order.strategy_id), fill.price_ticks if fill else 0,
            fill.quantity_lots if fill else 0, batch.at_ns, int(fill.exchange_trade_id) if fill else 0, 0, 0, 0,
        )  # fmt: skip

    def _query(self, batch: Batch, command: messages.Query) -> None:
        if command.kind == "core_hash":
            self._say(batch, command, 200, {"seq": self.chain.seq, "hash": f"{self.core.hash():016x}"})
        else:
            try:
                self._say(batch, command, 200, self.exchange.answer(command))
            except ValueError as error:
                self._say(batch, command, 400, {"code": "INVALID", "message": str(error)})

    # -- shared ---------------------------------------------------------------------------------------------------------------

    def _journal(self, batch: Batch, raw: bytes, reports: bytes | None = None) -> list[Any]:
        """Journal a command with what the core made of it, and fold that into the batch."""
        made = self.core.reports() if reports is None else reports
        entry = journal.append(self.chain, batch.at_ns, journal.COMMAND, journal.command_payload(raw, made))
        batch.journal.append(entry)
        unpacked = list(unpack(made))
        for report in unpacked:
            self.fold.report(batch, report, entry.seq)
        return unpacked

    def _remember(
        self, batch: Batch, order: LiveOrder, request_id: str, body_hash: bytes, kind: str, status: int
    ) -> None:
        account = order.account
        batch.requests.append(
            (
                account.id,
                account.owner_id,
                request_id,
                body_hash,
                kind,
                order.id,
                self.chain.seq,
                status,
                None,
                batch.at,
            )
        )
        self.identity.remember(account.id, request_id, Decided(body_hash, kind, order.id))

    def _again(
        self, cursor: psycopg.Cursor[Any], batch: Batch,
        command: messages.Place | messages.Cancel | messages.Amend, known: Decided,
    ) -> None:  # fmt: skip
        """The same request once more: the order as it stands; the same id for something else: refused."""
        if known.body_hash != command.body_hash:
            return self._say(batch, command, 422, _refusal("REQUEST_ID_REUSED"))
        accounts = [command.account_id] if isinstance(command, messages.Place) else command.account_ids
        order = self._find(cursor, accounts, str(known.order_id), "")
        if order is None:
            return self._say(batch, command, 404, _refusal("NOT_FOUND"))
        return self._say(batch, command, 200, order_picture(order), REPLAYED)

    @staticmethod
    def _say(
        batch: Batch, command: messages.Command, status: int, body: Any, headers: dict[str, str] | None = None
    ) -> None:
        batch.answer(command.reply_to, command.reply_id, status, body, headers)


def _off_step(error: ValueError) -> dict[str, Any]:
    """A price or quantity between two steps; the sentence names the nearest below."""
    sentence = str(error)
    code = "QTY_PRECISION" if sentence.startswith("quantity") else "PRICE_PRECISION"
    return {"code": code, "message": f"{sentence[:1].upper()}{sentence[1:]}. The order stays as it was."}


def _placed_status(order: LiveOrder) -> int:
    if order.status != "rejected" or order.reason is None:
        return 201
    return {"SPEC_CHANGED": 409, "RATE_ORDERS": 429}.get(order.reason["code"], 422)


def _refusal(reason: str | dict[str, Any], order: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of a no: the code, a sentence, the numbers, and the order where there is one."""
    given = {"code": reason, "limit": None, "value": None} if isinstance(reason, str) else reason
    body: dict[str, Any] = {"code": given["code"], "message": sentences.of(given, order)}
    for number in ("limit", "value"):
        if given.get(number) is not None:
            body[number] = given[number]
    if order is not None:
        body["order"] = order
    return body
