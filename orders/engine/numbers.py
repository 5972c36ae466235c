"""The limit and the value of a reason in the units people read: prices, quantities, amounts, per cent, times, counts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from marketdata.precision import amount_text, decimal_text, text

if TYPE_CHECKING:
    from orders.engine.world import InstrumentSpec

AMOUNT_UNIT = 10**18

LOTS = frozenset({"QTY_MIN", "QTY_MAX", "FOK_UNFILLABLE", "REDUCE_ONLY_VIOLATION"})
TICKS = frozenset({"PRICE_COLLAR", "PRICE_FAR", "POST_ONLY_WOULD_TAKE", "STOP_PRICE_INVALID"})
AMOUNTS = frozenset({
    "NOTIONAL_MIN", "NOTIONAL_MAX", "BALANCE_INSUFFICIENT", "MARGIN_INSUFFICIENT", "POSITION_MAX", "GROSS_EXPOSURE_MAX", "COOLDOWN",
})  # fmt: skip
#: told in basis points, read in per cent; leverage in times
SHARES = {
    "MARKET_IMPACT": 100, "VOLATILITY_PAUSE": 100, "DAILY_LOSS": 100, "MAX_DRAWDOWN": 100, "PRICE_JUMP": 100, "LEVERAGE_MAX": 10_000,
}  # fmt: skip
COUNTS = frozenset({
    "OPEN_ORDERS_MAX", "RATE_ORDERS", "RATE_MESSAGES", "DUPLICATE_ORDER", "REPEATED_EXECUTION", "REJECT_STORM", "STOPLOSS_GUARD",
    "EXCHANGE_DEGRADED",
})  # fmt: skip
TIMES = frozenset({"DATA_STALE"})  # told in nanoseconds, read in seconds; 0 was not measured
SECOND_NS = 10**9
CODES = LOTS | TICKS | AMOUNTS | SHARES.keys() | COUNTS | TIMES


def show(code: str, number: int, spec: InstrumentSpec | None = None) -> str | None:
    """As decimal text; None for a code that has no numbers to show."""
    if code in AMOUNTS:
        return amount_text(number)
    if code in SHARES:
        return decimal_text(Decimal(number) / SHARES[code])
    if code in COUNTS:
        return decimal_text(Decimal(number))
    if code in TIMES and number:
        return decimal_text(Decimal(number) / SECOND_NS)
    if spec is not None and code in LOTS | TICKS:
        return text(number, spec.lot_size if code in LOTS else spec.tick_size)
    return None


def told(code: str, shown: Decimal | None) -> int:
    """Back to what the core counts in; of codes that halt a scope."""
    unit = AMOUNT_UNIT if code in AMOUNTS else SECOND_NS if code in TIMES else SHARES.get(code, 1)
    return int((shown or Decimal(0)) * unit)
