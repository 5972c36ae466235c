"""The past of a simulated market: seven days of minutes at its first start, the minutes missed while it was stopped, and
a chart's worth for one that is added while others trade.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from marketdata import clock
from marketdata.domain import Kline
from marketdata.services import latest, store_klines
from orders.simulator.path import Bar, minutes
from orders.simulator.prng import Prng, mix
from orders.simulator.simulator import Simulator
from orders.simulator.spec import SimInstrument
from orders.simulator.volatility import Volatility

INTERVAL = "1m"
MINUTE_MS = 60_000
DAYS = 7
BARS_MAX = DAYS * 24 * 60
BARS_AT_ONCE = 500  # some 50 ms: orders wait for it


def ensure(simulator: Simulator, now: datetime) -> int:
    """Give every simulated instrument a past up to the last full minute; how many bars were made up. Call before
    `open`.

    An instrument whose klines are newer than its checkpoint resumes at the last of them. Bars that exist are never
    touched; replayed instruments have a past of their own.
    """
    end_ms = clock.to_ms(now) // MINUTE_MS * MINUTE_MS
    own = [instrument for instrument in simulator.instruments if not instrument.replayed]
    return sum(_ensure(simulator, instrument, end_ms) for instrument in own)


def begin(simulator: Simulator, instrument_id: int, now: datetime) -> int:
    """Give one market that has just opened its newest 500 minutes, if it has none at all; how many were made up."""
    instrument = simulator.market(instrument_id).instrument
    if instrument.replayed or latest(instrument.id, INTERVAL) is not None:
        return 0
    return _ensure(simulator, instrument, clock.to_ms(now) // MINUTE_MS * MINUTE_MS, BARS_AT_ONCE)


def _ensure(simulator: Simulator, instrument: SimInstrument, end_ms: int, most: int = BARS_MAX) -> int:
    newest = latest(instrument.id, INTERVAL)
    first_ms = end_ms - most * MINUTE_MS
    start: float | None = None
    if newest is not None and newest.open_ms >= first_ms:
        first_ms = newest.open_ms + MINUTE_MS
        start = float(newest.close / instrument.tick_size)
        if first_ms * 1_000_000 > simulator.as_of_ns(instrument.id):
            simulator.set_price(instrument.id, start)  # the bar is news to the checkpoint, if there is one
    count = (end_ms - first_ms) // MINUTE_MS
    if count <= 0:
        return 0
    market = simulator.market(instrument.id)
    volatility = Volatility(market.habits.daily_volatility_bp)
    volatility.load(market.belief.volatility.save())
    prng = Prng(mix(simulator.seed, instrument.id, first_ms))
    bars = minutes(count, market.belief.fair, market.belief.home, market.habits, prng, volatility, start)
    return store_klines(instrument.id, INTERVAL, _klines(instrument, first_ms, bars)).new


def _klines(instrument: SimInstrument, first_ms: int, bars: list[Bar]) -> Iterator[Kline]:
    tick, lot = instrument.tick_size, instrument.lot_size
    for index, bar in enumerate(bars):
        open_ms = first_ms + index * MINUTE_MS
        yield Kline(open_ms, bar.open * tick, bar.high * tick, bar.low * tick, bar.close * tick, bar.lots * lot)
