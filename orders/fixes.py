"""What would make a refused order pass, in words and numbers: one sentence for each control that said no. Pure."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from marketdata.precision import decimal_text

LESS = "Order at most {quantity}."
WAIT = "Wait {seconds} s."
RESUME = "Ask a person to resume trading here, once the reason is understood."
REDUCE = "Only an order that reduces the position passes at the moment."

FIXES: dict[str, str] = {
    "TRADING_HALTED": "Resume trading in the scope that is halted.",
    "TRADING_REDUCING": REDUCE,
    "LIVE_NOT_ARMED": "Arm the account.",
    "RECONCILING": "Wait until the account agrees with its exchange. " + REDUCE,
    "CLOCK_UNSAFE": "Set the clock of this machine. " + REDUCE,
    "INSTRUMENT_UNKNOWN": "Choose an instrument of the list.",
    "INSTRUMENT_NOT_TRADING": "Wait until the instrument trades again, or choose another.",
    "SPEC_CHANGED": "Read the instrument again: its steps are new.",
    "ACCOUNT_UNKNOWN": "Try again in a second.",
    "LIMITS_MISSING": "Give the account a profile of limits.",
    "DATA_STALE": "Wait until the market's data comes again.",
    "TYPE_UNSUPPORTED": "Use a type that this exchange offers.",
    "TIF_UNSUPPORTED": "Use gtc, day, gtd, ioc or fok.",
    "EXPIRE_IN_PAST": "Choose a later time.",
    "STOP_PRICE_INVALID": "Move the stop or the target; a trailing stop without a trade to start from needs a stop_price.",
    "TERMS_INVALID": "Leave one of the conditions out.",
    "REDUCE_ONLY_VIOLATION": "Order at most {limit}, on the side that reduces, or leave reduce_only out.",
    "POST_ONLY_WOULD_TAKE": "Move the price away from the market, or leave post_only out.",
    "FOK_UNFILLABLE": "Order at most {limit}, or use ioc.",
    "PRICE_PRECISION": "Use a multiple of the tick size.",
    "QTY_PRECISION": "Use a multiple of the lot size.",
    "QTY_MIN": "Order at least {limit}.",
    "QTY_MAX": "Order at most {limit}.",
    "NOTIONAL_MIN": "Order at least {more}.",
    "NOTIONAL_MAX": LESS,
    "MARKET_IMPACT": "Order less, or use a limit price.",
    "VOLATILITY_PAUSE": "Wait until the price has calmed down.",
    "BALANCE_INSUFFICIENT": LESS,
    "MARGIN_INSUFFICIENT": "Order less, or deposit.",
    "LEVERAGE_MAX": "Order less, or deposit.",
    "EQUITY_UNKNOWN": "Wait until every price that values the account is known. " + REDUCE,
    "POSITION_MAX": "Order less, or cancel open orders: {over} too much.",
    "GROSS_EXPOSURE_MAX": "Order less, or close other positions: {over} too much.",
    "OPEN_ORDERS_MAX": "Cancel an open order first.",
    "RATE_ORDERS": WAIT,
    "RATE_MESSAGES": WAIT,
    "DUPLICATE_ORDER": WAIT + " If you mean it, say allow_duplicate.",
    "SELF_TRADE": "Cancel your own order on the other side, or move the price.",
    "NO_LIQUIDITY": "Use a limit price and wait for somebody to trade with.",
    "NUMBER_OVERFLOW": "Order less.",
    "KEY_ORDER_MAX": LESS,
    "DAILY_LOSS": RESUME,
    "MAX_DRAWDOWN": RESUME,
    "PRICE_JUMP": RESUME,
    "REJECT_STORM": RESUME,
    "REPEATED_EXECUTION": RESUME,
    "EXCHANGE_DEGRADED": RESUME,
    "STOPLOSS_GUARD": "Wait until the lock ends. " + REDUCE,
    "COOLDOWN": "Wait until the pause ends. " + REDUCE,
}


def of(
    code: str, side: str, quantity: Decimal, lot: Decimal, limit: Decimal | None, value: Decimal | None
) -> str:  # fmt: skip
    """What to change; a code of another door is left to its own sentence."""
    if code in ("PRICE_COLLAR", "PRICE_FAR"):
        at_most = (side == "buy") == (code == "PRICE_COLLAR")
        return f"Set the price to {_text(limit)} or {'lower' if at_most else 'higher'}."
    share = limit / value if limit is not None and value else Decimal(0)
    words = {
        "limit": _text(limit),
        "quantity": decimal_text(max(_step(quantity * share, lot), Decimal(0))),
        "more": decimal_text(_step(quantity * share, lot) + lot),
        "over": decimal_text(value - limit) if limit is not None and value is not None else "it is",
        "seconds": decimal_text((value or Decimal(0)).scaleb(-9).quantize(Decimal("0.001"))),
    }
    return FIXES.get(code, "Change the order.").format(**words)


def _step(quantity: Decimal, lot: Decimal) -> Decimal:
    return (quantity / lot).to_integral_value(ROUND_FLOOR) * lot


def _text(number: Decimal | None) -> str:
    return "what is allowed" if number is None else decimal_text(number)
