"""The lazy grid: buys on the way down, sells each purchase one step up, and has no order standing before its price is
reached. Pure.

**The ladder.** The first closed kline sets the *anchor*, its close. The *step* is fixed with it: `step` ticks' worth
of price, or `step` percent of the anchor, rounded to the nearest tick, at least one. Level n = 1, 2, 3, … lies at
`anchor - n * step`; levels end only where the price would reach zero. A level's *exit* is the level above it, `anchor
- (n - 1) * step`.

**On each closed kline**, with its close c and the close p of the kline before it, in this order:

1. *Sell.* Every held level whose exit is at or below c is sold: a limit order at the exit, over what the level holds.
2. *Withdraw.* A buy that still stands although c has reached its level's exit is canceled: the price left without it.
3. *Trail.* While nothing is held or working, the anchor (and with it the step) follows c upwards, never downwards.
4. *Buy.* The deepest level L with c <= L < p is bought, `quantity` by a limit order at L, if it is free and fewer than
   `max_long_levels` levels are in use (0: no bound). At most one level a kline: levels a fall jumped over are bought
   only when a later kline crosses them downwards.

A level is *free*, *buying*, *held* or *selling*, and in use unless free. It is never given a second buy while in use.
A buy that ends with nothing bought frees its level, one that ends partly filled leaves it held with that part. A sell
that ends unfilled, or is refused, leaves the rest held, and the next kline at or above the exit tries again. A refused
buy waits for the next crossing.

**Memory.** State outlives runs. A new run takes the held levels and the anchor over, and its first kline only sets p.
With `reset_state_on_start` it begins with nothing: what was bought before stays in the position, and the grid no
longer sells it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from marketdata.domain import Kline
from marketdata.precision import decimal_text, nearest_units, to_lots
from strategies.base import Strategy
from strategies.desk import Desk
from strategies.domain import Kind, Market, Parameter, ParametersRefused, Report, Side, Signal, Value

BUYING, HELD, SELLING = "buying", "held", "selling"
PERCENT, TICKS = "percent", "ticks"


@dataclass
class Level:
    """One level in use. `order` is the number of its working order, `held` what it holds in base, as decimal text."""

    phase: str
    order: int
    held: str = "0"
    selling: str = "0"
    leaving: bool = False

    def fill(self, total: Decimal) -> None:
        """A buy's filled quantity so far."""
        self.held = decimal_text(total)

    def sold(self, total: Decimal) -> None:
        """A sell's filled quantity so far: what is left of what it set out to sell."""
        self.held = decimal_text(Decimal(self.selling) - total)


class LazyGrid(Strategy):
    """See the module's own words."""

    title = "Lazy grid"
    parameters = (
        Parameter("step", Kind.DECIMAL, None, "Distance between levels, in `step_unit`.", above=Decimal(0)),
        Parameter("step_unit", Kind.CHOICE, PERCENT, "Percent of the anchor, or ticks.", choices=(PERCENT, TICKS)),
        Parameter("quantity", Kind.DECIMAL, None, "Bought at each level, in the base asset.", above=Decimal(0)),
        Parameter("max_long_levels", Kind.INTEGER, "0", "Most levels in use at once; 0 = unlimited.", least=0),
        Parameter("reset_state_on_start", Kind.FLAG, "false", "Forget anchor and held levels at each start."),
    )

    def __init__(self, parameters: Mapping[str, Value], market: Market) -> None:
        super().__init__(parameters, market)
        self.step = _decimal(parameters["step"])
        self.step_unit = str(parameters["step_unit"])
        self.quantity = _decimal(parameters["quantity"])
        self.max_long_levels = int(parameters["max_long_levels"])
        self.reset_state_on_start = bool(parameters["reset_state_on_start"])
        self._check(market)
        self.anchor: Decimal | None = None
        self.pitch = Decimal(0)  # the step in price, fixed with the anchor
        self.last_close: Decimal | None = None
        self.levels: dict[int, Level] = {}

    def _check(self, market: Market) -> None:
        errors = {}
        try:
            to_lots(self.quantity, market.lot_size)
        except ValueError as error:
            errors["quantity"] = f"does not fit {market.symbol}: {error}"
        if self.quantity < market.quantity_min:
            errors["quantity"] = f"is below the least {market.symbol} takes, {decimal_text(market.quantity_min)}"
        if self.step_unit == TICKS and self.step != self.step.to_integral_value():
            errors["step"] = f"was {decimal_text(self.step)} ticks; give a whole number of ticks"
        if self.step_unit == PERCENT and self.step >= 100:
            errors["step"] = f"was {decimal_text(self.step)} percent; the first level would lie at or below zero"
        if errors:
            raise ParametersRefused(errors)

    # -- state --------------------------------------------------------------------------------------------------------

    def load(self, state: Mapping[str, Any]) -> None:
        self.anchor = _maybe(state.get("anchor"))
        self.pitch = Decimal(state.get("pitch", "0"))
        self.last_close = _maybe(state.get("last_close"))
        self.levels = {int(number): Level(**level) for number, level in state.get("levels", {}).items()}

    def save(self) -> dict[str, Any]:
        return {
            "anchor": None if self.anchor is None else decimal_text(self.anchor),
            "pitch": decimal_text(self.pitch),
            "last_close": None if self.last_close is None else decimal_text(self.last_close),
            "levels": {str(number): asdict(level) for number, level in sorted(self.levels.items())},
        }

    # -- events -------------------------------------------------------------------------------------------------------

    def on_start(self, desk: Desk) -> None:
        self.last_close = None
        if self.reset_state_on_start:
            self.anchor, self.levels = None, {}
        # A run that failed may have left levels with orders that have ended since; what they hold is theirs, the order
        # is not.
        for number, level in list(self.levels.items()):
            if level.phase != HELD:
                self._settle(number, level)

    def on_kline(self, desk: Desk, kline: Kline) -> None:
        close, previous, self.last_close = kline.close, self.last_close, kline.close
        if self.anchor is None:
            self._drop_anchor(close)
            return
        self._sell_reached(desk, close)
        self._withdraw_left(desk, close)
        if not self.levels and close > self.anchor:
            self._drop_anchor(close)
        if previous is not None and close < previous:
            self._buy_crossed(desk, close, previous)

    def on_report(self, desk: Desk, report: Report) -> None:
        found = next(
            ((n, level) for n, level in self.levels.items() if level.phase != HELD and level.order == report.number),
            None,
        )
        if found is None:
            return
        number, level = found
        if level.phase == BUYING:
            level.fill(report.filled_quantity)
        else:
            level.sold(report.filled_quantity)
        if report.is_final:
            self._settle(number, level)

    # -- the ladder ---------------------------------------------------------------------------------------------------

    def price(self, number: int) -> Decimal:
        """Where a level lies; 0 is the anchor."""
        assert self.anchor is not None
        return self.anchor - number * self.pitch

    def _drop_anchor(self, close: Decimal) -> None:
        tick = self.market.tick_size
        ticks = int(self.step) if self.step_unit == TICKS else nearest_units(close * self.step / 100, tick)
        self.anchor, self.pitch = close, max(ticks, 1) * tick

    def _sell_reached(self, desk: Desk, close: Decimal) -> None:
        for number, level in sorted(self.levels.items()):
            exit_price = self.price(number - 1)
            if level.phase == HELD and close >= exit_price:
                quantity = Decimal(level.held)
                desk.signal(Signal(Side.SELL, exit_price, f"level {number} reached its exit"))
                level.order = desk.sell(quantity, exit_price)
                level.phase, level.selling = SELLING, level.held

    def _withdraw_left(self, desk: Desk, close: Decimal) -> None:
        for number, level in sorted(self.levels.items()):
            if level.phase == BUYING and not level.leaving and close >= self.price(number - 1):
                desk.cancel(level.order)
                level.leaving = True

    def _buy_crossed(self, desk: Desk, close: Decimal, previous: Decimal) -> None:
        assert self.anchor is not None
        number = int((self.anchor - close) // self.pitch)
        if number < 1 or number in self.levels or not close <= self.price(number) < previous:
            return
        if self.price(number) <= 0 or (self.max_long_levels and len(self.levels) >= self.max_long_levels):
            return
        desk.signal(Signal(Side.BUY, self.price(number), f"level {number} crossed downwards"))
        self.levels[number] = Level(BUYING, desk.buy(self.quantity, self.price(number)))

    def _settle(self, number: int, level: Level) -> None:
        """A level whose order has ended: held with what it has, or free."""
        if Decimal(level.held) > 0:
            self.levels[number] = Level(HELD, 0, level.held)
        else:
            del self.levels[number]


def _decimal(value: Value) -> Decimal:
    assert isinstance(value, Decimal)
    return value


def _maybe(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
