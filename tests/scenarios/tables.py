"""What a house shows of itself, and the tables made of it: one way of writing them, so that only what happened can differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from marketdata.precision import decimal_text
from tests.scenarios.reading import UNIT, Account, Expect, Market, Scenario, Step

WORDS = {"0": "new", "F": "fill", "4": "canceled", "5": "amended", "8": "rejected", "C": "expired", "D": "moved",
         "L": "triggered"}  # fmt: skip
STATUS = {"0": "new", "1": "partially_filled", "2": "filled", "4": "canceled", "8": "rejected", "C": "expired"}
Levels = list[tuple[int, int]]  # (ticks, lots), best first


@dataclass
class Seen:
    """An order as its house last told of it."""

    label: str
    symbol: str
    lots: int
    ticks: int
    status: str = "new"
    filled: int = 0
    reason: str = ""
    history: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fill:
    label: str
    symbol: str
    lots: int
    ticks: int
    fee: int


class House(Protocol):
    """A trading house that can live through a scenario."""

    def take(self, step: Step, at_ns: int) -> str:
        """Do it; the reason of a refusal, '' when taken. `at_ns` counts from the midnight before day 1."""

    def orders(self) -> list[Seen]:
        """Every order so far, children behind their parents, in the order of placement."""

    def fills(self) -> list[Fill]:
        """Every execution, the taker's before the maker's."""

    def book(self, symbol: str) -> tuple[Levels, Levels]:
        """What stands, bids and asks."""

    def positions(self) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
        """(account, symbol, strategy) -> (quantity, cost, realised, fees), each once traded."""

    def balance(self, account: Account, asset: str) -> tuple[int, int]:
        """(total, held)."""


def amount(units: int) -> str:
    return decimal_text(Decimal(units) / UNIT)


def price(market: Market, ticks: int) -> str:
    return decimal_text(ticks * market.tick)


def quantity(market: Market, lots: int) -> str:
    return decimal_text(lots * market.lot)


def table(house: House, scenario: Scenario, wanted: Expect) -> list[str]:
    """The rows of one table as the house shows it now."""
    if wanted.table == "orders":
        return [_order(scenario.markets[seen.symbol], seen) for seen in house.orders()]
    if wanted.table == "reports":
        return [f"{seen.label} {' '.join(seen.history)}" for seen in house.orders()]
    if wanted.table == "fills":
        return [_fill(scenario.markets[fill.symbol], fill) for fill in house.fills()]
    if wanted.table == "book":
        return _book(scenario.markets[wanted.of], house.book(wanted.of))
    if wanted.table == "positions":
        rows = sorted(house.positions().items())
        return [_position(*place, *numbers) for place, numbers in rows if any(numbers)]
    if wanted.table == "balances":
        return [
            f"{account.name} {asset} {amount(total)} held {amount(held)}"
            for account in scenario.accounts.values()
            for asset in sorted(
                {asset for market in scenario.markets.values() for asset in (market.base, market.quote)}
            )
            for total, held in [house.balance(account, asset)]
        ]
    raise ValueError(f"there is no table {wanted.table}")


def _order(market: Market, seen: Seen) -> str:
    words = [seen.label, seen.status, quantity(market, seen.filled), "of", quantity(market, seen.lots)]
    if seen.ticks:
        words += ["at", price(market, seen.ticks)]
    return " ".join([*words, seen.reason]).strip()


def _fill(market: Market, fill: Fill) -> str:
    return f"{fill.label} {quantity(market, fill.lots)} @ {price(market, fill.ticks)} fee {amount(fill.fee)}"


def _book(market: Market, sides: tuple[Levels, Levels]) -> list[str]:
    return [
        f"{word} {quantity(market, lots)} @ {price(market, ticks)}"
        for word, levels in zip(("buys", "sells"), sides, strict=True)
        for ticks, lots in levels
    ]


def _position(who: str, symbol: str, strategy: str, held: int, cost: int, realised: int, fees: int) -> str:
    of = f"{symbol} ({strategy})" if strategy else symbol
    return f"{who} {of} {amount(held)} cost {amount(cost)} realised {amount(realised)} fees {amount(fees)}"
