"""What assets are worth in another one, exactly: direct, inverse, through USDT, USD, BTC, then through the asset's own market. Pure.

A mark is a ratio of integers, quote per base. An unknown rate is None, and whatever needs it is unknown: never a guess, never zero.
An amount is rounded to 18 places, halves to even, at each step of its way, as the core does it (orders/core/value.c).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal
from fractions import Fraction

BRIDGES = ("USDT", "USD", "BTC")
_WIDE = Context(prec=60)

Marks = Mapping[tuple[str, str], Fraction]  # (base, quote) -> quote per base


def convert(amount: Decimal, asset: str, into: str, marks: Marks) -> Decimal | None:
    """What an amount of `asset` is worth of `into`, or None when no chain of rates leads there.

    The last resort is for assets that trade against one currency only: TKO is worth rupiah, rupiah are worth BTC, BTC dollars.
    """
    found = _bridged(amount, asset, into, marks)
    if found is not None:
        return found
    for base, quote in marks:
        if asset in (base, quote):
            other = quote if asset == base else base
            between = _direct(amount, asset, other, marks)
            found = None if between is None else _bridged(between, other, into, marks)
            if found is not None:
                return found
    return None


def _bridged(amount: Decimal, asset: str, into: str, marks: Marks) -> Decimal | None:
    found = _direct(amount, asset, into, marks)
    for bridge in BRIDGES:
        if found is None:
            between = _direct(amount, asset, bridge, marks)
            found = None if between is None else _direct(between, bridge, into, marks)
    return found


def _direct(amount: Decimal, asset: str, into: str, marks: Marks) -> Decimal | None:
    if asset == into:
        return amount
    straight = marks.get((asset, into))
    if straight is not None:
        return to_decimal(Fraction(amount) * straight)
    inverse = marks.get((into, asset))
    return None if not inverse else to_decimal(Fraction(amount) / inverse)


def worth(amounts: Iterable[tuple[str, Decimal]], into: str, marks: Marks) -> Decimal | None:
    """The sum of amounts of assets in one asset; None when one is unknown."""
    total = Decimal(0)
    for asset, amount in amounts:
        if not amount:
            continue
        converted = convert(amount, asset, into, marks)
        if converted is None:
            return None
        total = _WIDE.add(total, converted)
    return total


def to_decimal(value: Fraction) -> Decimal:
    """A ratio as a Decimal of 18 places, halves to even; exact, so that no half is made by a division rounded before."""
    return Decimal(round(value * 10**18)).scaleb(-18, _WIDE)
