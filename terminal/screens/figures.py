"""The headline numbers of an owner, as text for the screens: the very sums of the portfolio page and the API."""

from __future__ import annotations

from decimal import Decimal

from orders.models import Owner
from orders.portfolio import Mode, portfolio
from terminal.templatetags import format as show

UNKNOWN = {"equity": show.NONE, "day": show.NONE, "day_percent": "", "direction": "", "asset": ""}


def summary(owner: Owner, mode: str) -> dict[str, str]:
    """Equity and the change since midnight UTC of one mode; dashes for what is not known at the moment."""
    for found in portfolio(owner.pk):
        if found.name == mode:
            return of(found)
    return UNKNOWN


def of(mode: Mode) -> dict[str, str]:
    """The same of a mode already computed."""
    change = mode.change_today
    return {
        "equity": show.grouped(mode.equity),
        "day": show.signed(change),
        "day_percent": _share(change, mode.equity),
        "direction": show.direction(change),
        "asset": mode.reporting_asset or "",
    }


def _share(change: Decimal | None, equity: Decimal | None) -> str:
    """The change in percent of what there would be without it."""
    if change is None or equity is None or equity - change <= 0:
        return ""
    return show.percent(change * 100 / (equity - change))
