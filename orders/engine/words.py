"""The core's numbers as the words of the API, and back. The numbers are stored in journals: never renumber."""

from __future__ import annotations

from orders import _core

SIDES = {"buy": _core.SIDE_BUY, "sell": _core.SIDE_SELL}
TYPES = {
    "limit": _core.TYPE_LIMIT,
    "market": _core.TYPE_MARKET,
    "stop": _core.TYPE_STOP,
    "stop_limit": _core.TYPE_STOP_LIMIT,
    "take_profit": _core.TYPE_TAKE_PROFIT,
    "take_profit_limit": _core.TYPE_TAKE_PROFIT_LIMIT,
    "trailing_stop": _core.TYPE_TRAILING_STOP,
}
TIFS = {
    "gtc": _core.TIF_GTC,
    "ioc": _core.TIF_IOC,
    "fok": _core.TIF_FOK,
    "day": _core.TIF_DAY,
    "gtd": _core.TIF_GTD,
}
SIDE_WORDS = {number: word for word, number in SIDES.items()}
TYPE_WORDS = {number: word for word, number in TYPES.items()}
TIF_WORDS = {number: word for word, number in TIFS.items()}
