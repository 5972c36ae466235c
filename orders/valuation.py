"""What assets are worth in another one, exactly: direct, inverse, through USDT, USD, BTC, then through the asset's own market. Pure.

A mark is a ratio of integers, quote per base. An unknown rate is None, and whatever needs it is unknown: never a guess, never zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from fractions import Fraction

BRIDGES = ("USDT", "USD", "BTC")
_WIDE = Context(prec=60)
_PLACES = Decimal(1).scaleb(-18)

Marks = Mapping[tuple[str, str], Fraction]  # (base, quote) -> quote per base


def rate(asset: str, into: str, marks: Marks) -> Fraction | None:
    """How much of `into` one `asset` is worth, or None when no such chain is known.

    The last resort is for assets that trade against one currency only: TKO is worth rupiah, rupiah are worth BTC, BTC dollars.
    """
    found = _bridged(asset, into, marks)
    if found is not None:
        return found
    for base, quote in marks:
        if asset in (base, quote):
            other = quote if asset == base else base
            first, second = _direct(asset, other, marks), _bridged(other, into, marks)
            if first is not None and second is not None:
                return first * second
    return None


def _bridged(asset: str, into: str, marks: Marks) -> Fraction | None:
    found = _direct(asset, into, marks)
    if found is not None:
        return found
    for bridge in BRIDGES:
        first, second = _direct(asset, bridge, marks), _direct(bridge, into, marks)
        if first is not None and second is not None:
            return first * second
    return None


def _direct(asset: str, into: str, marks: Marks) -> Fraction | None:
    if asset == into:
        return Fraction(1)
    straight = marks.get((asset, into))
    if straight is not None:
        return straight
    inverse = marks.get((into, asset))
    return None if not inverse else 1 / inverse


def worth(amounts: Iterable[tuple[str, Decimal]], into: str, marks: Marks) -> Decimal | None:
    """The sum of amounts of assets in one asset, rounded half even to 18 places at the very end; None when one is unknown."""
    total = Fraction(0)
    for asset, amount in amounts:
        if not amount:
            continue
        price = rate(asset, into, marks)
        if price is None:
            return None
        total += Fraction(amount) * price
    return to_decimal(total)


def to_decimal(value: Fraction) -> Decimal:
    """A ratio as a Decimal of 18 places."""
    return _WIDE.quantize(_WIDE.divide(Decimal(value.numerator), Decimal(value.denominator)), _PLACES)
