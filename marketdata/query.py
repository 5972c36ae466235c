"""The query of a REST request, read strictly: a misspelt filter would show more than was asked."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils.dateparse import parse_datetime
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request

from marketdata import clock, intervals, services
from marketdata.models import Instrument
from marketdata.services import InstrumentUnknown

LIMIT_DEFAULT, LIMIT_MAX = 100, 500


class NoSuchInstrument(APIException):
    """Asked for something that is not here."""

    status_code = 404
    code = "INSTRUMENT_UNKNOWN"


class Query:
    """Filters by name; ValidationError says per field what cannot be read."""

    """The query of a request, read strictly: a misspelt filter would show more than was asked."""

    def __init__(self, request: Request, known: Iterable[str]) -> None:
        self._given = request.query_params
        if unknown := [name for name in self._given if name not in known]:
            raise ValidationError(dict.fromkeys(unknown, "There is no such filter here."))

    def text(self, name: str) -> str | None:
        value: str | None = self._given.get(name)
        if value is not None and ("\x00" in value or len(value) > 64):
            raise ValidationError({name: "It cannot be read."})
        return value

    def instrument(self) -> Instrument:
        exchange, symbol = self.text("exchange"), self.text("symbol")
        missing = [name for name, value in (("exchange", exchange), ("symbol", symbol)) if not value]
        if missing or exchange is None or symbol is None:
            raise ValidationError(dict.fromkeys(missing, "It must be said."))
        try:
            return services.find_instrument(exchange, symbol)
        except InstrumentUnknown as error:
            raise NoSuchInstrument(str(error)) from error

    def interval(self) -> str:
        interval = self.text("interval") or intervals.BASE
        if interval not in intervals.LENGTH_MS:
            raise ValidationError({"interval": f"It is one of {', '.join(intervals.INTERVALS)}."})
        return interval

    def limit(self) -> int:
        return self.whole("limit", LIMIT_DEFAULT, LIMIT_MAX)

    def whole(self, name: str, default: int, most: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) > 0):
            raise ValidationError({name: f"It is a number from 1 to {most}."})
        return min(int(value), most)

    def moment(self, name: str) -> datetime | None:
        value = self.text(name)
        if value is None:
            return None
        if value.isascii() and value.isdigit() and len(value) <= 14:
            return clock.from_ms(int(value))
        try:
            moment = parse_datetime(value.replace(" ", "+"))  # an unescaped + of a zone arrives as a blank
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ValidationError({name: "It is a time like 2026-01-31T12:00:00Z, or milliseconds since 1970."})
        return moment


def address(request: Request, **changes: str) -> str:
    """This request's full address with some of its query changed."""
    asked = request.query_params.copy()
    for name, value in changes.items():
        asked[name] = value
    return str(request.build_absolute_uri(f"{request.path}?{asked.urlencode()}"))
