"""The C core lives through a scenario; what it shows is folded from its reports."""

from __future__ import annotations

from typing import Any

from orders import _core
from tests.orders.core_cast import read, reason_name, set_instrument
from tests.scenarios.reading import UNIT, Account, Amend, Cancel, Halt, Order, Scenario, Step, Sweep, Time, whole
from tests.scenarios.tables import STATUS, WORDS, Fill, Levels, Seen

KINDS = {"limit": _core.TYPE_LIMIT, "market": _core.TYPE_MARKET, "stop": _core.TYPE_STOP, "stop_limit": _core.TYPE_STOP_LIMIT,
         "take_profit": _core.TYPE_TAKE_PROFIT, "take_profit_limit": _core.TYPE_TAKE_PROFIT_LIMIT,
         "trailing_stop": _core.TYPE_TRAILING_STOP}  # fmt: skip
TIFS = {"gtc": _core.TIF_GTC, "ioc": _core.TIF_IOC, "fok": _core.TIF_FOK, "day": _core.TIF_DAY, "gtd": _core.TIF_GTD}
SIDES = {"buy": _core.SIDE_BUY, "sell": _core.SIDE_SELL}
HALTS = {"active": _core.HALT_ACTIVE, "reducing": _core.HALT_REDUCING, "halted": _core.HALT_HALTED}
EXCHANGE = 1
CHILDREN = {_core.CHILD_TAKE_PROFIT: "tp", _core.CHILD_STOP_LOSS: "sl"}


class Names:
    """Numbers for the words of a scenario, the same in every house that needs numbers."""

    def __init__(self, scenario: Scenario) -> None:
        markets, accounts = scenario.markets.values(), scenario.accounts.values()
        self.instruments = {market.symbol: n for n, market in enumerate(markets, 1)}
        assets = {asset for market in markets for asset in (market.base, market.quote)}
        self.assets = {asset: n for n, asset in enumerate(sorted(assets), 1)}
        self.accounts = {account.name: n for n, account in enumerate(accounts, 1)}
        self.owners = {owner: n for n, owner in enumerate(sorted({account.owner for account in accounts}), 1)}
        self.strategies: dict[str, int] = {"": 0}
        self.orders: dict[str, int] = {}

    def strategy(self, name: str) -> int:
        return self.strategies.setdefault(name, 1000 + len(self.strategies))

    def number(self, label: str) -> int:
        """An order's, given at its first use; a child's is its parent's, marked."""
        parent, _, child = label.partition(".")
        if child:
            return self.orders[parent] | next(bit for bit, name in CHILDREN.items() if name == child)
        return self.orders.setdefault(label, len(self.orders) + 1)

    def label(self, number: int) -> str:
        child = next((f".{name}" for bit, name in CHILDREN.items() if number & bit), "")
        plain = number & ~(_core.CHILD_TAKE_PROFIT | _core.CHILD_STOP_LOSS)
        return next(label for label, known in self.orders.items() if known == plain) + child


def swap(numbers: dict[str, int]) -> dict[int, str]:
    return {number: word for word, number in numbers.items()}


class CoreHouse:
    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.names, self.core = scenario, Names(scenario), _core.Core()
        self._seen: dict[int, Seen] = {}
        self._fills: list[Fill] = []
        for market in scenario.markets.values():
            set_instrument(
                self.core, self.names.instruments[market.symbol], exchange=EXCHANGE,
                base_asset=self.names.assets[market.base], quote_asset=self.names.assets[market.quote],
                base_unit=market.base_unit, quote_unit=market.quote_unit, maker_fee_ppm=market.maker_ppm,
                taker_fee_ppm=market.taker_ppm, quantity_min_lots=whole(market.least_quantity / market.lot),
                quantity_max_lots=whole(market.most_quantity / market.lot), notional_min=whole(market.least_value * UNIT),
            )  # fmt: skip
        for account in scenario.accounts.values():
            number = self.names.accounts[account.name]
            self.core.set_account(number, owner=self.names.owners[account.owner])
            self.set_limits(number, account)
            for asset, money in account.money.items():
                self.core.post(number, self.names.assets[asset], whole(money * UNIT))

    def set_limits(self, number: int, account: Account) -> None:
        self.core.set_limits(
            _core.SCOPE_ACCOUNT, number, open_orders_max=account.open_orders, notional_max=whole(account.value_max * UNIT),
            self_trade=account.self_trade,
        )  # fmt: skip

    def take(self, step: Step, at_ns: int) -> str:
        reason = self._call(step.do, at_ns)
        self._hear()
        return reason_name(reason)

    def _call(self, do: Any, at_ns: int) -> int:
        core, names = self.core, self.names
        if isinstance(do, Order):
            return self._place(do, at_ns)
        if isinstance(do, Cancel):
            return core.cancel(at_ns, names.number(do.label))
        if isinstance(do, Amend):
            market = self.scenario.markets[self._seen[names.number(do.label)].symbol]
            seen = self._seen[names.number(do.label)]
            lots = market.lots(do.quantity) if do.quantity else seen.lots
            return core.amend(at_ns, names.number(do.label), 0, market.ticks(do.price) if do.price else 0, lots)
        if isinstance(do, Sweep):
            strategy = _core.ANY_STRATEGY if do.strategy is None else names.strategy(do.strategy)
            side = SIDES[do.side] if do.side else _core.ANY_SIDE
            return core.sweep(at_ns, names.accounts[do.who], names.instruments.get(do.symbol, 0), strategy, side)
        if isinstance(do, Time):
            core.time(at_ns)
        elif isinstance(do, Halt):
            core.set_halt(*self._scope(do), HALTS[do.state])
        return 0

    def _scope(self, halt: Halt) -> tuple[int, int]:
        names = self.names
        return {
            "global": lambda: (_core.SCOPE_GLOBAL, 0),
            "account": lambda: (_core.SCOPE_ACCOUNT, names.accounts[halt.key]),
            "instrument": lambda: (_core.SCOPE_INSTRUMENT, names.instruments[halt.key]),
            "strategy": lambda: (_core.SCOPE_STRATEGY, names.strategy(halt.key)),
        }[halt.scope]()

    def _place(self, order: Order, at_ns: int) -> int:
        names = self.names
        flags = _core.FLAG_POST_ONLY * order.post_only | _core.FLAG_REDUCE_ONLY * order.reduce_only
        flags |= _core.FLAG_TRAIL_PERCENT * order.trail_percent
        words = (
            at_ns, names.number(order.label), names.accounts[order.who], names.instruments[order.symbol], 1, SIDES[order.side],
            KINDS[order.kind], TIFS[order.tif], flags, names.strategy(order.strategy), order.price, order.lots,
        )  # fmt: skip
        terms = (order.stop, order.trail, order.expires_ns, order.tp, order.sl, order.sl_limit)
        return self.core.place_with(*words, 0, *terms) if any(terms) else self.core.place(*words)

    def _hear(self) -> None:
        symbols = swap(self.names.instruments)
        for report in read(self.core.reports()):
            if report.exec_type == "I":
                continue
            label, symbol = self.names.label(report.order_no), symbols[report.instrument]
            seen = self._seen.setdefault(report.order_no, Seen(label, symbol, report.qty_lots, report.price_ticks))
            seen.status, seen.lots, seen.filled = STATUS[report.ord_status], report.qty_lots, report.filled_lots
            seen.ticks, seen.reason = report.price_ticks, report.why
            seen.history.append(WORDS[report.exec_type])
            if report.exec_type == "F":
                self._fills.append(Fill(label, symbol, report.last_lots, report.last_ticks, report.last_fee))

    def orders(self) -> list[Seen]:
        def place(number: int) -> tuple[int, int]:
            child = number & (_core.CHILD_TAKE_PROFIT | _core.CHILD_STOP_LOSS)
            return number & ~child, -child if child else -(1 << 63)

        return [self._seen[number] for number in sorted(self._seen, key=place)]

    def fills(self) -> list[Fill]:
        return self._fills

    def book(self, symbol: str) -> tuple[Levels, Levels]:
        return self.core.depth(self.names.instruments[symbol], 1000)

    def positions(self) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
        symbols, strategies = swap(self.names.instruments), swap(self.names.strategies)
        return {
            (account, symbols[instrument], strategies[strategy]): (quantity, cost, realised, fees)
            for account, number in self.names.accounts.items()
            for instrument, strategy, quantity, cost, realised, fees in self.core.positions(number)
        }

    def balance(self, account: Account, asset: str) -> tuple[int, int]:
        return self.core.balance(self.names.accounts[account.name], self.names.assets[asset])
