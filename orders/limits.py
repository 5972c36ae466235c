"""The limits there are: their names, what they mean, in which scopes they can be set, and the profiles seeded at first start.

A limit of 0 means that there is none. An account must have the first six, from its profile or of its own; one that lacks any of them
is refused every order (LIMITS_MISSING): risk fails closed. In every other scope limits are optional and come on top; the strictest
of all scopes decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

AMOUNT_UNIT = 10**18
COUNT_LARGEST = 2**32 - 1
NOTIONAL_LARGEST = 10**18
EVENTS_LARGEST = 64  # what a window of the core counts
BP = 10_000

ACCOUNT = ("account",)
EVERYWHERE = ("global", "exchange", "owner", "account", "strategy", "instrument", "key")
POSITIONS = ("global", "exchange", "owner", "account", "strategy", "instrument")
MARKETS = ("global", "exchange", "instrument")


class Limit(NamedTuple):
    """What a limit means; whether it counts money rather than things; the largest it can be; where it can be set."""

    meaning: str
    money: bool = False
    most: int = COUNT_LARGEST
    scopes: tuple[str, ...] = EVERYWHERE


def _money(meaning: str, scopes: tuple[str, ...]) -> Limit:
    return Limit(meaning, True, NOTIONAL_LARGEST, scopes)


LIMITS: dict[str, Limit] = {
    "open_orders_max": Limit("Open orders, those of unknown outcome included; 0 = none."),
    "open_orders_instrument_max": Limit("Open orders of the account in one instrument; 0 = none.", scopes=ACCOUNT),
    "notional_max": _money("Price times quantity of one order, in the quote asset; 0 = none.", EVERYWHERE),
    "rate_per_second": Limit("New orders a second, on average; 0 = none."),
    "rate_burst": Limit("New orders at once."),
    "self_trade": Limit("An order that would meet the owner's own: 0 trades, 1 is refused, 2 cancels the older.", most=2),
    "quantity_max": _money("Quantity of one order, in the base asset; 0 = none.", EVERYWHERE),
    "message_per_second": Limit("New orders, amends and cancels a second; the last 30 % are for cancels; 0 = none."),
    "message_burst": Limit("New orders, amends and cancels at once."),
    "duplicate_ms": Limit("Refuse the same order again within so many milliseconds; 0 = never.", most=60_000),
    "collar_bp": Limit("Basis points a buy may be above the book's middle, a sell below it; 0 = any."),
    "far_bp": Limit("Basis points a buy may be below the book's middle, a sell above it; 0 = any."),
    "impact_bp": Limit("Basis points the average fill may be off the book's middle; 0 = any."),
    "volatility_bp": Limit("Basis points the price may move within the window before opening pauses; 0 = any."),
    "volatility_window_s": Limit("Seconds of that window.", most=63),
    "volatility_pause_s": Limit("Seconds of that pause.", most=63),
    "position_bp": Limit("Worst-case position in one instrument, basis points of equity; 0 = any.", scopes=("account", "strategy")),
    "position_max": _money("Worst-case position in one instrument, in the reporting asset; 0 = any.", POSITIONS),
    "gross_bp": Limit("Worst-case positions over all instruments, basis points of equity; 0 = any.", scopes=ACCOUNT),
    "gross_max": _money("Worst-case positions over all instruments, in the reporting asset; 0 = any.", POSITIONS),
    "leverage_bp": Limit("Worst-case positions over equity on a margin account, basis points; 0 = any.", scopes=ACCOUNT),
    "daily_loss_bp": Limit("Loss since 00:00 UTC, basis points of equity then, that lets only reduce; 0 = any.", scopes=ACCOUNT),
    "drawdown_bp": Limit("Loss from the highest equity, basis points, that halts; 0 = any.", scopes=ACCOUNT),
    "price_jump_bp": Limit("Basis points between two prices that lets an instrument only reduce; 0 = any.", scopes=MARKETS),
    "executions_max": Limit("Executions of a strategy in the window that halt it; 0 = any.", most=EVENTS_LARGEST),
    "executions_window_s": Limit("Seconds of that window."),
    "rejects_max": Limit("Orders an exchange rejects in the window that halt the strategy; 0 = any.", most=EVENTS_LARGEST),
    "rejects_window_s": Limit("Seconds of that window."),
    "unknown_max": Limit("Unknown outcomes in the window that let an exchange only reduce; 0 = any.", most=EVENTS_LARGEST),
    "unknown_window_s": Limit("Seconds of that window."),
    "errors_bp": Limit("Share of failed requests, basis points of at least 20, that lets an exchange only reduce; 0 = any."),
    "errors_window_s": Limit("Seconds of that window."),
    "stop_outs_max": Limit("Losing stops in the window that lock the instrument for the account; 0 = any.", most=EVENTS_LARGEST),
    "stop_outs_window_s": Limit("Seconds of that window."),
    "stop_outs_pause_s": Limit("Seconds of that lock."),
    "cooldown_s": Limit("Seconds without opening in an instrument after a losing close; 0 = none."),
}  # fmt: skip
NEEDED = tuple(LIMITS)[:6]

_LIVE = {
    "open_orders_max": 100, "open_orders_instrument_max": 20, "notional_max": 1000, "rate_per_second": 5, "rate_burst": 10,
    "self_trade": 1, "quantity_max": 0, "message_per_second": 20, "message_burst": 40, "duplicate_ms": 1000, "collar_bp": 300,
    "far_bp": 5000, "impact_bp": 100, "volatility_bp": 500, "volatility_window_s": 60, "volatility_pause_s": 60,
    "position_bp": 2500, "position_max": 0, "gross_bp": BP, "gross_max": 0, "leverage_bp": BP, "daily_loss_bp": 300,
    "drawdown_bp": 1000, "price_jump_bp": 0, "executions_max": 20, "executions_window_s": 60, "rejects_max": 10,
    "rejects_window_s": 60, "unknown_max": 5, "unknown_window_s": 60, "errors_bp": 3000, "errors_window_s": 60,
    "stop_outs_max": 4, "stop_outs_window_s": 3600, "stop_outs_pause_s": 3600, "cooldown_s": 300,
}  # fmt: skip
#: a window or a pause is no limit by itself: kept, so that whoever sets the limit finds a sensible one
_NONE = {code: value if code.endswith("_s") and code != "cooldown_s" else 0 for code, value in _LIVE.items()}
_PAPER = {
    "open_orders_max": 5000, "open_orders_instrument_max": 5000, "rate_per_second": 100, "rate_burst": 500, "self_trade": 1,
}  # fmt: skip
_LOAD = {
    "open_orders_max": 1_000_000, "open_orders_instrument_max": 1_000_000, "rate_per_second": 20_000, "rate_burst": 20_000,
}  # fmt: skip

NONE = {code: Decimal(value) for code, value in _NONE.items()}
PROFILES: dict[str, dict[str, Decimal]] = {
    name: {code: Decimal(value) for code, value in {**_NONE, **values}.items()}
    for name, values in {"live": _LIVE, "paper": _PAPER, "load": _LOAD}.items()
}


def checked(code: str, value: Decimal) -> Decimal:
    """The value, when it is one this limit can have; raises ValueError with the words that follow "It "."""
    if not value.is_finite() or value < 0:
        raise ValueError("must not be negative")
    if not LIMITS[code].money and value != value.to_integral_value():
        raise ValueError("must be a whole number")
    if value > LIMITS[code].most:
        raise ValueError(f"must be at most {LIMITS[code].most}")
    return value


def for_core(values: Mapping[str, Decimal]) -> dict[str, int] | None:
    """The keyword arguments of Core.set_limits for an account, or None when a needed limit is missing or one is no number that limit
    can be: then nothing is placed, for a limit that cannot be read must not read as no limit.
    """
    if not set(NEEDED) <= values.keys():
        return None
    try:
        return {code: _number(code, checked(code, value)) for code, value in values.items() if code in LIMITS}
    except ValueError:
        return None


def for_scope(scope: str, values: Mapping[str, Decimal]) -> dict[str, int]:
    """The same for any other scope. What cannot be read there refuses: it counts as the least there is."""
    made = {}
    for code, value in values.items():
        if code not in LIMITS or scope not in LIMITS[code].scopes:
            continue
        try:
            made[code] = _number(code, checked(code, value))
        except ValueError:
            made[code] = 1
    return made


def _number(code: str, value: Decimal) -> int:
    return int(value * AMOUNT_UNIT) if LIMITS[code].money else int(value)
