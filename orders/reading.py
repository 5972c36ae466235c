"""Reads the fields of a body one by one and gathers what is wrong with them. `null` is the field left out. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from marketdata.precision import decimal_text, parse_decimal
from orders import sentences
from orders.errors import ApiError, invalid

NO_FIELD = "is no field of an order"
UNITS_MAX = 2**62
MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(?:Z|\+00:00)", re.ASCII)


@dataclass(slots=True)
class Reader:
    """One object of a body. `errors` is shared with the readers of what lies inside it, which say their names with a dot."""

    body: Mapping[str, Any]
    errors: dict[str, str]
    within: str = ""

    def text(self, name: str, longest: int) -> str:
        """Text of at most so many characters; '' when left out."""
        value = self.body.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > longest:
            self.wrong(name, f"must be text of at most {longest} characters")
            return ""
        return value

    def word(self, name: str, words: tuple[str, ...], default: str | None = None) -> str:
        """One of the words, in any case."""
        value = self.body.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or value.lower() not in words:
            self.wrong(name, f"must be one of {', '.join(words)}")
            return words[0]
        return value.lower()

    def decimal(self, name: str) -> Decimal | None:
        """A number above zero, written as text."""
        value = self.body.get(name)
        if value is None:
            return None
        try:
            number = parse_decimal(value)
        except ValueError as error:
            self.wrong(name, str(error))
            return None
        if value.startswith("-") or number == 0:
            self.wrong(name, f'was "{value}"; it must be greater than zero')
            return None
        return number

    def flag(self, name: str) -> bool | None:
        """true or false; None when left out."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "must be true or false")
            return None
        return value

    def moment(self, name: str) -> datetime | None:
        """A time in UTC, to the microsecond."""
        value = self.body.get(name)
        if value is None:
            return None
        found = MOMENT.fullmatch(value) if isinstance(value, str) else None
        try:
            return datetime.fromisoformat(found[1]).replace(tzinfo=UTC) if found else self._no_moment(name)
        except ValueError:
            return self._no_moment(name)

    def inside(self, name: str, fields: tuple[str, ...]) -> Reader | None:
        """The reader of an object in this one, which may have these fields; None when left out."""
        value = self.body.get(name)
        if value is None:
            return None
        if not isinstance(value, Mapping):
            self.wrong(name, f"must be an object with {', '.join(fields)}")
            return None
        inner = Reader(value, self.errors, f"{self.within}{name}.")
        for unknown in value.keys() - set(fields):
            inner.wrong(str(unknown), "is no field of it")
        return inner

    def wrong(self, name: str, sentence: str) -> None:
        """Say what is wrong with a field; the first sentence stands."""
        self.errors.setdefault(self.within + name, sentence)

    def done(self) -> None:
        """Raises ApiError 400 with a sentence a field if anything was wrong."""
        if self.errors:
            error = invalid(self.errors)
            if all(sentence == NO_FIELD for sentence in self.errors.values()):
                error.code = "UNKNOWN_FIELD"
            raise error

    def _no_moment(self, name: str) -> None:
        self.wrong(name, "must be a time in UTC like 2026-01-31T12:00:00Z")


def steps(code: str, convert: Callable[[Decimal, Decimal], int], value: Decimal, step: Decimal) -> int:
    """A price in ticks or a quantity in lots, exactly. ApiError 422 with the nearest that would do."""
    try:
        units = convert(value, step)
    except ValueError as error:
        raise ApiError(
            422,
            code,
            f"{str(error)[:1].upper()}{str(error)[1:]}. Nothing was placed.",
            limit=decimal_text(step),
            value=decimal_text(value),
        ) from None
    if units > UNITS_MAX:
        raise ApiError(422, "NUMBER_OVERFLOW", sentences.SENTENCES["NUMBER_OVERFLOW"], value=decimal_text(value))
    return units
