"""What the slow house keeps about things, and how it tells what happened."""

from __future__ import annotations

from dataclasses import dataclass, field

BUY, SELL = 0, 1
LIMIT, MARKET, STOP, STOP_LIMIT, TAKE_PROFIT, TAKE_PROFIT_LIMIT, TRAILING_STOP = range(7)
GTC, IOC, FOK, DAY, GTD = range(5)
AGENT, QTY_REMAINING, ALLOW_SELF_TRADE = 1, 2, 4
POST_ONLY, REDUCE_ONLY, TRAIL_PERCENT, TRIGGERED, ALLOW_DUPLICATE = 32, 64, 128, 256, 512
STOP_LEG, PROFIT_LEG = 1 << 61, 1 << 62
PPM = 1_000_000
BASIS_POINTS = 10_000
AMOUNT_MAX = 10**36
INT64_MAX = 2**63 - 1
SECOND_NS = 10**9
DAY_NS = 86_400 * SECOND_NS
ALLOW, REJECT_NEWEST, CANCEL_OLDEST = 0, 1, 2
ACTIVE, REDUCING, HALTED = 0, 1, 2


def fee_of(notional: int, ppm: int) -> int:
    """Rounded up to the next unit."""
    return -(-notional * ppm // PPM)


@dataclass(frozen=True)
class Instrument:
    base_asset: int
    quote_asset: int
    base_unit: int = 1
    quote_unit: int = 1
    quantity_min: int = 1
    quantity_max: int = 0
    notional_min: int = 0
    maker_ppm: int = 0
    taker_ppm: int = 0


@dataclass(frozen=True)
class Limits:
    open_orders: int = 0
    open_orders_here: int = 0
    notional_max: int = 0
    self_trade: int = REJECT_NEWEST


@dataclass
class Order:
    """An order of somebody, open. `waiting`: a stop whose price has not come."""

    order_no: int
    account: int
    instrument: int
    strategy: int
    side: int
    kind: int
    tif: int
    flags: int
    price: int
    lots: int
    stop: int = 0
    trail: int = 0
    expires: int = 0
    tp: int = 0
    sl: int = 0
    sl_limit: int = 0
    filled: int = 0
    hold: int = 0
    cost: int = 0
    remaining: int = 0  # lots it may still trade, at most what is open
    waiting: bool = False
    arrival: int = 0  # when it took its place in a queue; loses it by growing or moving
    born: int = 0  # when it was placed
    gives_way: bool = False  # its owner's own orders leave when it meets them
    follows: int = 0  # where prints have moved a trailing stop
    sized: int = 0  # an entry's filled lots that its children know of
    bore: bool = False  # its children were born
    due: set[str] = field(default_factory=set)  # what is to be done with it once the command is over
    due_price: int = 0

    @property
    def open(self) -> int:
        return self.lots - self.filled

    @property
    def buys(self) -> bool:
        return self.side == BUY

    @property
    def has_limit(self) -> bool:
        return self.kind in (LIMIT, STOP_LIMIT, TAKE_PROFIT_LIMIT)

    @property
    def is_conditional(self) -> bool:
        return self.kind >= STOP

    @property
    def rests(self) -> bool:
        return self.has_limit and self.tif not in (IOC, FOK)

    @property
    def reduce_only(self) -> bool:
        return bool(self.flags & REDUCE_ONLY)

    @property
    def has_terms(self) -> bool:
        """It carries more than a price and a quantity."""
        return bool(self.stop or self.trail or self.expires or self.tp or self.sl or self.is_child)

    @property
    def is_child(self) -> bool:
        return self.order_no != self.parent

    @property
    def is_stop_leg(self) -> bool:
        return bool(self.order_no & STOP_LEG)

    @property
    def has_others(self) -> bool:
        """It is an entry, or one leg of two."""
        return bool(self.tp or self.sl or self.is_child)

    @property
    def parent(self) -> int:
        """The number of the order it follows; its own when it follows none."""
        return self.order_no & ~(STOP_LEG | PROFIT_LEG)


@dataclass
class Position:
    quantity: int = 0
    cost: int = 0
    realised: int = 0
    fees: int = 0

    def fill(self, side: int, amount: int, notional: int, fee: int) -> None:
        """Average cost; what rounding leaves stays with the open part."""
        sign = 1 if side == BUY else -1
        self.fees += fee
        if self.quantity * sign < 0:
            held = abs(self.quantity)
            closing = min(held, amount)
            closing_notional = notional * closing // amount
            removed = abs(self.cost) * closing // held
            self.realised += closing_notional - removed if side == SELL else removed - closing_notional
            self.quantity += sign * closing
            self.cost += sign * removed
            amount -= closing
            notional -= closing_notional
        self.quantity += sign * amount
        self.cost += sign * notional


@dataclass(frozen=True)
class Event:
    """One report, in the core's words: what happened to an order, with the state after it."""

    exec_type: str
    order_no: int
    ord_status: str
    why: str
    account: int
    instrument: int
    price_ticks: int
    qty_lots: int
    filled_lots: int = 0
    hold: int = 0
    cum_cost: int = 0
    last_ticks: int = 0
    last_lots: int = 0
    last_fee: int = 0


@dataclass
class World:
    """Who and what there is."""

    instruments: dict[int, Instrument] = field(default_factory=dict)
    owners: dict[int, int] = field(default_factory=dict)
    limits: dict[int, Limits] = field(default_factory=dict)
    halts: dict[tuple[int, int], int] = field(default_factory=dict)
    totals: dict[tuple[int, int], int] = field(default_factory=dict)
    positions: dict[tuple[int, int, int], Position] = field(default_factory=dict)
