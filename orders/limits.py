"""The limits an account can have: their names, what they mean, and the profiles seeded at first start.

A limit of 0 means that there is none where the table says so. An account whose profile lacks one of the needed limits is refused every
order (LIMITS_MISSING): risk fails closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

AMOUNT_UNIT = 10**18
COUNT_LARGEST = 2**32 - 1
NOTIONAL_LARGEST = 10**18

#: name -> (meaning, whether it counts money rather than things)
LIMITS: dict[str, tuple[str, bool]] = {
    "open_orders_max": ("Open orders of the account; 0 = none.", False),
    "open_orders_instrument_max": ("Open orders of the account in one instrument; 0 = none.", False),
    "notional_max": ("Price times quantity of one order, in the quote asset; 0 = none.", True),
    "rate_per_second": ("New orders a second, on average; 0 = none.", False),
    "rate_burst": ("New orders at once.", False),
    "self_trade_allowed": ("1: an order may meet the owner's own; 0: it is refused.", False),
}

PROFILES: dict[str, dict[str, Decimal]] = {
    "live": {
        "open_orders_max": Decimal(100),
        "open_orders_instrument_max": Decimal(20),
        "notional_max": Decimal(1000),
        "rate_per_second": Decimal(5),
        "rate_burst": Decimal(10),
        "self_trade_allowed": Decimal(0),
    },
    "paper": {
        "open_orders_max": Decimal(5000),
        "open_orders_instrument_max": Decimal(5000),
        "notional_max": Decimal(0),
        "rate_per_second": Decimal(100),
        "rate_burst": Decimal(500),
        "self_trade_allowed": Decimal(0),
    },
    "load": {
        "open_orders_max": Decimal(1_000_000),
        "open_orders_instrument_max": Decimal(1_000_000),
        "notional_max": Decimal(0),
        "rate_per_second": Decimal(20_000),
        "rate_burst": Decimal(20_000),
        "self_trade_allowed": Decimal(1),
    },
}


def for_core(values: Mapping[str, Decimal]) -> dict[str, int | bool] | None:
    """The keyword arguments of Core.set_limits, or None when a needed limit is missing or is no number a limit can be: then
    nothing is placed, for a limit that cannot be read must not read as no limit.
    """
    if not LIMITS.keys() <= values.keys():
        return None
    made: dict[str, int | bool] = {}
    for name, (_, money) in LIMITS.items():
        value = values[name]
        if not value.is_finite() or not 0 <= value <= (NOTIONAL_LARGEST if money else COUNT_LARGEST):
            return None
        made[name] = int(value * AMOUNT_UNIT) if money else int(value)
    made["self_trade_allowed"] = bool(made["self_trade_allowed"])
    return made
