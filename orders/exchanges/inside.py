"""An exchange whose market half is the engine's own core: the simulated one, and the one of paper money.

`CoreExchange` lives in the engine's process: it submits into the core's books and answers from the market half alone,
that is from what stands in the book and from the tape, so that it can contradict an account half that missed something.
`RemoteCoreExchange` is the same exchange seen from any other process: its questions travel to the engine as `Query`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from orders import _core, caller, messages
from orders.engine.words import TIFS, TYPES
from orders.exchanges.base import Exchange, ExchangeError, ExchangeFill, ExchangeOrder, ExchangeRequest, Sighting
from orders.simulator.simulator import Simulator
from orders.simulator.tape import UserTrade

ORDERS_MAX = 1000  # in one answer

_SIDES = ("buy", "sell")
_WAITS = frozenset(TYPES.values()) - {_core.TYPE_LIMIT, _core.TYPE_MARKET}

_encode = msgspec.json.Encoder().encode
_orders = msgspec.json.Decoder(list[ExchangeOrder]).decode
_fills = msgspec.json.Decoder(list[ExchangeFill]).decode
_sightings = msgspec.json.Decoder(list[Sighting]).decode


def trade_id(trade_no: int) -> str:
    """The exchange_trade_id of a trade of the core."""
    return str(trade_no)


class CoreExchange(Exchange):
    """The core's market half as an exchange. Only in the thread of the engine that owns the core."""

    def __init__(self, core: _core.Core, simulator: Simulator) -> None:
        self._core = core
        self._simulator = simulator

    def submit(self, request: ExchangeRequest) -> str:
        """Place into the core. Its reports wait in the core's ring like those of any command."""
        reason = self._core.place(
            request.at_ns, request.number, request.account_id, request.instrument_id, request.spec_version,
            _SIDES.index(request.side), TYPES[request.type], TIFS[request.time_in_force], 0, request.strategy,
            request.price_ticks, request.quantity_lots,
        )  # fmt: skip
        _raise(reason)
        return str(request.number)

    def cancel(self, account_id: int, exchange_order_id: str, at_ns: int) -> None:
        """Take the order off the book."""
        _raise(self._core.cancel(at_ns, int(exchange_order_id)))

    def amend(self, account_id: int, exchange_order_id: str, price_ticks: int, quantity_lots: int, at_ns: int) -> None:
        """Another price and total quantity; shrinking at the same price keeps the place in the queue."""
        _raise(self._core.amend(at_ns, int(exchange_order_id), 0, price_ticks, quantity_lots))

    def fetch_order(self, account_id: int, exchange_order_id: str) -> ExchangeOrder | None:
        """What stands in the book under this number or waits for its price, or stood and traded since this process started."""
        self._simulator.collect()
        number = int(exchange_order_id)
        trades = self._simulator.tape.of_order(number)
        filled = sum(trade.lots for trade in trades)
        standing = self._core.market_order(number)
        if standing is not None:
            return ExchangeOrder(
                exchange_order_id, standing["instrument"], _SIDES[standing["side"]], True, standing["price_ticks"],
                standing["remaining_lots"], filled,
            )  # fmt: skip
        waiting = self._core.order(number)
        if waiting is not None and waiting["type"] in _WAITS and not waiting["flags"] & _core.FLAG_TRIGGERED:
            return ExchangeOrder(
                exchange_order_id, waiting["instrument"], _SIDES[waiting["side"]], True, waiting["price_ticks"],
                waiting["qty_lots"] - waiting["filled_lots"], filled,
            )  # fmt: skip
        if not trades:
            return None
        last = trades[-1]
        return ExchangeOrder(exchange_order_id, last.instrument, _SIDES[last.side], False, last.ticks, 0, filled)

    def open_orders(self, account_id: int) -> list[ExchangeOrder]:
        """The newest orders of the account that stand in the books, at most 1000."""
        found = (self.fetch_order(account_id, str(number)) for number in self._newest(account_id))
        return [order for order in found if order is not None and order.open]

    def fills(self, account_id: int, exchange_order_id: str | None = None, since_ns: int = 0) -> list[ExchangeFill]:
        """Executions off the tape. The tape names no accounts: without an order, these are the executions of its open
        orders.
        """
        self._simulator.collect()
        numbers = self._newest(account_id) if exchange_order_id is None else [int(exchange_order_id)]
        trades = [trade for number in numbers for trade in self._simulator.tape.of_order(number)]
        return [_fill(trade) for trade in sorted(trades) if trade.at_ns >= since_ns]

    def _newest(self, account_id: int) -> list[int]:
        return self._core.open_orders(account_id)[:ORDERS_MAX]

    def answer(self, query: messages.Query) -> bytes:
        """The JSON body that answers a question of `RemoteCoreExchange`. ValueError for a question nobody asks."""
        number = str(query.order_no)
        if query.kind == "fetch_order":
            order = self.fetch_order(query.account_id, number)
            return _encode([] if order is None else [order])
        if query.kind == "fetch_orders":
            return _encode(self.fetch_orders(query.account_id, [str(number) for number in query.order_nos]))
        if query.kind == "open_orders":
            return _encode(self.open_orders(query.account_id))
        if query.kind == "fills":
            return _encode(self.fills(query.account_id, number if query.order_no else None, query.since_ns))
        raise ValueError(f"an exchange was asked for {query.kind!r}, a question it does not know")


class RemoteCoreExchange(Exchange):
    """The same from outside the engine. Orders go the ordinary way, as commands; here are only the
    questions.
    """

    def __init__(self, ask: Callable[[messages.Query], messages.Reply]) -> None:
        self._ask = ask

    def submit(self, request: ExchangeRequest) -> str:
        """Refused: an order for it is a command to its engine."""
        raise self._missing("submit outside its engine; send a Place command")

    def cancel(self, account_id: int, exchange_order_id: str, at_ns: int) -> None:
        """Refused likewise."""
        raise self._missing("cancel outside its engine; send a Cancel command")

    def fetch_order(self, account_id: int, exchange_order_id: str) -> ExchangeOrder | None:
        """One order; None when it neither stands nor traded since the engine started."""
        found = _orders(self._query("fetch_order", account_id, order_no=int(exchange_order_id)))
        return found[0] if found else None

    def fetch_orders(self, account_id: int, exchange_order_ids: Sequence[str]) -> list[Sighting]:
        """Many orders in one question."""
        return _sightings(self._query("fetch_orders", account_id, order_nos=list(map(int, exchange_order_ids))))

    def open_orders(self, account_id: int) -> list[ExchangeOrder]:
        """The newest orders of the account that stand in the books, at most 1000."""
        return _orders(self._query("open_orders", account_id))

    def fills(self, account_id: int, exchange_order_id: str | None = None, since_ns: int = 0) -> list[ExchangeFill]:
        """Executions of one order, or of the account's open orders."""
        return _fills(self._query("fills", account_id, order_no=int(exchange_order_id or 0), since_ns=since_ns))

    def _query(self, kind: str, account_id: int, **details: Any) -> bytes:
        query = messages.Query(owner_id=0, kind=kind, account_id=account_id, **details)
        try:
            reply = self._ask(query)
        except (caller.NotAccepted, caller.NoAnswer) as trouble:
            sentence = f"the exchange's engine gave no answer to {kind}; nothing was changed, ask again"
            raise ExchangeError(sentence, outcome_known=True, code="NO_ANSWER") from trouble
        if reply.status != 200:
            sentence = f"the exchange's engine answered {reply.status} to {kind}; nothing was changed"
            raise ExchangeError(sentence, outcome_known=True, code="REFUSED")
        return reply.body


def _raise(reason: int) -> None:
    if reason:
        code = _core.REASONS[reason]
        raise ExchangeError(f"the exchange refused: {code}", outcome_known=True, code=code)


def _fill(trade: UserTrade) -> ExchangeFill:
    return ExchangeFill(
        trade_id(trade.trade_no), str(trade.order_no), trade.instrument, _SIDES[trade.side], trade.ticks, trade.lots,
        trade.maker, trade.at_ns,
    )  # fmt: skip
