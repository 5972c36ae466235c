"""Reports of the core -> rows of the batch: the order as it stands, fills, postings, balances, positions, the account channel."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marketdata.precision import amount_decimal, decimal_text, to_amount
from orders import _edge, shapes
from orders._core import FLAG_REDUCE_ONLY, FLAG_TRAIL_PERCENT
from orders.conditions import NO_TERMS, PRICED
from orders.engine import numbers, postings
from orders.engine.batch import Batch, dumps
from orders.engine.orders import LiveOrder, Orders
from orders.engine.reports import Report
from orders.engine.words import SIDE_WORDS, TIF_WORDS, TYPE_WORDS
from orders.engine.world import AccountSpec, InstrumentSpec
from orders.ids import fill_uuid, leg_of, leg_request_id, order_uuid
from orders.messages import Terms

_PAYLOAD = b'{"kind":"report","exec_type":"%b","order":%b,"fill":%b,"position":%b,"balances":%b}'
_NOTHING = b"null"
NEW, TRIGGERED, REFUSED = "0", "L", ("8", "I")  # exec_type

amount_text = _edge.decimal_text

Money = tuple[int, int]  # (total, used)
Place = tuple[int, int, int, int]  # (quantity, cost, realised, fees)


class Books:
    """What the engine has told the world of each account: its sequence, balances and positions. Equal to the rows at every commit."""

    def __init__(self) -> None:
        self.sequence: dict[int, int] = {}
        self.balances: dict[tuple[int, int], Money] = {}
        self.positions: dict[tuple[int, int, str], Place] = {}

    def next_seq(self, account_id: int) -> int:
        """The next number of the account channel."""
        seq = self.sequence.get(account_id, 0) + 1
        self.sequence[account_id] = seq
        return seq

    def forget(self, account_id: int) -> None:
        """The account is another shard's from here on."""
        self.sequence.pop(account_id, None)
        for asset in [key for key in self.balances if key[0] == account_id]:
            del self.balances[asset]
        for place in [key for key in self.positions if key[0] == account_id]:
            del self.positions[place]


def order_picture(order: LiveOrder) -> dict[str, Any]:
    """The order as the API shows it."""
    spec = order.instrument
    remaining = order.quantity_lots - order.filled_lots if order.is_open else 0
    tick, lot = spec.tick, spec.lot
    return shapes.order_shape(
        id=_edge.uuid_text(order.id),
        request_id=order.request_id,
        account=order.account.name,
        account_kind=order.account.kind,
        exchange=spec.exchange,
        symbol=spec.symbol,
        type=order.type,
        side=order.side,
        status=order.status,
        price=amount_text(order.price_ticks * tick) if order.type in PRICED else None,
        stop_price=amount_text(order.terms.stop_ticks * tick) if order.terms.stop_ticks else None,
        quantity=amount_text(order.quantity_lots * lot),
        filled_quantity=amount_text(order.filled_lots * lot),
        remaining_quantity=amount_text(remaining * lot),
        average_price=_mean_price(order, spec) if order.filled_lots else None,
        time_in_force=order.time_in_force,
        fee=amount_text(order.fee),
        fee_asset=spec.settle,
        other_fees=order.other_fees,
        created_at=_edge.iso_text(order.created_ns),
        updated_at=_edge.iso_text(order.updated_ns),
        seq=order.seq,
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        order_id=order.order_id,
        user_id=order.user_id,
        exchange_order_id=order.exchange_order_id,
        strategy_id=order.strategy_id,
        source=order.source,
        reason=order.reason,
        conditions=_conditions(order),
    )


def _mean_price(order: LiveOrder, spec: InstrumentSpec) -> str | None:
    return shapes.mean_price_text(
        amount_decimal(order.cost), order.filled_quantity, spec.contract_size, inverse=spec.is_inverse
    )


def _conditions(order: LiveOrder) -> dict[str, Any] | None:
    """What only an order with conditions shows; nothing for most."""
    terms = order.terms
    if terms is NO_TERMS and order.parent_id is None and not order.extra:
        return None
    return shapes.conditions_shape(
        trail_amount=_decimal_text(order.trail_amount),
        trail_percent=_decimal_text(order.trail_percent),
        expires_at=_iso(terms.expires_at_ns),
        take_profit=_decimal_text(order.at(terms.take_profit_ticks)),
        stop_loss=_decimal_text(order.at(terms.stop_loss_ticks)),
        stop_loss_limit=_decimal_text(order.at(terms.stop_loss_limit_ticks)),
        extended_hours=order.extra.get("extended_hours"),
        parent_id=str(order.parent_id) if order.parent_id else None,
        triggered_at=_iso(order.triggered_ns),
    )


def _decimal_text(value: Decimal | None) -> str | None:
    return None if value is None else decimal_text(value)


def _iso(at_ns: int) -> str | None:
    return _edge.iso_text(at_ns) if at_ns else None


class Fold:
    """Applies reports, one by one, to what the engine keeps and to a batch."""

    def __init__(self, shard: int, orders: Orders, books: Books) -> None:
        self.shard = shard
        self.orders = orders
        self.books = books
        self.assets: dict[int, str] = {}  # codes, as of the newest picture of the world

    def report(self, batch: Batch, report: Report, journal_seq: int) -> LiveOrder:
        """One report. The order must be known: the engine made it, recovery read it, or it is born by this report."""
        order = self.orders.by_no(report.order_no) or self._born(report)
        self._move(order, report)
        batch.touched[order.order_no] = order
        fill = self._fill(batch, order, report, journal_seq) if report.exec_type == "F" else None
        position = self._position(batch, order, report) if fill else None
        balances = self._balances(batch, order, report)
        picture = batch.pictures[order.order_no] = dumps(order_picture(order))
        if fill is None:
            told, stands = _NOTHING, _NOTHING
        else:
            told, stands = dumps(fill), dumps(position)
        payload = _PAYLOAD % (report.exec_type.encode(), picture, told, stands, dumps(balances))
        account = order.account
        batch.report(
            account.id, account.owner_id, order.seq, journal_seq, "report", report.exec_type, order.id, payload
        )
        if not order.is_open:
            self.orders.close(order)
        return order

    def _born(self, report: Report) -> LiveOrder:
        """An order nobody commanded: a leg that follows another's fills, with what that other was placed with."""
        leg = leg_of(report.order_no)
        parent = self.orders.by_no(report.order_no ^ leg) if leg and report.exec_type == NEW else None
        if parent is None:
            raise LookupError(f"the core reported on order {report.order_no}, which the engine does not know")
        order = LiveOrder(
            id=order_uuid(report.at_ns, self.shard, report.order_no), order_no=report.order_no, account=parent.account,
            instrument=parent.instrument, request_id=leg_request_id(leg, parent.id), type=TYPE_WORDS[report.type],
            side=SIDE_WORDS[report.side], time_in_force=TIF_WORDS[report.tif], price_ticks=report.price_ticks,
            quantity_lots=report.quantity_lots, created_ns=report.at_ns, updated_ns=report.at_ns, key_id=parent.key_id,
            user_id=parent.user_id, exchange_order_id=str(report.order_no), strategy_id=parent.strategy_id,
            source=parent.source, parent_id=parent.id, reduce_only=bool(report.flags & FLAG_REDUCE_ONLY),
        )  # fmt: skip
        self.orders.add(order)
        return order

    def _move(self, order: LiveOrder, report: Report) -> None:
        order.seq = self.books.next_seq(order.account.id)
        if report.exec_type == "I" and not order.is_open:
            return  # a cancel or amend that came too late: the core knows the order no more, and says nothing of it
        if report.exec_type != "I":  # a refused cancel or amend says how the order stands, it does not move it
            order.status = report.status
        order.updated_ns = report.at_ns
        order.price_ticks = report.price_ticks
        order.quantity_lots = report.quantity_lots
        order.filled_lots = report.filled_lots
        if report.exec_type == "F":
            order.cost = report.cost
            if report.fee_asset_id:
                code = self.assets[report.fee_asset_id]
                sum_so_far = to_amount(Decimal(order.other_fees.get(code, "0")))
                order.other_fees = order.other_fees | {code: amount_text(sum_so_far + report.last_fee)}
            else:
                order.fee += report.last_fee
        if report.terms is not None:
            stop, trail, *rest = report.terms
            order.terms = Terms(stop, trail, bool(report.flags & FLAG_TRAIL_PERCENT), *rest)
        if report.exec_type == TRIGGERED:
            order.triggered_ns = report.at_ns
        if report.reason and report.exec_type != "I":
            order.reason = reason_picture(report, order.instrument)

    def _fill(self, batch: Batch, order: LiveOrder, report: Report, journal_seq: int) -> dict[str, Any]:
        spec, account = order.instrument, order.account
        trade_id = str(report.trade_no)
        fill_id = fill_uuid(account.id, spec.id, trade_id, order.order_no)
        cost, _ = spec.notional(order.side, report.last_ticks, report.last_lots)
        fee_asset_id = report.fee_asset_id or spec.settle_id
        before = self.books.positions.get((account.id, spec.id, order.strategy_id), (0, 0, 0, 0))
        realised = report.position_realised - before[2]
        price, quantity = report.last_ticks * spec.tick, report.last_lots * spec.lot
        batch.fills.append(
            (fill_id, batch.at_ns, account.owner_id, account.id, spec.id, order.id, order.request_id, trade_id,
             order.strategy_id, order.side, report.liquidity, price, quantity, cost, report.last_fee, fee_asset_id,
             realised, order.seq)
        )  # fmt: skip
        legs = postings.of_fill(
            spec, order.side, report.last_ticks, report.last_lots, realised, report.last_fee, fee_asset_id
        )
        postings.write(batch, account, legs, journal_seq, fill_id)
        return shapes.fill_shape(
            id=_edge.uuid_text(fill_id), order_id=_edge.uuid_text(order.id), request_id=order.request_id, exchange_trade_id=trade_id,
            account=account.name, exchange=spec.exchange, symbol=spec.symbol, side=order.side,
            price=amount_text(price), quantity=amount_text(quantity),
            fee=amount_text(report.last_fee), fee_asset=self.assets.get(fee_asset_id, spec.settle), liquidity=report.liquidity,
            strategy_id=order.strategy_id, timestamp=_edge.iso_text(report.at_ns),
        )  # fmt: skip

    def _position(self, batch: Batch, order: LiveOrder, report: Report) -> dict[str, Any]:
        spec, account = order.instrument, order.account
        place = (report.position_quantity, report.position_cost, report.position_realised, report.position_fees)
        self.books.positions[account.id, spec.id, order.strategy_id] = place
        batch.positions[account.id, spec.id, order.strategy_id] = (
            account.id, account.owner_id, spec.id, order.strategy_id, *place, order.seq, batch.at_ns,
        )  # fmt: skip
        quantity, cost, realised, fees = place
        return shapes.position_shape(
            account=account.name, exchange=spec.exchange, symbol=spec.symbol, strategy_id=order.strategy_id,
            quantity=amount_text(quantity),
            average_price=shapes.mean_price_text(amount_decimal(cost), amount_decimal(quantity), inverse=spec.is_inverse),
            mark_price=None, realised=amount_text(realised), unrealised=None, fees=amount_text(fees),
            as_of_seq=order.seq, reconciled_at=None, state="OK",
        )  # fmt: skip

    def _balances(self, batch: Batch, order: LiveOrder, report: Report) -> list[dict[str, Any]]:
        """What an execution left of both assets; anything else changes the hold of one, and a refusal nothing."""
        spec, account = order.instrument, order.account
        base, quote = (spec.base_id, spec.base), (spec.quote_id, spec.quote)
        if spec.is_contract:  # both stand for what it settles in
            base = quote = (spec.settle_id, spec.settle)
        if report.exec_type == "F":
            rows = [(*base, report.base_total, report.base_hold), (*quote, report.quote_total, report.quote_hold)]
            if report.fee_asset_id not in (0, base[0], quote[0]):
                total, hold = self.books.balances.get((account.id, report.fee_asset_id), (0, 0))
                rows.append((report.fee_asset_id, self.assets[report.fee_asset_id], total - report.last_fee, hold))
        elif report.reason and report.exec_type in REFUSED:
            rows = []
        else:
            asset_id, asset = quote if order.side == "buy" else base
            rows = [(asset_id, asset, self.books.balances.get((account.id, asset_id), (0, 0))[0], report.held)]
        shapes_of = (self.balance(batch, account, *row, order.seq) for row in rows)
        return [balance for balance in shapes_of if balance]

    def balance(
        self, batch: Batch, account: AccountSpec, asset_id: int, asset: str, total: int, hold: int, seq: int
    ) -> dict[str, Any] | None:
        """One balance after a change; None when it did not change."""
        if self.books.balances.get((account.id, asset_id), (0, 0)) == (total, hold):
            return None
        self.books.balances[account.id, asset_id] = (total, hold)
        batch.balances[account.id, asset_id] = (
            account.id,
            account.owner_id,
            asset_id,
            total,
            hold,
            seq,
        )
        return shapes.balance_shape(
            account=account.name, asset=asset, total=amount_text(total), free=amount_text(total - hold),
            used=amount_text(hold),
        )  # fmt: skip


def reason_picture(report: Report, spec: InstrumentSpec) -> dict[str, Any]:
    """Why the core refused or ended an order; a refusal has its numbers, in the units of their kind."""
    code = report.reason
    if report.exec_type not in REFUSED:
        return shapes.reason_shape(code)
    return shapes.reason_shape(code, numbers.show(code, report.limit, spec), numbers.show(code, report.value, spec))
