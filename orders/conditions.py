"""What makes an order more than a price and a quantity: what sets it off, how long it stands, what it may do, what follows it.

Read strictly here, turned into steps of the instrument, and carried by the command as `messages.Terms`. What cannot be read
or does not belong to the order's type is 400; whether the conditions make sense together is the core's to judge (422).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from marketdata import clock
from marketdata.precision import decimal_text, to_ticks, to_units
from orders import sentences
from orders.errors import ApiError
from orders.messages import Terms
from orders.reading import Reader, steps

TYPES = ("limit", "market", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop")
TIFS = ("gtc", "day", "gtd", "ioc", "fok")
#: types that rest with, or become, a price of their own
PRICED = frozenset({"limit", "stop_limit", "take_profit_limit"})
#: types that wait for the last price to reach `stop_price`
STOPPED = frozenset({"stop", "stop_limit", "take_profit", "take_profit_limit"})
DECIMALS = ("stop_price", "trail_amount", "trail_percent")
FLAGS = ("post_only", "reduce_only", "extended_hours", "allow_duplicate")
OBJECTS = ("take_profit", "stop_loss")
FIELDS = (*DECIMALS, *FLAGS, *OBJECTS, "expires_at")
BASIS_POINT = Decimal("0.01")
LAST_YEAR = 2200  # times are counted in ns since 1970 in 64 bits


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of an order as they were asked, in decimals."""

    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    extended_hours: bool | None = None
    allow_duplicate: bool = False
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None

    def parts(self) -> tuple[str, ...]:
        """What was asked, for the hash that tells a repeat from another request; nothing for an order without conditions."""
        shown = {name: getattr(self, name) for name in self.__slots__}
        return tuple(
            f"{name}={decimal_text(value) if isinstance(value, Decimal) else value}"
            for name, value in shown.items()
            if value not in (None, False)
        )

    def terms(self, tick_size: Decimal) -> Terms | None:
        """In steps of the instrument; None for an order the core need not remember conditions of. ApiError 422 off a step."""
        trail = 0
        if self.trail_amount is not None:
            trail = _ticks(self.trail_amount, tick_size)
        elif self.trail_percent is not None:
            trail = to_units(self.trail_percent, BASIS_POINT, "trail_percent")
        made = Terms(
            stop_ticks=_ticks(self.stop_price, tick_size),
            trail=trail,
            trail_percent=self.trail_percent is not None,
            expires_at_ns=0 if self.expires_at is None else _ns(self.expires_at),
            take_profit_ticks=_ticks(self.take_profit, tick_size),
            stop_loss_ticks=_ticks(self.stop_loss, tick_size),
            stop_loss_limit_ticks=_ticks(self.stop_loss_limit, tick_size),
        )
        return None if made == NO_TERMS else made


NO_TERMS = Terms()


def read(reader: Reader, kind: str, time_in_force: str) -> Conditions:
    """The conditions of a body; what is wrong with them is the reader's to say."""
    numbers = {name: reader.decimal(name) for name in DECIMALS}
    flags = {name: reader.flag(name) for name in FLAGS}
    expires_at = reader.moment("expires_at")
    profit = reader.inside("take_profit", ("price",))
    loss = reader.inside("stop_loss", ("stop_price", "limit_price"))
    _belongs(reader, kind, numbers)
    _expiry(reader, time_in_force, expires_at)
    return Conditions(
        **numbers,
        expires_at=expires_at,
        post_only=bool(flags["post_only"]),
        reduce_only=bool(flags["reduce_only"]),
        extended_hours=flags["extended_hours"],
        allow_duplicate=bool(flags["allow_duplicate"]),
        take_profit=_needed(profit, "price"),
        stop_loss=_needed(loss, "stop_price"),
        stop_loss_limit=None if loss is None else loss.decimal("limit_price"),
    )


def refuse_not_offered(conditions: Conditions) -> None:
    """Trading outside the sessions of an exchange: none of this installation's closes, so there is nothing to extend."""
    if conditions.extended_hours:
        raise ApiError(422, "TIF_UNSUPPORTED", sentences.SENTENCES["TIF_UNSUPPORTED"], value="extended_hours")


def _belongs(reader: Reader, kind: str, numbers: dict[str, Decimal | None]) -> None:
    """Each type has its own prices: those it needs, and none besides."""
    name = kind.replace("_", " ")
    if kind in STOPPED and numbers["stop_price"] is None:
        reader.wrong("stop_price", f"is missing; a {name} order needs one")
    if kind not in STOPPED and kind != "trailing_stop" and numbers["stop_price"] is not None:
        reader.wrong("stop_price", f"a {name} order has none")
    trails = [trail for trail in ("trail_amount", "trail_percent") if numbers[trail] is not None]
    if kind != "trailing_stop":
        for trail in trails:
            reader.wrong(trail, f"a {name} order has none")
    elif not trails:
        reader.wrong("trail_amount", "is missing, and so is trail_percent; a trailing stop needs one of them")
    elif len(trails) == 2:
        reader.wrong("trail_percent", "is given beside trail_amount; a trailing stop has one of them")
    percent = numbers["trail_percent"]
    if percent is not None and (percent % BASIS_POINT or percent >= 100):
        reader.wrong("trail_percent", "must be a multiple of 0.01 below 100")


def _expiry(reader: Reader, time_in_force: str, expires_at: datetime | None) -> None:
    if time_in_force == "gtd" and expires_at is None:
        reader.wrong("expires_at", "is missing; time_in_force gtd needs it")
    if time_in_force != "gtd" and expires_at is not None:
        reader.wrong("expires_at", "belongs to time_in_force gtd alone")
    if expires_at is not None and expires_at.year > LAST_YEAR:
        reader.wrong("expires_at", f"must be within the year {LAST_YEAR}, or before")


def _needed(inner: Reader | None, name: str) -> Decimal | None:
    if inner is None:
        return None
    if inner.body.get(name) is None:
        inner.wrong(name, "is missing")
    return inner.decimal(name)


def _ticks(price: Decimal | None, tick_size: Decimal) -> int:
    return 0 if price is None else steps("PRICE_PRECISION", to_ticks, price, tick_size)


def _ns(moment: datetime) -> int:
    return (moment - clock.EPOCH) // clock.MICROSECOND * 1000
