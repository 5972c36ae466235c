"""A core, a simulator over instruments of very different scales, and one rich user."""

from __future__ import annotations

from decimal import Decimal

from orders import _core
from orders.simulator import SimInstrument, Simulator

START_NS = 1_700_000_000_000_000_000
STEP_NS = 20_000_000
USER = 1
BTC, TKO, TINY, SHIB = 1, 2, 3, 4

INSTRUMENTS = (
    SimInstrument(BTC, "sim", "BTC/USDT", 1, Decimal("0.01"), Decimal("0.00001"), Decimal(5), {"start_price": "64000"}),
    SimInstrument(TKO, "tokocrypto", "TKO/IDR", 1, Decimal(1), Decimal("0.1"), Decimal(20_000), {"start_price": "920"}),
    SimInstrument(TINY, "sim", "TINY/BTC", 1, Decimal("1e-10"), Decimal(1)),
    SimInstrument(SHIB, "sim", "SHIB/USDT", 1, Decimal("1e-8"), Decimal(1), Decimal(1), {"start_price": "0.00002411"}),
)


class World:
    """A simulator that has opened, and its clock."""

    def __init__(self, *instruments: SimInstrument, seed: int = 7, opened: bool = True) -> None:
        self.core = _core.Core()
        self.instruments = instruments or INSTRUMENTS
        for instrument in self.instruments:
            tell_core(self.core, instrument)
        self.core.set_account(USER, owner=1)
        self.core.set_limits(_core.SCOPE_ACCOUNT, USER, self_trade=1)
        for asset in (1, 2):
            self.core.post(USER, asset, 10**33)
        self.simulator = Simulator(self.core, self.instruments, seed)
        self.now_ns = START_NS
        self.order_no = 0
        if opened:
            self.simulator.open(self.now_ns)

    def run(self, steps: int) -> None:
        """Let the market live for `steps` of 20 ms."""
        for _ in range(steps):
            self.now_ns += STEP_NS
            self.simulator.step(self.now_ns)
            self.core.reports()

    def place(self, instrument: int, side: int, ticks: int, lots: int, tif: int = _core.TIF_GTC) -> int:
        """A limit order of the user's; its number."""
        self.order_no += 1
        reason = self.core.place(
            self.now_ns, self.order_no, USER, instrument, 1, side, _core.TYPE_LIMIT, tif, 0, 0, ticks, lots
        )
        assert reason == 0, _core.REASONS[reason]
        return self.order_no

    def buy(self, instrument: int, ticks: int, lots: int, tif: int = _core.TIF_GTC) -> int:
        """A limit buy."""
        return self.place(instrument, _core.SIDE_BUY, ticks, lots, tif)

    def sell(self, instrument: int, ticks: int, lots: int, tif: int = _core.TIF_GTC) -> int:
        """A limit sell."""
        return self.place(instrument, _core.SIDE_SELL, ticks, lots, tif)

    def standing(self, instrument: int, side: int) -> int:
        """All lots on one side."""
        return sum(lots for _, lots in self.core.depth(instrument, 10_000)[side])

    def sweep(self, instrument: int, side: int, levels: int) -> int:
        """The user takes whole levels; how many lots."""
        quotes = self.core.depth(instrument, levels)[1 - side]
        lots = sum(lots for _, lots in quotes)
        self.place(instrument, side, quotes[-1][0], lots, _core.TIF_IOC)
        return lots

    def fair(self, instrument: int) -> float:
        """The agents' belief, for when a side of the book is empty."""
        return self.simulator.price(instrument)

    def mid(self, instrument: int) -> float:
        """Between the best prices, in ticks."""
        bid, _, ask, _ = self.core.best(instrument)
        assert bid is not None
        assert ask is not None
        return (bid + ask) / 2


def tell_core(core: _core.Core, instrument: SimInstrument, status: int = _core.INSTRUMENT_TRADING) -> None:
    """The instrument as the engine would set it."""
    core.set_instrument(
        instrument.id, exchange=1, spec_version=instrument.spec_version, base_asset=1, quote_asset=2,
        base_unit=int(instrument.lot_size * 10**18), quote_unit=int(instrument.lot_size * instrument.tick_size * 10**18),
        quantity_min_lots=1, quantity_max_lots=0, notional_min=0, status=status,
        maker_fee_ppm=1000, taker_fee_ppm=1000,
    )  # fmt: skip
