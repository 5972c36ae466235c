"""Bodies of the smaller routes, read strictly: unknown fields refused, decimals as text, `null` = left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from ipaddress import ip_network
from typing import Any

from django.utils.dateparse import parse_datetime

from marketdata.precision import parse_decimal
from orders.errors import ApiError, invalid


class Body:
    """Reads fields one by one, gathers what is wrong; `done()` refuses it all at once."""

    def __init__(self, given: Mapping[str, Any], known: Sequence[str]) -> None:
        self._given = {name: value for name, value in given.items() if value is not None}
        self.errors = {name: "There is no such field here." for name in self._given if name not in known}
        self._unknown_only = bool(self.errors)

    def done(self) -> None:
        """Raises ApiError 400 with a sentence a field if anything was wrong."""
        if self._unknown_only:
            raise ApiError(400, "UNKNOWN_FIELD", "Some fields are not known; nothing was done.", errors=self.errors)
        if self.errors:
            raise invalid(self.errors)

    def has(self, name: str) -> bool:
        return name in self._given

    def text(self, name: str, longest: int, default: str = "") -> str:
        value = self._given.get(name, default)
        if not isinstance(value, str) or len(value) > longest:
            self._wrong(name, f"It is text of at most {longest} characters.")
            return default
        return value

    def needed_text(self, name: str, longest: int) -> str:
        value = self.text(name, longest)
        if not value:
            self.errors.setdefault(name, "It is missing.")
        return value

    def word(self, name: str, of: Sequence[str], default: str | None = None) -> str:
        value = self._given.get(name, default)
        if not isinstance(value, str) or value.lower() not in of:
            self._wrong(name, f"It is one of {', '.join(of)}.")
            return of[0]
        return value.lower()

    def texts(self, name: str, longest: int = 64, most: int = 500) -> list[str]:
        value = self._given.get(name, [])
        right = isinstance(value, list) and len(value) <= most
        if not right or any(not isinstance(item, str) or not 0 < len(item) <= longest for item in value):
            self._wrong(name, f"It is a list of texts of at most {longest} characters.")
            return []
        return list(value)

    def addresses(self, name: str) -> list[str]:
        found = self.texts(name)
        for address in found:
            try:
                ip_network(address, strict=False)
            except ValueError:
                self._wrong(name, f"{address} is no IP address or network.")
        return found

    def flag(self, name: str, default: bool) -> bool:
        value = self._given.get(name, default)
        if not isinstance(value, bool):
            self._wrong(name, "It is true or false.")
            return default
        return value

    def whole(self, name: str, least: int, most: int) -> int | None:
        value = self._given.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
            self._wrong(name, f"It is a whole number from {least} to {most}.")
            return None
        return value

    def decimal(self, name: str) -> Decimal | None:
        if name not in self._given:
            return None
        try:
            value = parse_decimal(self._given[name])
        except ValueError as error:
            self._wrong(name, f"It {error}.")
            return None
        if value <= 0:
            self._wrong(name, "It must be greater than zero.")
        return value

    def moment(self, name: str) -> datetime | None:
        if name not in self._given:
            return None
        value = self._given[name]
        try:
            moment = parse_datetime(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self._wrong(name, "It is a time like 2026-01-31T12:00:00Z.")
        return moment

    def table(self, name: str) -> dict[str, Any]:
        """An object, `null` values included: here they mean something."""
        value = self._given.get(name, {})
        if not isinstance(value, dict):
            self._wrong(name, "It is an object.")
            return {}
        return value

    def _wrong(self, name: str, sentence: str) -> None:
        self._unknown_only = False
        self.errors.setdefault(name, sentence)
