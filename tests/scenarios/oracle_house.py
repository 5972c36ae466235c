"""The slow oracle lives through a scenario, by the same numbers as the core."""

from __future__ import annotations

from typing import Any

from tests.oracle.house import House as Oracle
from tests.oracle.words import Instrument, Limits
from tests.oracle.words import Order as OracleOrder
from tests.scenarios.core_house import HALTS, KINDS, SIDES, TIFS, CoreHouse, Names, swap
from tests.scenarios.reading import UNIT, Account, Amend, Cancel, Halt, Order, Scenario, Step, Sweep, Time, whole
from tests.scenarios.tables import STATUS, WORDS, Fill, Levels, Seen


class OracleHouse(CoreHouse):
    """The core's house with another inside."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.names, self.oracle = scenario, Names(scenario), Oracle()
        self._seen: dict[int, Seen] = {}
        self._fills: list[Fill] = []
        for market in scenario.markets.values():
            spec = Instrument(
                self.names.assets[market.base], self.names.assets[market.quote], market.base_unit, market.quote_unit,
                max(1, whole(market.least_quantity / market.lot)), whole(market.most_quantity / market.lot),
                whole(market.least_value * UNIT), market.maker_ppm, market.taker_ppm,
            )  # fmt: skip
            self.oracle.add_instrument(self.names.instruments[market.symbol], spec)
        for account in scenario.accounts.values():
            number = self.names.accounts[account.name]
            limits = Limits(account.open_orders, 0, whole(account.value_max * UNIT), account.self_trade)
            self.oracle.add_account(number, self.names.owners[account.owner], limits)
            for asset, money in account.money.items():
                self.oracle.post(number, self.names.assets[asset], whole(money * UNIT))

    def take(self, step: Step, at_ns: int) -> str:
        before = len(self.oracle.events)
        reason = self._ask(step.do, at_ns)
        self._hear_from(before)
        return reason

    def _ask(self, do: Any, at_ns: int) -> str:
        oracle, names = self.oracle, self.names
        if isinstance(do, Order):
            return oracle.place(at_ns, self._order(do))
        if isinstance(do, Cancel):
            return oracle.cancel(at_ns, names.number(do.label))
        if isinstance(do, Amend):
            seen = self._seen[names.number(do.label)]
            market = self.scenario.markets[seen.symbol]
            lots = market.lots(do.quantity) if do.quantity else seen.lots
            return oracle.amend(at_ns, names.number(do.label), 0, market.ticks(do.price) if do.price else 0, lots)
        if isinstance(do, Sweep):
            strategy = None if do.strategy is None else names.strategy(do.strategy)
            side = SIDES[do.side] if do.side else None
            return oracle.sweep(at_ns, names.accounts[do.who], names.instruments.get(do.symbol, 0), strategy, side)
        if isinstance(do, Time):
            oracle.time(at_ns)
        elif isinstance(do, Halt):
            oracle.set_halt(*self._scope(do), HALTS[do.state])
        return ""

    def _order(self, order: Order) -> OracleOrder:
        names = self.names
        flags = 32 * order.post_only | 64 * order.reduce_only | 128 * order.trail_percent
        return OracleOrder(
            names.number(order.label), names.accounts[order.who], names.instruments[order.symbol],
            names.strategy(order.strategy), SIDES[order.side], KINDS[order.kind], TIFS[order.tif], flags, order.price,
            order.lots, order.stop, order.trail, order.expires_ns, order.tp, order.sl, order.sl_limit,
        )  # fmt: skip

    def _hear_from(self, before: int) -> None:
        symbols = swap(self.names.instruments)
        for event in self.oracle.events[before:]:
            label, symbol = self.names.label(event.order_no), symbols[event.instrument]
            seen = self._seen.setdefault(event.order_no, Seen(label, symbol, event.qty_lots, event.price_ticks))
            seen.status, seen.lots, seen.filled = STATUS[event.ord_status], event.qty_lots, event.filled_lots
            seen.ticks, seen.reason = event.price_ticks, event.why
            seen.history.append(WORDS[event.exec_type])
            if event.exec_type == "F":
                self._fills.append(Fill(label, symbol, event.last_lots, event.last_ticks, event.last_fee))

    def book(self, symbol: str) -> tuple[Levels, Levels]:
        return self.oracle.books[self.names.instruments[symbol]].depth(1000)

    def positions(self) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
        accounts, symbols, strategies = (
            swap(n) for n in (self.names.accounts, self.names.instruments, self.names.strategies)
        )
        return {
            (accounts[a], symbols[i], strategies[s]): (p.quantity, p.cost, p.realised, p.fees)
            for (a, i, s), p in self.oracle.world.positions.items()
        }

    def balance(self, account: Account, asset: str) -> tuple[int, int]:
        who, what = self.names.accounts[account.name], self.names.assets[asset]
        return self.oracle.world.totals.get((who, what), 0), self.oracle.hold(who, what)
