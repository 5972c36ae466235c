"""The limits an account can have: their names, what they mean, and the profiles seeded at first start.

A limit of 0 means "none" where the table says so. An account whose profile lacks one of the needed limits is refused every
order (LIMITS_MISSING): risk fails closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

AMOUNT_UNIT = 10**18

#: name -> (meaning, whether it counts money rather than things)
LIMITS: dict[str, tuple[str, bool]] = {
    "open_orders_max": ("Open orders of the account.", False),
    "open_orders_instrument_max": ("Open orders of the account in one instrument.", False),
    "notional_max": ("Price times quantity of one order, in the quote asset; 0 = none.", True),
    "rate_per_second": ("New orders a second, on average.", False),
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
    """The keyword arguments of Core.set_limits, or None when a needed limit is missing."""
    if not LIMITS.keys() <= values.keys():
        return None
    made: dict[str, int | bool] = {
        name: int(values[name] * AMOUNT_UNIT) if money else int(values[name]) for name, (_, money) in LIMITS.items()
    }
    made["self_trade_allowed"] = bool(made["self_trade_allowed"])
    return made
