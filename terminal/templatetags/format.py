"""Numbers, times and switches as templates show them: the same look as static/js/format.js gives them live."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from django import template
from django.http import HttpRequest

from marketdata.precision import places

register = template.Library()

NONE = "–"
MINUS = "−"


def _decimal(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None


def _grouped(value: Decimal, decimals: int) -> str:
    return f"{value:,.{decimals}f}".replace("-", MINUS)


@register.filter
def price(value: Any, step: Any) -> str:
    """A price or quantity with as many places as its step has; further digits (of an average) are cut off, never rounded."""
    number, size = _decimal(value), _decimal(step)
    if number is None or not size:
        return NONE
    decimals = places(size)
    return _grouped(number.quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN), decimals)


@register.filter
def exact(value: Any) -> str:
    """Every digit the number has, with thousands."""
    number = _decimal(value)
    return NONE if number is None else f"{number:,f}".replace("-", MINUS)


@register.filter
def grouped(value: Any, decimals: int = 2) -> str:
    """With thousands and a fixed number of places."""
    number = _decimal(value)
    return NONE if number is None else _grouped(number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP), decimals)


@register.filter
def amount(value: Any, decimals: int = 2) -> str:
    """An amount of an asset: at least `decimals` places, more where it is too small to say anything with them."""
    number = _decimal(value)
    if number is None:
        return NONE
    need = decimals
    while number and abs(number) < 1 and abs(number).scaleb(need) < 1000 and need < 12:
        need += 1
    shown = number.quantize(Decimal(1).scaleb(-need), ROUND_HALF_UP)
    while need > decimals and not shown.as_tuple().digits[-1]:
        need -= 1
        shown = shown.quantize(Decimal(1).scaleb(-need))
    return _grouped(shown, need)


@register.filter
def signed(value: Any, decimals: int = 2) -> str:
    """With its sign, always."""
    number = _decimal(value)
    if number is None:
        return NONE
    shown = number.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return _grouped(abs(shown), decimals).join(("+" if number >= 0 else MINUS, ""))


@register.filter
def percent(value: Any) -> str:
    """A percentage with its sign."""
    number = _decimal(value)
    return NONE if number is None else f"{signed(number, 2)}%"


@register.filter
def direction(value: Any) -> str:
    """The class of a gain or loss: up, down or none."""
    number = _decimal(value)
    return "" if not number else "up" if number > 0 else "down"


@register.filter
def moment(value: Any) -> str:
    """A time as `11-21 03:04:05`, in UTC; takes datetimes and ISO text."""
    if not value:
        return NONE
    when = value if isinstance(value, datetime) else datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    return when.astimezone(UTC).strftime("%m-%d %H:%M:%S")


@register.filter
def theme(request: HttpRequest) -> str:
    """The theme a person chose; dark until they do."""
    return "light" if request.COOKIES.get("theme") == "light" else "dark"


@register.filter
def cvd(request: HttpRequest) -> bool:
    """Whether a person chose the palette for colour-blind eyes."""
    return request.COOKIES.get("cvd") == "on"
