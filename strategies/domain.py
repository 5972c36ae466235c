"""What strategies speak in: parameters, signals, their position, reports about their orders. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from marketdata.precision import decimal_text, parse_decimal

Value = Decimal | int | bool | str
FINAL_STATUSES = frozenset({"filled", "canceled", "rejected", "expired"})
_WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_TRUE, _FALSE = ("true", "1", "on", "yes"), ("false", "0", "off", "no")


class Side(StrEnum):
    """Which way an order goes."""

    BUY = "buy"
    SELL = "sell"


class Kind(StrEnum):
    """What a parameter's value is. `decimal` travels as text."""

    DECIMAL = "decimal"
    INTEGER = "integer"
    FLAG = "flag"
    CHOICE = "choice"


@dataclass(frozen=True)
class Parameter:
    """One setting of a strategy: its name, meaning, default and bounds. `above` is an exclusive lower bound, `least`
    an inclusive one. A default of None means that a person must give it."""

    name: str
    kind: Kind
    default: str | None
    help: str
    above: Decimal | None = None
    least: int | None = None
    choices: tuple[str, ...] = ()

    def parse(self, given: object) -> Value:
        """The value a person or a row gave, checked. Raises ValueError with a sentence without the name in front."""
        if self.kind is Kind.FLAG:
            return self._flag(given)
        if self.kind is Kind.INTEGER:
            return self._integer(given)
        if not isinstance(given, str):
            raise ValueError(f"was {given!r}; send it as text")
        if self.kind is Kind.CHOICE:
            if given not in self.choices:
                raise ValueError(f'was "{given}", which is not one of {", ".join(self.choices)}')
            return given
        value = parse_decimal(given)
        if self.above is not None and value <= self.above:
            raise ValueError(f"was {decimal_text(value)}; it must be more than {decimal_text(self.above)}")
        return value

    @staticmethod
    def _flag(given: object) -> bool:
        word = str(given).lower()
        if word not in _TRUE + _FALSE:
            raise ValueError(f"was {given!r}; it is either true or false")
        return word in _TRUE

    def _integer(self, given: object) -> int:
        if isinstance(given, bool) or not _WHOLE.fullmatch(str(given).strip()):
            raise ValueError(f'was "{given}", which is not a whole number')
        value = int(str(given))
        if self.least is not None and value < self.least:
            raise ValueError(f"was {value}; it must be at least {self.least}")
        return value


class ParametersRefused(ValueError):
    """Parameters that cannot run; `errors` holds a sentence for each name."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name} {sentence}" for name, sentence in errors.items()))
        self.errors = dict(errors)


def parse_parameters(known: Iterable[Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """All parameters, defaults filled in. Raises ParametersRefused naming every wrong, missing or unknown one."""
    parameters = {parameter.name: parameter for parameter in known}
    errors = {name: "is not a parameter of this strategy" for name in given if name not in parameters}
    values: dict[str, Value] = {}
    for name, parameter in parameters.items():
        raw = given.get(name)
        raw = parameter.default if raw is None or raw == "" else raw
        if raw is None:
            errors[name] = "is missing; it has no default"
            continue
        try:
            values[name] = parameter.parse(raw)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise ParametersRefused(errors)
    return values


def parameter_texts(values: Mapping[str, Value]) -> dict[str, str | int | bool]:
    """Parsed parameters as they are stored: decimals as text."""
    return {name: decimal_text(value) if isinstance(value, Decimal) else value for name, value in values.items()}


@dataclass(frozen=True)
class Market:
    """What a strategy must know of the instrument it trades: the steps of its price and quantity, and the least it may
    send."""

    exchange: str
    symbol: str
    tick_size: Decimal
    lot_size: Decimal
    quantity_min: Decimal = Decimal(0)
    notional_min: Decimal = Decimal(0)


@dataclass(frozen=True)
class Signal:
    """A strategy's opinion at one moment. It has no effect by itself."""

    side: Side
    price: Decimal
    note: str


@dataclass(frozen=True)
class Conditions:
    """What makes an order more than a price and a quantity, under the names of the API. `type` '' is limit with a price and
    market without; `take_profit` and the stop loss are prices of the orders that follow its fills."""

    type: str = ""
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    time_in_force: str = ""
    expires_at: datetime | None = None
    post_only: bool = False
    reduce_only: bool = False
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    stop_loss_limit: Decimal | None = None

    def fields(self) -> dict[str, Any]:
        """As they go to the door; what is not asked for is left out."""
        prices = {name: getattr(self, name) for name in ("stop_price", "trail_amount", "trail_percent")}
        made: dict[str, Any] = {name: decimal_text(value) for name, value in prices.items() if value is not None}
        made |= {name: True for name in ("post_only", "reduce_only") if getattr(self, name)}
        made |= {name: getattr(self, name) for name in ("type", "time_in_force") if getattr(self, name)}
        if self.expires_at is not None:
            made["expires_at"] = self.expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if self.take_profit is not None:
            made["take_profit"] = {"price": decimal_text(self.take_profit)}
        if self.stop_loss is not None:
            limit = None if self.stop_loss_limit is None else decimal_text(self.stop_loss_limit)
            made["stop_loss"] = {"stop_price": decimal_text(self.stop_loss), "limit_price": limit}
        return made


@dataclass(frozen=True)
class Position:
    """What the strategy itself holds: signed quantity in the base asset, mean price paid in the quote asset."""

    quantity: Decimal = Decimal(0)
    average_price: Decimal | None = None


@dataclass(frozen=True)
class Report:
    """One execution report about an order of this run. Quantities are totals of the order, so hearing it twice changes
    nothing."""

    number: int
    """Which of the run's orders: what `desk.buy` or `desk.sell` gave back."""
    exec_type: str
    """FIX's letter: 0 new, F a fill, 4 canceled, 5 replaced, 8 rejected, C expired."""
    status: str
    side: Side
    quantity: Decimal
    filled_quantity: Decimal
    average_price: Decimal | None
    code: str
    """Why it was refused, as RISK codes and EXCHANGE_REJECTED; empty when it was not."""
    at: datetime
    leg: str = ""
    """`tp` or `sl` when it is about the take profit or stop loss that followed the order; '' for the order itself."""

    @property
    def is_final(self) -> bool:
        """True when the order will not trade again."""
        return self.status in FINAL_STATUSES
