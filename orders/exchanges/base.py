"""The port of every exchange: what the engine, the gateway and the poll may ask of one, whatever stands behind it.

| method       | required | asks                                                                     |
|--------------|----------|--------------------------------------------------------------------------|
| submit       | yes      | put an order on the exchange; at most once, never repeated here          |
| cancel       | yes      | take an order off                                                        |
| fetch_order  | yes      | one order as the exchange sees it; None when it knows no such order      |
| open_orders  | yes      | what stands on the exchange for an account                               |
| fills        | yes      | executions of one order, or of an account since a moment                 |
| amend        | no       | another price or total quantity                                          |
| fetch_orders | no       | many orders with their fills in one question; made of the others if not  |
| balances     | no       | an account's balances as the exchange counts them                        |

Prices are ticks, quantities lots of the instrument's spec_version, times ns since 1970; an exchange's ids are text.
Pure.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

REQUIRED = ("submit", "cancel", "fetch_order", "open_orders", "fills")
OPTIONAL = ("amend", "fetch_orders", "balances")


class ExchangeError(Exception):
    """An exchange said no, or could not be asked. `outcome_known` is whether surely nothing happened there: False means
    that the request may have been carried out, and only fetch_order can tell.
    """

    def __init__(self, message: str, *, outcome_known: bool, code: str = "") -> None:
        super().__init__(message)
        self.outcome_known = outcome_known
        self.code = code


@dataclass(frozen=True, slots=True)
class ExchangeRequest:
    """An order on its way to an exchange. `number` is the shard's order_no, `client_id` ours for this send.
    `price_ticks` is 0 for a market order.
    """

    number: int
    client_id: str
    account_id: int
    instrument_id: int
    spec_version: int
    side: str
    type: str
    time_in_force: str
    price_ticks: int
    quantity_lots: int
    at_ns: int
    strategy: int = 0


@dataclass(frozen=True, slots=True)
class ExchangeOrder:
    """An order as the exchange sees it. `open` is whether it stands there now; `filled_lots` counts the executions the
    exchange remembers, which after its restart may be fewer than there were.
    """

    exchange_order_id: str
    instrument_id: int
    side: str
    open: bool
    price_ticks: int
    remaining_lots: int
    filled_lots: int


@dataclass(frozen=True, slots=True)
class ExchangeFill:
    """One execution as the exchange tells it; `exchange_trade_id` names it for ever within the instrument."""

    exchange_trade_id: str
    exchange_order_id: str
    instrument_id: int
    side: str
    price_ticks: int
    quantity_lots: int
    maker: bool
    at_ns: int
    fee: str = ""  # decimal, in fee_asset; negative when it was given back; '' when the exchange told none
    fee_asset: str = ""


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the exchange says of one order at one moment; `order` is None when it knows no such order standing or
    filled.
    """

    exchange_order_id: str
    order: ExchangeOrder | None
    fills: tuple[ExchangeFill, ...]


@dataclass(frozen=True, slots=True)
class ExchangeBalance:
    """What an account holds of an asset by the exchange's count, in units of 10^-18."""

    asset: str
    total: int
    used: int


class Exchange(ABC):
    """One exchange, as this process can reach it."""

    @abstractmethod
    def submit(self, request: ExchangeRequest) -> str:
        """Put the order there; the exchange's id of it. ExchangeError when it was refused or its fate is not known."""

    @abstractmethod
    def cancel(self, account_id: int, exchange_order_id: str, at_ns: int) -> None:
        """Take the order off. ExchangeError when the exchange would not."""

    @abstractmethod
    def fetch_order(self, account_id: int, exchange_order_id: str) -> ExchangeOrder | None:
        """One order; None when the exchange knows none of this id. A failure to ask is an ExchangeError, never None."""

    @abstractmethod
    def open_orders(self, account_id: int) -> list[ExchangeOrder]:
        """What stands there for the account."""

    @abstractmethod
    def fills(self, account_id: int, exchange_order_id: str | None = None, since_ns: int = 0) -> list[ExchangeFill]:
        """Executions at or after `since_ns`, oldest first: of one order, or of all the account's."""

    def amend(self, account_id: int, exchange_order_id: str, price_ticks: int, quantity_lots: int, at_ns: int) -> None:
        """Another price and total quantity."""
        raise self._missing("amend")

    def fetch_orders(self, account_id: int, exchange_order_ids: Sequence[str]) -> list[Sighting]:
        """Each order with its fills, in the order asked."""
        return [
            Sighting(number, self.fetch_order(account_id, number), tuple(self.fills(account_id, number)))
            for number in exchange_order_ids
        ]

    def balances(self, account_id: int) -> list[ExchangeBalance]:
        """What the account holds by the exchange's count."""
        raise self._missing("balances")

    @classmethod
    def can(cls, method: str) -> bool:
        """Whether this exchange answers a method of the table itself."""
        return getattr(cls, method) is not getattr(Exchange, method)

    def _missing(self, method: str) -> ExchangeError:
        sentence = f"{type(self).__name__} has no {method}; nothing was sent"
        return ExchangeError(sentence, outcome_known=True, code="UNSUPPORTED")
