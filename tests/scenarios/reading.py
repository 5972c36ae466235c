"""A scenario's text as steps. Quantities become lots and prices ticks here, so that every house is told the same numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

UNIT = 10**18  # amounts are whole numbers of 10^-18 of an asset
DAY_NS = 86_400 * 10**9
START_NS = 10 * 3600 * 10**9  # day 1, ten o'clock; the day itself is the house's choice
KINDS = {
    "limit": "limit",
    "market": "market",
    "stop": "stop",
    "take-profit": "take_profit",
    "trailing": "trailing_stop",
}
POLICIES = {"allow": 0, "refuse-newest": 1, "cancel-oldest": 2}


class ScenarioError(Exception):
    """A line that means nothing, with its number."""


@dataclass(frozen=True)
class Market:
    symbol: str
    tick: Decimal
    lot: Decimal
    maker_ppm: int = 0
    taker_ppm: int = 0
    least_quantity: Decimal = Decimal(0)
    most_quantity: Decimal = Decimal(0)
    least_value: Decimal = Decimal(0)

    @property
    def base(self) -> str:
        return self.symbol.split("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.split("/")[1]

    @property
    def base_unit(self) -> int:
        return whole(self.lot * UNIT)

    @property
    def quote_unit(self) -> int:
        return whole(self.tick * self.lot * UNIT)

    def ticks(self, price: str) -> int:
        return whole(Decimal(price) / self.tick)

    def lots(self, quantity: str) -> int:
        return whole(Decimal(quantity) / self.lot)


@dataclass(frozen=True)
class Account:
    name: str
    owner: str
    money: dict[str, Decimal]
    self_trade: int = 1
    open_orders: int = 0
    value_max: Decimal = Decimal(0)


@dataclass(frozen=True)
class Order:
    label: str
    who: str
    side: str
    lots: int
    symbol: str
    kind: str
    tif: str
    price: int = 0
    stop: int = 0
    trail: int = 0
    trail_percent: bool = False
    expires_ns: int = 0  # since the midnight before day 1
    tp: int = 0
    sl: int = 0
    sl_limit: int = 0
    post_only: bool = False
    reduce_only: bool = False
    strategy: str = ""


@dataclass(frozen=True)
class Cancel:
    label: str


@dataclass(frozen=True)
class Amend:
    label: str
    price: str = ""
    quantity: str = ""


@dataclass(frozen=True)
class Sweep:
    who: str
    symbol: str = ""
    side: str = ""
    strategy: str | None = None


@dataclass(frozen=True)
class Time:
    ns: int


@dataclass(frozen=True)
class Halt:
    state: str
    scope: str
    key: str


@dataclass(frozen=True)
class Expect:
    table: str
    of: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    line: int
    text: str
    do: Order | Cancel | Amend | Sweep | Time | Halt | Expect
    refused: str = ""


@dataclass
class Scenario:
    name: str
    markets: dict[str, Market] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)


def whole(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise ScenarioError(f"{number} is not a whole number of steps")
    return int(number)


def moment(day: str, time: str) -> int:
    hours, minutes, seconds = (int(word) for word in time.split(":"))
    return (int(day) - 1) * DAY_NS + ((hours * 60 + minutes) * 60 + seconds) * 10**9


def read(path: Path) -> Scenario:
    scenario = Scenario(path.stem)
    lines = path.read_text().splitlines()
    at = 0
    while at < len(lines):
        number, line = at + 1, lines[at].split("#")[0].rstrip()
        at += 1
        if not line.strip():
            continue
        try:
            if line.startswith("expect "):
                table = []
                while at < len(lines) and (lines[at].startswith(" ") or lines[at].startswith("#")):
                    if row := lines[at].split("#")[0].split():
                        table.append(" ".join(row))
                    at += 1
                _, what, *of = line.split()
                scenario.steps.append(Step(number, line, Expect(what, " ".join(of), tuple(table))))
            else:
                _line(scenario, number, line)
        except (ScenarioError, ValueError, KeyError, IndexError, ArithmeticError) as error:
            raise ScenarioError(f"{path.name}:{number}: {line!r}: {error!r}") from error
    return scenario


def _line(scenario: Scenario, number: int, line: str) -> None:
    text, _, refused = (part.strip() for part in line.partition("->"))
    words = text.split()
    if words[0] == "market":
        scenario.markets[words[1]] = _market(words[1:])
    elif words[0] == "account":
        account = _account(words[1:])
        scenario.accounts[account.name] = account
    else:
        scenario.steps.append(Step(number, text, _step(scenario, words), refused))


def _market(words: list[str]) -> Market:
    given = dict(zip(words[1::2], words[2::2], strict=True))
    ppm = {word: whole(Decimal(given.pop(word, "0%").rstrip("%")) * 10_000) for word in ("maker", "taker")}
    made = Market(words[0], Decimal(given.pop("tick")), Decimal(given.pop("lot")), ppm["maker"], ppm["taker"])
    for word, value in given.items():
        made = replace(made, **{word.replace("-", "_"): Decimal(value)})
    return made


def _account(words: list[str]) -> Account:
    name, owner, money, rest = words[0], words[0], {}, words[1:]
    more: dict[str, int | Decimal] = {}
    while rest:
        word, value, *rest = rest
        if word == "of":
            owner = value
        elif word == "self-trade":
            more["self_trade"] = POLICIES[value]
        elif word == "open-orders":
            more["open_orders"] = int(value)
        elif word == "value-max":
            more["value_max"] = Decimal(value)
        else:
            money[value] = Decimal(word)
    return Account(name, owner, money, **more)  # type: ignore[arg-type]


def _step(scenario: Scenario, words: list[str]) -> Order | Cancel | Amend | Sweep | Time | Halt:
    if words[:3] == ["cancel", "all", "of"]:
        return _sweep(words[3:])
    if words[0] == "cancel":
        return Cancel(words[1])
    if words[0] == "amend":
        given = dict(zip(words[2::2], words[3::2], strict=True))
        return Amend(words[1], given.get("price", ""), given.get("quantity", ""))
    if words[0] == "time":
        return Time(moment(words[2], words[3]))
    if words[0] == "halt":
        return Halt(words[1], words[2] if len(words) > 2 else "global", words[3] if len(words) > 3 else "")
    label = ""
    if words[0].endswith(":"):
        label, words = words[0][:-1], words[1:]
    return _order(scenario.markets[words[3]], label, words)


def _sweep(words: list[str]) -> Sweep:
    made, rest = Sweep(words[0]), words[1:]
    while rest:
        word, *rest = rest
        if word in ("buys", "sells"):
            made = replace(made, side=word[:-1])
        elif word == "strategy":
            made = replace(made, strategy=rest.pop(0))
        else:
            made = replace(made, symbol=word)
    return made


def _order(market: Market, label: str, words: list[str]) -> Order:
    who, does, quantity, symbol, kind, *rest = words
    if not re.fullmatch("buys|sells", does):
        raise ScenarioError("nobody buys or sells here")
    order = Order(label or f"line{len(words)}", who, does[:-1], market.lots(quantity), symbol, KINDS[kind], "gtc")
    if kind == "market":
        order = replace(order, tif="ioc")
    elif kind == "limit":
        order = replace(order, price=market.ticks(rest.pop(0)))
    elif kind == "trailing":
        trail = rest.pop(0)
        percent = trail.endswith("%")
        by = whole(Decimal(trail.rstrip("%")) * 100) if percent else market.ticks(trail)
        order = replace(order, trail=by, trail_percent=percent)
    else:
        order = replace(order, stop=market.ticks(rest.pop(0)))
    while rest:
        word, *rest = rest
        if word == "limit":
            order = replace(order, kind=order.kind + "_limit", price=market.ticks(rest.pop(0)))
        elif word in ("gtc", "ioc", "fok", "day"):
            order = replace(order, tif=word)
        elif word == "until":
            order = replace(order, tif="gtd", expires_ns=moment(rest.pop(0), rest.pop(0)))
        elif word in ("post-only", "reduce-only"):
            order = replace(order, **{word.replace("-", "_"): True})
        elif word == "strategy":
            order = replace(order, strategy=rest.pop(0))
        else:
            name = {"take-profit-at": "tp", "stop-loss-at": "sl", "stop-loss-limit": "sl_limit", "from": "stop"}[word]
            order = replace(order, **{name: market.ticks(rest.pop(0))})
    return order
