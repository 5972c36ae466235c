"""Reason codes as sentences: what happened, what it means for their money, what to do. Pure; the codes are the core's and the door's."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

SENTENCES: dict[str, str] = {
    "OWNER_MOVED": "The order was canceled: an operator moved your accounts to another engine. Place it again if you still mean it.",
    "DEAD_COMMAND": "The engine broke down twice over this request, so it was set aside: nothing was placed or changed. An operator "
    "finds it under dead commands; a new request needs a new request_id.",
    "TRADING_HALTED": "Trading is halted here, so the order was not placed. Open orders stay; resume trading to place new ones.",
    "TRADING_REDUCING": "Only orders that reduce a position are taken at the moment; this one was not placed.",
    "INSTRUMENT_UNKNOWN": "This instrument is not known; nothing was placed. Look it up under instruments.",
    "INSTRUMENT_NOT_TRADING": "This instrument is not trading at the moment; nothing was placed.",
    "SPEC_CHANGED": "The instrument's steps changed since you read them; nothing was placed. Read it again and ask anew.",
    "LIMITS_MISSING": "The account has no limits loaded, so nothing is placed on it. An operator must give it a profile.",
    "ACCOUNT_UNKNOWN": "The engine does not know this account yet; nothing was placed. Try again in a second.",
    "PRICE_PRECISION": "The price is not a multiple of the tick size {limit}; nothing was placed.",
    "QTY_PRECISION": "The quantity is not a multiple of the lot size {limit}; nothing was placed.",
    "QTY_MIN": "The smallest quantity is {limit}; nothing was placed.",
    "QTY_MAX": "The largest quantity is {limit}; nothing was placed.",
    "NOTIONAL_MIN": "The order is worth {value}; the smallest is {limit}. Nothing was placed.",
    "NOTIONAL_MAX": "The order is worth {value}; the account's limit is {limit}. Nothing was placed.",
    "OPEN_ORDERS_MAX": "This would be open order number {value} and {limit} is the limit; nothing was placed. Cancel some first.",
    "IN_FLIGHT_MAX": "{limit} commands of this socket are not answered yet; nothing was done about this one. Wait for answers first.",
    "BACKLOG": "More commands wait for the engine than may, so nothing was done about this one. Try again in a second.",
    "RATE_ORDERS": "Orders come faster than the account's limit; this one was not placed. Try again in a second.",
    "SELF_TRADE": "The order would meet one of your own; nothing was placed. Cancel that one or move the price.",
    "BALANCE_INSUFFICIENT": "This needs {value} and {limit} is free; nothing was placed.",
    "MARGIN_INSUFFICIENT": "The worst case with this order needs a margin of {value}; the account is worth {limit}. Nothing was placed.",
    "EQUITY_UNKNOWN": "A price is missing or stale, so what the account is worth is not known; nothing was placed. Try again in a second.",
    "LIVE_NOT_ARMED": "This account trades real money and is not armed; nothing was placed. Arm it first.",
    "RECONCILING": "The account is being compared with its exchange; until that is clean only reducing orders are placed.",
    "CLOCK_UNSAFE": "The clocks here and at the exchange differ too much; until they agree only reducing orders are placed.",
    "POSITION_MAX": "With every open order filled the position would be worth {value}; the limit is {limit}. Nothing was placed.",
    "GROSS_EXPOSURE_MAX": "With every open order filled all positions would be worth {value}; the limit is {limit}. Nothing was placed.",
    "LEVERAGE_MAX": "The leverage would be {value}; the limit is {limit}. Nothing was placed.",
    "RATE_MESSAGES": "Orders and amends come faster than the limit; nothing was placed or changed. Cancels still pass.",
    "DUPLICATE_ORDER": "The same order was placed a moment ago; this one was not placed. Say allow_duplicate if you mean it.",
    "PRICE_COLLAR": "The price {value} is beyond {limit}, too far through the market; nothing was placed. Move it nearer.",
    "PRICE_FAR": "The price {value} is beyond {limit}, too far from the market; nothing was placed. Look whether it is a typing error.",
    "MARKET_IMPACT": "The book is too thin: the average price would be {value} % off its middle, not {limit} %. Nothing was placed.",
    "VOLATILITY_PAUSE": "The price just moved by {value} %; more than {limit} % pauses opening. Nothing was placed.",
    "DAILY_LOSS": "Today's loss reached {value} %, the limit is {limit} %; only reducing orders are placed until a person resumes.",
    "MAX_DRAWDOWN": "The loss from the highest equity reached {value} %, the limit is {limit} %; nothing is placed until a person resumes.",
    "PRICE_JUMP": "The price jumped by {value} %, more than {limit} %; only reducing orders are placed until a person resumes.",
    "REJECT_STORM": "The exchange rejected {value} orders in a short time; nothing is placed until a person resumes.",
    "REPEATED_EXECUTION": "The strategy traded {value} times in a short time; nothing is placed for it until a person resumes.",
    "EXCHANGE_DEGRADED": "The exchange answers too badly; only reducing orders are placed there until a person resumes.",
    "STOPLOSS_GUARD": "Stops lost money here {value} times in a row; until the lock ends only reducing orders are placed.",
    "COOLDOWN": "The last close here lost money; until the pause ends only reducing orders are placed.",
    "KEY_ORDER_MAX": "The order is worth {value}; this key places at most {limit} at once. Nothing was placed.",
    "KEY_DAY_MAX": "With this order the key would have placed {value} today; its limit is {limit}. Nothing was placed.",
    "DATA_STALE": "This market has not been heard of for too long, or its book has a gap, so nothing can be traded on it until "
    "it is heard whole again; nothing was placed.",
    "NO_LIQUIDITY": "Nothing stands on the other side of the book, so there was nothing to trade with; nothing was placed.",
    "EXPIRE_IN_PAST": "The order would expire within a second; nothing was placed. Choose a later time.",
    "STOP_PRICE_INVALID": "A stop or target at {value} cannot work against {limit}; nothing was placed. Check the prices.",
    "TERMS_INVALID": "These conditions mean nothing together; nothing was placed or changed. Leave one of them out.",
    "REDUCE_ONLY_VIOLATION": "A reduce-only order never goes past flat: {limit} can be reduced; the rest was not placed, or was canceled.",
    "POST_ONLY_WOULD_TAKE": "A post-only order at {value} would take: the best price is {limit}. Nothing was placed or changed.",
    "FOK_UNFILLABLE": "Only {limit} of {value} can be filled at once, so the fill-or-kill order was not placed.",
    "OCO_OTHER_LEG": "The other leg of this order was filled or triggered, so this one was canceled.",
    "NUMBER_OVERFLOW": "Price times quantity is larger than can be counted; nothing was placed.",
    "COMMAND_STALE": "The order waited {value} ms before it could be decided, longer than {limit} ms; it was not placed.",
    "SWEPT": "Trading was stopped or orders were canceled after this one was handed over and before it was decided; it was not "
    "placed. Place it again if you still want it.",
    "FLATTENING": "This account is being flattened at the moment; nothing new is placed on it. Look at it when that is over.",
    "COMMAND_DEADLY": "The engine ended three times when it tried this, so it is not tried again; what was done before stands. Look "
    "at orders and positions, and tell the operator.",
    "REQUEST_ID_REUSED": "This request_id was used before for something else; nothing was done. Use a new one.",
    "ORDER_FINAL": "The order is over already; nothing was changed.",
    "ORDER_UNKNOWN": "The market does not hold this order any more; its fills are being looked up. Nothing was changed.",
    "NOT_FOUND": "There is no such order, account or instrument of yours. Nothing was done.",
    "CAPACITY": "The engine's memory for orders is full; nothing was placed. Cancel orders, or ask the operator.",
    "QTY_BELOW_FILLED": "The new quantity is less than what was filled already; the order stays as it was. Cancel it instead.",
    "FILL_EXCEEDS_ORDER": "The exchange reports more than was ordered; nothing was changed. An operator must look into it.",
    "FILL_PRICE_WORSE": "The exchange reports a price worse than the order's; nothing was changed. An operator must look into it.",
    "ORDER_NO_REUSED": "The engine gave two orders one number; nothing was placed. This is a bug; tell the operator.",
    "COMMAND_UNKNOWN": "The engine does not know this command; nothing was done. This is a bug; tell the operator.",
    "TYPE_UNSUPPORTED": "This order type is not offered on this exchange; nothing was placed.",
    "TIF_UNSUPPORTED": "This time in force or order type is not offered on this exchange; nothing was placed.",
    "MODE_MISMATCH": "The request says {value}, the account is {limit}; nothing was placed.",
    "OUTCOME_PENDING": "The order was handed over and no decision was seen yet. Look it up by its request_id after {limit}.",
    "NOT_ACCEPTED": "No engine takes orders at the moment, so surely nothing was placed. Try again shortly.",
}

NOWHERE_TO_START = (
    "A trailing stop starts at the last trade: there is none yet, or the trail is longer than its price. Nothing was placed. "
    "Give it a stop_price, or another trail."
)


#: what is so of an order that was placed, for `nothing was placed` would be wrong of it
STAYS = "the order stays as it was"
ENDED = {"canceled": "what was left of the order was canceled", "expired": "what was left of the order expired"}
_PLACED = re.compile("nothing was placed( or changed)?", re.IGNORECASE)


def of(reason: dict[str, Any], order: dict[str, Any] | None = None) -> str:
    """The sentence of a reason {code, limit, value}."""
    code = str(reason["code"])
    if code == "STOP_PRICE_INVALID" and reason.get("value") and Decimal(reason["value"]) == 0:
        return NOWHERE_TO_START
    sentence = _fill(SENTENCES.get(code, f"Refused: {code}. Nothing was done."), reason)
    status = str((order or {}).get("status") or "rejected")
    if status in ("rejected", "pending_new"):
        return sentence
    return _PLACED.sub(lambda found: _in_case(found[0], ENDED.get(status, STAYS)), sentence)


def _in_case(instead_of: str, words: str) -> str:
    return words[:1].upper() + words[1:] if instead_of[0].isupper() else words


def _fill(sentence: str, reason: dict[str, Any]) -> str:
    return sentence.format(limit=reason.get("limit") or "the limit", value=reason.get("value") or "more")
