"""What a strategy is: a state and what it does on each event. Pure.

The host makes a strategy anew for every event: `load` the state saved with the event before, one `on_…` call, `save`
in the same transaction as the event's cursor and the wishes. So nothing a strategy keeps elsewhere survives, and
memory is never ahead of the rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from marketdata.domain import Kline
from strategies.desk import Desk
from strategies.domain import Market, Parameter, Report, Value


class Strategy:
    """The base class of all strategies; one file each in `library/`.

    An exception in any `on_…` is a bug of the strategy: the event leaves no trace, the run's open orders are withdrawn
    and the run ends as failed, so a strategy never needs to catch what it does not understand.
    """

    title: ClassVar[str]
    parameters: ClassVar[tuple[Parameter, ...]] = ()

    def __init__(self, parameters: Mapping[str, Value], market: Market) -> None:
        """`parameters` are parsed, defaults filled in. Raises ParametersRefused when they do not fit the market."""
        self.market = market

    def load(self, state: Mapping[str, Any]) -> None:
        """Take up a state that `save` gave; {} for none."""

    def save(self) -> dict[str, Any]:
        """The state as JSON: text, whole numbers, lists, dicts; no floats."""
        return {}

    def on_start(self, desk: Desk) -> None:
        """A run begins, perhaps with the state the run before left. A restarted process is not a new run and is not
        told."""

    def on_kline(self, desk: Desk, kline: Kline) -> None:
        """A kline closed."""

    def on_report(self, desk: Desk, report: Report) -> None:
        """Something happened to an order of this run."""

    def on_stop(self, desk: Desk) -> None:
        """A person stopped the run. The host withdraws its open orders by itself; reports still come until they have
        ended."""
