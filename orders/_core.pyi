"""Types of the C extension: one deterministic trading core, fed and drained, which never calls out and reads no clock.

Two halves. The **account half** (orders of accounts, holds, balances, positions, limits, halts) is a fold over reports:
`apply` on a report gives the same state as the call that first made it. The **market half** (books) is derived.
Units: price in ticks and quantity in lots (int64), amounts in the asset's own smallest unit (int128, Python int here).
"""

from __future__ import annotations

REPORT_SIZE: int  # bytes of a whole packed report, 320
REPORT_FORMAT: str  # struct format of a whole packed report, see orders/core/core.h `core_report`
REPORT_HEAD_SIZE: int  # bytes of a short one, 128: it has the head only
REPORT_HEAD_FORMAT: str
NO_COMMAND: int  # command_index of a report about an order that the command did not name
# Reports follow each other, each `size` bytes long (field 19 of the head). NEW, canceled, replaced, expired are short unless
# FLAG_TERMS is set: they change one hold, told as `held`. Fields in the order of core_report; each 128-bit amount is two of
# them, low (unsigned) then high (signed): low + (high << 64). A refused place has exec_type '8'; a refused cancel, amend or
# told event has exec_type 'I', its reason, and the order's own ord_status ('8' when there is no such order); a refusal has
# limit and value where an execution has the position. NEW: the fees that the order keeps for life, store them.
COMMAND_SIZE: int  # bytes of one packed command, 96
COMMAND_FORMAT: (
    str  # op side type tif flags account instrument spec_version key order_no strategy price qty at_ns trade_no pad*3
)
TERMS_FORMAT: (
    str  # op(OP_TERMS) stop_ticks trail expires_at_ns tp_ticks sl_stop_ticks sl_limit_ticks pad*5; as long as a command
)
# In a NEW ('0') or restated ('D') report with FLAG_TERMS the terms lie where an execution has its numbers: last_ticks =
# stop_ticks, last_lots = trail, trade_no = expires_at_ns, cum_cost low and high = tp_ticks and sl_stop_ticks, last_fee
# low = sl_limit_ticks. orders/engine/reports.py reads both. 'L': the order was triggered by a print at last_ticks.
TAPE_SIZE: int  # bytes of one packed tape record, 72
TRIP_FORMAT: str  # at_ns, until_ns, key, scope, reason, state, limit, value (low, high)
TAPE_FORMAT: str  # trade_no at_ns taker maker instrument side pad*3 price qty taker_flags maker_flags seq

# op of a packed command
OP_PLACE: int
OP_CANCEL: int
OP_AMEND: int
OP_FILL: int  # an execution told by the exchange (poll, user stream): price_ticks, qty_lots, trade_no (caller dedupes), liquidity in type
OP_CLOSE: int  # the exchange says the order is over: exec_type ('4' canceled, 'C' expired, '8' rejected) in `type`
OP_TERMS: int  # the terms of the OP_PLACE that follows it in the batch
OP_SWEEP: int  # cancel all of account (0: of the owner in order_no), instrument (0: any), strategy (ANY_STRATEGY), side (ANY_SIDE)
OP_TIME: int  # at_ns has come: what was to expire by then expires. Every other command brings its at_ns as well

SIDE_BUY: int  # 0
SIDE_SELL: int  # 1
TYPE_LIMIT: int
TYPE_MARKET: int
TYPE_STOP: int  # market once last >= stop (buy) or last <= stop (sell)
TYPE_STOP_LIMIT: int
TYPE_TAKE_PROFIT: int  # market once last <= stop (buy) or last >= stop (sell)
TYPE_TAKE_PROFIT_LIMIT: int
TYPE_TRAILING_STOP: int  # a stop that follows the last trade at `trail`, only ever towards it
TIF_GTC: int
TIF_IOC: int
TIF_FOK: int  # all at once, or FOK_UNFILLABLE
TIF_DAY: int  # until 00:00 UTC
TIF_GTD: int  # until expires_at_ns, which is more than a second away (EXPIRE_IN_PAST)

FLAG_AGENT: int  # an order of the simulator's agents: no account, no risk, no reports, only tape
FLAG_QTY_REMAINING: int  # amend: qty_lots is the new remaining quantity, not the new total
FLAG_ALLOW_SELF_TRADE: int
FLAG_TOLD: int  # in reports: told by an exchange (OP_FILL, OP_CLOSE), not matched here
FLAG_LATE: int  # OP_FILL for an order already final: give account, instrument, side, strategy too; moves balances and position only
FLAG_POST_ONLY: int  # refused when it would take (POST_ONLY_WOULD_TAKE), also by an amend
FLAG_REDUCE_ONLY: int  # never past flat: refused when it could be at placement, the excess canceled at execution
FLAG_TRAIL_PERCENT: int  # trail is in basis points of the last trade
FLAG_TRIGGERED: int  # in reports: the stop was reached ('L'), the order is a market or limit order now
FLAG_ALLOW_DUPLICATE: int
FLAG_UNWIND: int
FLAG_TERMS: int  # in reports: the order has terms
FLAG_CHILD: int  # in reports: born of a bracket or OCO; order_no is the parent's | CHILD_TAKE_PROFIT or CHILD_STOP_LOSS
CHILD_STOP_LOSS: int  # 1 << 61
CHILD_TAKE_PROFIT: int  # 1 << 62
ANY_STRATEGY: int
ANY_SIDE: int

LIQUIDITY_NONE: int
LIQUIDITY_MAKER: int
LIQUIDITY_TAKER: int

HALT_ACTIVE: int
HALT_REDUCING: int
HALT_HALTED: int
SCOPE_GLOBAL: int
SCOPE_EXCHANGE: int
SCOPE_OWNER: int
SCOPE_ACCOUNT: int
SCOPE_STRATEGY: int
SCOPE_INSTRUMENT: int
SCOPE_KEY: int
SCOPE_POSITION: int
GATE_ARM: int
GATE_RECONCILE: int
GATE_CLOCK: int
OUTCOME_ANSWERED: int
OUTCOME_FAILED: int
OUTCOME_UNKNOWN: int

KIND_SPOT: int  # a fill moves base and quote
KIND_LINEAR: int  # a contract: only realised profit and fees are posted, in quote
KIND_INVERSE: int  # a contract worth a fixed amount of quote: posted in base
INSTRUMENT_TRADING: int
INSTRUMENT_HALTED: int
INSTRUMENT_DELISTED: int

REASONS: dict[int, str]  # reason number -> code of api.md ("BALANCE_INSUFFICIENT"); 0 is absent

STAGES: dict[
    str, int
]  # what is measured: place, cancel, amend, batch (a whole process()), command (of a batch, its mean), ...

def histogram_read(packed: bytes, /) -> dict[str, int]:
    """count, total_ns, most_ns, p50_ns, p90_ns, p99_ns, p999_ns of packed counts; each percentile to a thirty-second part."""

class CoreError(Exception):
    """A broken invariant or a call the core cannot take; the message says which."""

class Core:
    def __init__(self, *, max_orders: int = ..., ring_capacity: int = ...) -> None: ...

    # what the engine tells it about the world (each is also a journal entry of the engine's)
    def set_instrument(
        self,
        instrument: int,
        *,
        exchange: int,
        spec_version: int,
        base_asset: int,
        quote_asset: int,
        base_unit: int,  # base amount of one lot (times contract_size); of an inverse contract its value in quote
        quote_unit: int,  # quote amount of one tick times one lot; of an inverse contract the price of one tick
        quantity_min_lots: int,
        quantity_max_lots: int,  # 0 = none
        notional_min: int,  # quote amount
        status: int,
        maker_fee_ppm: int,
        taker_fee_ppm: int,
        kind: int = ...,
        settle_asset: int = ...,  # 0: the quote; of an inverse contract the base. There is no other
        stale_after_ns: int = ...,  # its mark is good for so long; 0 = for ever
    ) -> None: ...
    def set_account(
        self, account: int, *, owner: int, exchange: int = ..., reporting_asset: int = ..., margin: int = ...
    ) -> None:
        """`margin` 0: cash. Else the most leverage in basis points (10000 = none): it may borrow and trade contracts.
        Without a reporting asset its equity is never known. Turns from cash to margin only without open orders."""
    def set_limits(self, scope: int, key: int, /, **limits: int) -> None:
        """All limits of this scope, by the names of orders/limits.py; one left out is 0, none. Several scopes: the strictest
        decides, each with its own counts. An account whose limits were never set is refused every order (LIMITS_MISSING)."""
    def clear_limits(self, scope: int, key: int, /) -> None:
        """As if limits were never set there; for an account: every order is refused."""

    def set_halt(
        self, scope: int, key: int, state: int, reason: int = 0, until_ns: int = 0, limit: int = 0, value: int = 0
    ) -> None:
        """`key` is 0 for global, else the id of exchange, owner, account, instrument, key, or the strategy's 64-bit key; of
        SCOPE_POSITION it is account << 32 | instrument. A reason is the trip's; until 0 = until lifted."""
    def set_gates(self, scope: int, key: int, closed: int, /) -> None:
        """GATE_… that are closed for an account or an exchange: not armed, not reconciled, clock unsafe."""
    def outcome(self, account: int, exchange: int, outcome: int, at_ns: int, /) -> None:
        """How a request to an exchange ended (OUTCOME_…): what EXCHANGE_DEGRADED is counted from."""
    def watch(self, at_ns: int, /) -> None:
        """Halt mirrored instruments that went quiet (DATA_STALE, reducing), and lift what this halted when they are heard again."""
    def trips(self) -> bytes:
        """What the core halted by itself since the last call, packed (TRIP_FORMAT), oldest first; b"" mostly. At most 16."""
    def check(self, *order: int) -> list[tuple[int, bool, int | None, int | None, int | None]]:
        """The arguments of place or place_with -> (reason, ok, limit, value, room) of every control in the order of risk.c;
        None where there is no such limit. Changes nothing. The first that is not ok is what place would answer."""
    def post(self, account: int, asset: int, amount: int, *, flow: bool = ...) -> int:
        """Add `amount` (may be negative) to the balance; the new total. Raises CoreError when free would fall below 0.
        A flow (a deposit) is no profit and no loss; what is no flow (funding of a contract) is."""
    def reset_account(self, account: int) -> None:
        """Balances and positions to zero. Raises CoreError while the account has open orders."""
    def take_position(
        self, account: int, instrument: int, strategy: int, qty: int, cost: int, realised: int, fees: int, /
    ) -> None:
        """A position that another core held until now. Raises CoreError when the account has one there."""

    # worth: marks and rates are ratios of whole numbers, good for their stale_after beside the newest time told
    def set_bridges(self, first: int, second: int, third: int, /) -> None:
        """The assets a conversion may go through, in this order; 0 = none."""
    def mark(self, instrument: int, ticks: int, at_ns: int, *, den: int = ...) -> None:
        """The instrument is worth ticks / den now; every account is valued again. A spot mark is a rate of its exchange."""
    def marks(self, at_ns: int, rows: list[list[int]] | list[tuple[int, int, int]], /) -> None:
        """Many marks (instrument, ticks, den) of one time; every account is valued once. None at all still tells the time."""
    def rate(
        self,
        asset: int,
        into_asset: int,
        num: int,
        den: int,
        at_ns: int,
        *,
        source: int = ...,
        stale_after_ns: int = ...,
    ) -> None:
        """One unit of asset is num / den of the other. `source` is an exchange: its own accounts ask it first."""
    def day_open(self, day_start_ns: int, late: int = ..., evidence: object = ..., /) -> None:
        """A trading day begins: every account's equity of now is the day's, flows count from zero. The rest of the arguments
        is for who reads the journal."""
    def valued(self) -> tuple[int, int]:
        """(the newest time a mark was told of, the start of the day that was opened last); 0 = never."""
    def equity(self, account: int, /) -> tuple[bool, int | None, int | None, int | None, int]:
        """(known, equity, day_open, peak, flows) in the reporting asset as of the last mark; None = not known."""
    def convert(self, account: int, asset: int, into_asset: int, amount: int, /) -> int | None:
        """What an amount is worth, as the account's exchange has it; None = some rate is missing or stale."""

    # orders; each returns the number of the reason, 0 when taken
    def place(
        self,
        at_ns: int,
        order_no: int,
        account: int,
        instrument: int,
        spec_version: int,
        side: int,
        type: int,
        tif: int,
        flags: int,
        strategy: int,
        price_ticks: int,
        qty_lots: int,
        key: int = 0,  # the API key's id
        /,
    ) -> int: ...
    def place_with(
        self,
        at_ns: int,
        order_no: int,
        account: int,
        instrument: int,
        spec_version: int,
        side: int,
        type: int,
        tif: int,
        flags: int,
        strategy: int,
        price_ticks: int,
        qty_lots: int,
        key: int,
        stop_ticks: int,
        trail: int,
        expires_at_ns: int,
        tp_ticks: int,
        sl_stop_ticks: int,
        sl_limit_ticks: int,
        /,
    ) -> int:
        """An order with terms; 0 = none of that kind. In a batch: a record of OP_TERMS, then its OP_PLACE.

        Bracket: tp_ticks and/or sl_stop_ticks (sl_limit_ticks 0 = market) on an entry. At its first fill its children are
        born by NEW reports; they are reduce-only, sized to what was filled, and one's end by fill or trigger is the
        other's ('4', OCO_OTHER_LEG). OCO: an exit with FLAG_REDUCE_ONLY, a limit price and sl_stop_ticks is itself the
        take-profit leg; its stop leg is born at once as order_no | CHILD_STOP_LOSS."""
    def cancel(self, at_ns: int, order_no: int, /) -> int: ...
    def amend(self, at_ns: int, order_no: int, flags: int, price_ticks: int, qty_lots: int, /) -> int:
        """`qty_lots` is the new total quantity (fills included) unless FLAG_QTY_REMAINING; price 0 keeps the price.
        Shrinking at the same price keeps priority. ORDER_FINAL (also from cancel): the account half has it open, the
        book has not, so a report was lost: ask the exchange. Minima and maxima look at the lots that would stand."""
    def sweep(self, at_ns: int, account: int, instrument: int, strategy: int, side: int, owner: int = 0, /) -> int:
        """Cancel every order of the account (0: of all accounts of `owner`), oldest first: at one instrument (0: any), of one
        strategy (ANY_STRATEGY), of one side (ANY_SIDE). CAPACITY: the ring is full; drain it and call again. In a batch
        (OP_SWEEP, the owner in order_no) process() goes on until all are canceled."""
    def time(self, at_ns: int, /) -> int:
        """It is so late now: orders due by then expire ('C'). CAPACITY: drain the ring and call again."""
    def process(self, commands: bytes | memoryview, /) -> bytes:
        """Packed commands in, packed reports out (the ring drained), GIL released. Never loses a report.
        A command that finds no room (orders, half of the ring) is refused with CAPACITY and has changed nothing."""
    def reports(self) -> bytes:
        """Drain the ring of packed reports."""
    def tape(self) -> bytes:
        """Drain the public prints of the market half, packed (see TAPE_FORMAT). Undrained beyond ring_capacity the oldest
        are overwritten (a gap in seq; stats()["tape_lost"])."""

    # mirrored markets: the rules are in tests/oracle/mirror.py
    def set_mirror(self, instrument: int, *, on: bool = ..., front_ppm: int = 0, at_ns: int = 0) -> None:
        """Whether the instrument's market is elsewhere, told by `market`. `front_ppm`: which part, in millionths, of what is
        canceled at a price stood in front of an order there. Raises CoreError while agents stand in the book. Ending a
        mirror cancels orders that would meet each other."""
    def market(self, block: bytes | memoryview, now_ns: int, /) -> int:
        """Records of marketdata/blocks.py; how many were taken: fewer when the reports want draining first (the rest, and
        what is due already, come with the next call). b"" lets go of what has waited long enough. ValueError when the block
        is no multiple of 40 bytes; whatever else is wrong loses the mirror until the next snapshot."""
    def mirror(self, instrument: int, /) -> dict[str, int] | None:
        """state (0 lost, 1 whole), seq, gaps, heard_ns, clock_ns, held (records), levels, orders, front_ppm; None when its
        market is here."""
    def queues(self) -> list[tuple[int, int, int]]:
        """(order_no, arrival, lots ahead) of every resting order of a mirrored market whose queue is known."""
    def set_queue(self, order_no: int, arrival: int, ahead: int, /) -> bool:
        """The queue of an order as an earlier process knew it: the shorter counts. False when it is another order by now."""

    # recovery
    def apply(self, reports: bytes, /) -> None:
        """Fold packed reports into the account half; books are not touched. A seq at or below the last folded is skipped."""
    def rebuild_books(self) -> int:
        """Put every open resting order of the account half back into empty books, in order of arrival; how many. One that
        would cross (its execution was lost) is left out: market_order() says None, ask the exchange about it."""
    def advance_trade_no(self, trade_no: int, /) -> None:
        """Never number a trade at or below this again (prints of agents are in no report)."""
    def checkpoint(self) -> bytes: ...
    def restore(self, state: bytes, /) -> None: ...
    def hash(self) -> int:
        """64-bit hash of the account half; independent of table layout and history."""
    def fork(self) -> Core:
        """A second core that is this one now, both halves, its ring and tape empty: ask it "what if", then let it go. Neither
        touches the other. Costs a copy of what it holds, about 1 ms for 100,000 open orders."""
    def verify(self) -> None:
        """Walk every invariant of both halves; raises CoreError naming the first that does not hold."""
    def fail_at(self, point: str, nth: int) -> None:
        """Failpoint for tests: `market.report` drops the nth execution before the account half sees it (book and tape still have it);
        at the nth `core.fills` the process kills itself.
        """

    # how long calls took, by stage (STAGES); in no checkpoint and no fork
    def histogram(self, stage: int, others: bytes = ..., /) -> bytes:
        """Packed counts, those of `others` added: of another core, or of another process."""
    def record(self, stage: int, ns: int, /) -> None: ...
    def measure_calls(self, every: int, /) -> None:
        """Measure one place, cancel or amend call of so many (64 at first), 0 none; batches and rare calls always are."""

    # looking
    def best(self, instrument: int, /) -> tuple[int | None, int, int | None, int]:
        """(bid_ticks, bid_lots, ask_ticks, ask_lots)."""
    def depth(self, instrument: int, levels: int, /) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]: ...
    def cost_to_fill(self, instrument: int, side: int, qty_lots: int, /) -> tuple[int, int]:
        """(lots that would fill, quote amount) of a market order now."""
    def order(self, order_no: int, /) -> dict[str, int] | None:
        """Open order of the account half: account, instrument, side, type, tif, strategy, price_ticks, stop_ticks, qty_lots,
        filled_lots, cum_cost, hold, ord_status, flags, spec_version."""
    def market_order(self, order_no: int, /) -> dict[str, int] | None:
        """What stands in the book under this number: price_ticks, remaining_lots, instrument, side, flags; None when nothing does."""
    def open_orders(self, account: int, /) -> list[int]: ...
    def balance(self, account: int, asset: int, /) -> tuple[int, int]:
        """(total, hold)."""
    def position(self, account: int, instrument: int, strategy: int, /) -> tuple[int, int, int, int] | None:
        """(quantity, cost, realised, fees): quantity signed in base amount, cost in quote amount of the open
        quantity, with the sign of quantity, so that mark * quantity - cost is unrealised. None before the first fill."""
    def account_position(self, account: int, instrument: int, /) -> tuple[int, int, int, int] | None:
        """The same of the account, all strategies together: what an exchange is compared with."""
    def positions(self, account: int, /) -> list[tuple[int, int, int, int, int, int]]:
        """(instrument, strategy, quantity, cost, realised, fees)."""
    def stats(self) -> dict[str, int]:
        """orders_open, orders_market, commands, reports, checks (controls evaluated), trades,
        quantity, trade_hash, memory_bytes, tape_lost."""
