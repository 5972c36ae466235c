"""The C core and the slow house side by side: both always told the same, and compared in everything anybody can see."""

from __future__ import annotations

from typing import Any, NamedTuple

from orders import _core
from tests.oracle import words
from tests.oracle.house import House
from tests.orders.core_cast import Report, read, reason_name, set_instrument, set_limits

ACCOUNTS = (1, 2, 3)
OWNERS = {1: 1, 2: 2, 3: 2}  # the third is the second's other account
ASSETS = (1, 2, 3)
INSTRUMENTS = (1, 2)
OPEN_MAX, OPEN_HERE_MAX = 12, 9
START_NS = words.DAY_NS * 20_000 - 3_600 * words.SECOND_NS  # an hour before midnight


class Setting(NamedTuple):
    """What differs between two runs before the first command."""

    units: tuple[int, int] = (1, 1)
    fees: tuple[int, int] = (0, 0)
    money: int = 10**9
    policies: tuple[int, int, int] = (0, 1, 1)


class Placed(NamedTuple):
    """A place, but for its number."""

    account: int
    instrument: int
    side: int
    kind: int = words.LIMIT
    tif: int = words.GTC
    flags: int = 0
    strategy: int = 0
    price: int = 0
    lots: int = 1
    stop: int = 0
    trail: int = 0
    expires: int = 0  # seconds from now
    tp: int = 0
    sl: int = 0
    sl_limit: int = 0


def instruments(setting: Setting) -> dict[int, words.Instrument]:
    (base, quote), (maker, taker) = setting.units, setting.fees
    return {
        1: words.Instrument(1, 2, base, quote, maker_ppm=maker, taker_ppm=taker),
        2: words.Instrument(1, 3, 1, 1, 2, 50, 150, maker_ppm=taker, taker_ppm=maker),
    }


def core_of(setting: Setting) -> _core.Core:
    core = _core.Core()
    for number, spec in instruments(setting).items():
        set_instrument(
            core, number, base_asset=spec.base_asset, quote_asset=spec.quote_asset, base_unit=spec.base_unit,
            quote_unit=spec.quote_unit, quantity_min_lots=spec.quantity_min, quantity_max_lots=spec.quantity_max,
            notional_min=spec.notional_min, maker_fee_ppm=spec.maker_ppm, taker_fee_ppm=spec.taker_ppm,
        )  # fmt: skip
    for account in ACCOUNTS:
        core.set_account(account, owner=OWNERS[account])
        policy = setting.policies[account - 1]
        set_limits(
            core, account, open_orders_max=OPEN_MAX, open_orders_instrument_max=OPEN_HERE_MAX, **_self_trade(policy)
        )
        for asset in ASSETS:
            core.post(account, asset, setting.money)
    return core


def _self_trade(policy: int) -> dict[str, int]:
    return {"self_trade": policy}


def house_of(setting: Setting) -> House:
    house = House()
    for number, spec in instruments(setting).items():
        house.add_instrument(number, spec)
    for account in ACCOUNTS:
        limits = words.Limits(OPEN_MAX, OPEN_HERE_MAX, 0, setting.policies[account - 1])
        house.add_account(account, OWNERS[account], limits)
        for asset in ASSETS:
            house.post(account, asset, setting.money)
    return house


class Pair:
    def __init__(self, setting: Setting) -> None:
        self.setting, self.core, self.house = setting, core_of(setting), house_of(setting)
        self.now, self.last_no, self.journal, self.heard = START_NS, 0, b"", 0
        self.tellings: list[tuple[int, tuple[int, int, int]]] = []  # halts, and how much was journalled before them

    # -- commands -----------------------------------------------------------------------------------------------------------

    def place(self, p: Placed) -> None:
        self.now += 1
        self.last_no += 1
        expires = self.now + p.expires * words.SECOND_NS if p.tif == words.GTD else 0
        order = words.Order(
            self.last_no, p.account, p.instrument, p.strategy, p.side, p.kind, p.tif, p.flags, p.price, p.lots, p.stop, p.trail,
            expires, p.tp, p.sl, p.sl_limit,
        )  # fmt: skip
        plain = (
            self.now, self.last_no, p.account, p.instrument, 1, p.side, p.kind, p.tif, p.flags, p.strategy, p.price, p.lots,
        )  # fmt: skip
        terms = (p.stop, p.trail, expires, p.tp, p.sl, p.sl_limit)
        reason = self.core.place_with(*plain, 0, *terms) if any(terms) else self.core.place(*plain)
        self.agree(reason, self.house.place(self.now, order), p)

    def cancel(self, order_no: int) -> None:
        self.now += 1
        self.agree(self.core.cancel(self.now, order_no), self.house.cancel(self.now, order_no), f"cancel {order_no:x}")

    def amend(self, order_no: int, flags: int, price: int, lots: int) -> None:
        self.now += 1
        reason = self.core.amend(self.now, order_no, flags, price, lots)
        self.agree(reason, self.house.amend(self.now, order_no, flags, price, lots), f"amend {order_no:x}")

    def sweep(self, account: int, instrument: int, strategy: int | None, side: int | None) -> None:
        self.now += 1
        any_strategy = _core.ANY_STRATEGY if strategy is None else strategy
        any_side = _core.ANY_SIDE if side is None else side
        reason = self.core.sweep(self.now, account, instrument, any_strategy, any_side)
        self.agree(reason, self.house.sweep(self.now, account, instrument, strategy, side), "sweep")

    def wait(self, seconds: int) -> None:
        self.now += seconds * words.SECOND_NS
        self.core.time(self.now)
        self.house.time(self.now)
        self.agree(0, "", "time")

    def halt(self, scope: int, key: int, state: int) -> None:
        self.core.set_halt(scope, key, state)
        self.house.set_halt(scope, key, state)
        self.tellings.append((len(self.journal), (scope, key, state)))

    def known(self, pick: int) -> int:
        """Some order's number: mostly one that is open, a child's among them, sometimes one that is over or never was."""
        numbers = sorted({*self.house.orders, *self.house.agents, self.last_no, 1})
        return numbers[pick % len(numbers)]

    # -- comparing ----------------------------------------------------------------------------------------------------------

    def agree(self, reason: int, why: str, what: object) -> None:
        assert reason_name(reason) == why, what
        raw = self.core.reports()
        self.journal += raw
        reports = [report for report in read(raw) if report.exec_type != "I"]
        events, self.heard = self.house.events[self.heard :], len(self.house.events)
        assert [_told(report) for report in reports] == [_told(event) for event in events], what
        self.compare()

    def compare(self) -> None:
        core, house = self.core, self.house
        core.verify()
        for account in ACCOUNTS:
            for asset in ASSETS:
                total = house.world.totals[account, asset]
                assert core.balance(account, asset) == (total, house.hold(account, asset)), (account, asset)
            open_orders = [order for order in house.orders.values() if order.account == account]
            assert sorted(core.open_orders(account)) == sorted(order.order_no for order in open_orders)
            for order in open_orders:
                seen = core.order(order.order_no)
                assert seen is not None
                shown = [seen[name] for name in ("price_ticks", "qty_lots", "filled_lots", "hold", "cum_cost")]
                assert shown == [order.price, order.lots, order.filled, order.hold, order.cost], order
            for instrument, strategy, *numbers in core.positions(account):
                p = house.world.positions.get((account, instrument, strategy), words.Position())
                assert numbers[:4] == [p.quantity, p.cost, p.realised, p.fees]
        for number, book in house.books.items():
            assert core.depth(number, 50) == book.depth(50)
        assert core.stats()["trades"] == len(house.trades)

    def replay(self) -> None:
        """Reports and tellings alone give the same account half, twice is once, and a checkpoint is the same core again."""
        again, at = core_of(self.setting), 0
        for until, halt in [*self.tellings, (len(self.journal), None)]:
            again.apply(self.journal[at:until])
            again.apply(self.journal[at:until])
            at = until
            if halt is not None:
                again.set_halt(*halt)
        assert again.hash() == self.core.hash()
        restored = _core.Core()
        restored.restore(self.core.checkpoint())
        assert restored.hash() == self.core.hash()
        fork = self.core.fork()
        assert fork.hash() == self.core.hash()
        for one in (again, restored, fork):
            if one is not fork:
                one.rebuild_books()
            one.verify()
            if not self.house.agents:
                assert [one.depth(n, 50) for n in INSTRUMENTS] == [self.core.depth(n, 50) for n in INSTRUMENTS]


def _told(one: Report | words.Event) -> tuple[Any, ...]:
    """What both tell of an event; a letter's own numbers only where the letter has them."""
    common = (
        one.exec_type,
        f"{one.order_no:x}",
        one.ord_status,
        one.why,
        one.account,
        one.instrument,
        one.price_ticks,
        one.qty_lots,
    )
    state = (one.filled_lots, one.hold)
    if one.exec_type == "F":
        return (*common, *state, one.last_ticks, one.last_lots, one.last_fee, one.cum_cost)
    if one.exec_type in "DL":
        return (*common, *state, one.last_ticks)
    return (*common, *state) if one.exec_type != "8" else common
