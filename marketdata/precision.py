"""Decimal text at the edges, integers inside: ticks and lots on an instrument's steps, amounts at an asset's scale.

Pure. Nothing here rounds: a price off its step is a ValueError with a sentence, because rounding somebody's order is
not ours to do.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal
from functools import lru_cache

PLACES_MAX = 18
AMOUNT_SCALE = 18

_KINDS = {int: "was a JSON number", float: "was a JSON number", Decimal: "was a JSON number", bool: "was true or false",
          list: "was a list", dict: "was an object", type(None): "was null"}  # fmt: skip
_EXACT = Context(prec=60)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,19})(?:\.[0-9]{1,18})?", re.ASCII)


def parse_decimal(value: str) -> Decimal:
    """A decimal as the API writes it: digits, at most 18 places; no exponent, no plus sign, no underscore.

    Raises ValueError with a sentence for people.
    """
    if not isinstance(value, str):
        what = _KINDS.get(type(value), "was no text")
        raise ValueError(f'{what}; send decimals as text, like "0.01", so that no digit is lost on the way')
    if not _DECIMAL.fullmatch(value):
        raise ValueError(f'was "{value[:40]}", which is no plain decimal of at most 20 digits and 18 places')
    return Decimal(value)


@lru_cache(maxsize=4096)
def ratio(step: Decimal) -> tuple[int, int]:
    """A step as (integer, places): 0.05 -> (5, 2), 10 -> (10, 0)."""
    sign, digits, exponent = step.normalize().as_tuple()
    if not isinstance(exponent, int) or sign or not any(digits):
        raise ValueError(f"a step must be a positive number, was {step}")
    number = int("".join(map(str, digits)))
    return (number * int(10**exponent), 0) if exponent > 0 else (number, -exponent)


def _power(decimals: int) -> int:
    return int(10**decimals)


def places(step: Decimal) -> int:
    """How many decimal places a step needs: 0.05 -> 2."""
    return ratio(step)[1]


def _plain(number: int, decimals: int) -> str:
    """number * 10**-decimals without exponent or trailing zeros."""
    if decimals == 0:
        return str(number)
    sign = "-" if number < 0 else ""
    digits = str(abs(number)).rjust(decimals + 1, "0")
    fraction = digits[-decimals:].rstrip("0")
    whole = digits[:-decimals]
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def text(units: int, step: Decimal) -> str:
    """Ticks or lots as decimal text, canonical: text(150, Decimal("0.01")) == "1.5"."""
    number, decimals = ratio(step)
    return _plain(units * number, decimals)


def to_decimal(units: int, step: Decimal) -> Decimal:
    """Ticks or lots as an exact Decimal (at most 38 digits, as everywhere)."""
    number, decimals = ratio(step)
    return Decimal(units * number).scaleb(-decimals, _EXACT)


def amount_text(amount: int, scale: int = AMOUNT_SCALE) -> str:
    """An asset amount (an integer of 10**-scale) as canonical decimal text."""
    return _plain(amount, scale)


def decimal_text(value: Decimal) -> str:
    """Any finite Decimal as canonical plain text: Decimal("1E+2") -> "100", Decimal("1.50") -> "1.5"."""
    plain = format(value, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("", "-0") else plain


def to_units(value: Decimal, step: Decimal, what: str) -> int:
    """How many steps a value is, exactly; ValueError names `what` and the nearest value below that would do."""
    number, decimals = ratio(step)
    numerator, denominator = value.as_integer_ratio()
    units, rest = divmod(numerator * _power(decimals), denominator * number)
    if rest:
        raise ValueError(
            f"{what} {decimal_text(value)} is not a multiple of {decimal_text(step)}; "
            f"the nearest below is {text(units, step)}"
        )
    return units


def to_ticks(price: Decimal, tick_size: Decimal) -> int:
    """A price in ticks, exactly, or ValueError."""
    return to_units(price, tick_size, "price")


def to_lots(quantity: Decimal, lot_size: Decimal) -> int:
    """A quantity in lots, exactly, or ValueError."""
    return to_units(quantity, lot_size, "quantity")


def nearest_units(value: Decimal, step: Decimal) -> int:
    """The nearest whole number of steps, halves up. For market data and marks only, never for an order."""
    number, decimals = ratio(step)
    numerator, denominator = value.as_integer_ratio()
    return (2 * numerator * _power(decimals) + denominator * number) // (2 * denominator * number)


def to_amount(value: Decimal, scale: int = AMOUNT_SCALE) -> int:
    """An amount of an asset as an integer of 10**-scale, exactly, or ValueError."""
    numerator, denominator = value.as_integer_ratio()
    amount, rest = divmod(numerator * _power(scale), denominator)
    if rest:
        raise ValueError(f"amount {decimal_text(value)} has more than {scale} decimal places")
    return amount


_WIDE = Context(prec=60)


def amount_decimal(amount: int, scale: int = AMOUNT_SCALE) -> Decimal:
    """An asset amount as a Decimal, exact whatever the thread's context: 38 digits do not fit the default 28."""
    return Decimal(amount).scaleb(-scale, _WIDE)
