"""What the views of `orders` share: the caller's own accounts, strict filters, pages by cursor."""

from __future__ import annotations

import base64
import binascii
import struct
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import HttpResponse
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata import clock
from marketdata.models import Instrument
from orders.errors import ApiError, NotFound, invalid
from orders.identity import Identity
from orders.messages import Reply
from orders.models import Account
from orders.rows import ACCOUNT_RELATED

M = TypeVar("M", bound=Model)

LIMIT_DEFAULT = 100
LIMIT_MAX = 500
PAGED = ("limit", "cursor")


class View(APIView):
    """A view of the caller's own things; `request.auth` is their Identity."""

    required_scope: str | dict[str, str] = {"GET": "read"}

    @property
    def identity(self) -> Identity:
        assert isinstance(self.request.auth, Identity)
        return self.request.auth


def own_accounts(identity: Identity) -> QuerySet[Account]:
    """The accounts this caller may see: their owner's, narrowed by their key. Every query of the API starts here."""
    found = Account.objects.filter(owner_id=identity.owner_id)
    return found if identity.account_ids is None else found.filter(pk__in=identity.account_ids)


def chosen_accounts(identity: Identity, names: str | None) -> list[Account]:
    """Their accounts, or those named (with commas between); somebody else's name is NotFound like one that is nobody's."""
    found = list(own_accounts(identity).select_related(*ACCOUNT_RELATED))
    if names is None:
        return found
    by_name = {account.name: account for account in found}
    wanted = [name for name in names.split(",") if name]
    if not wanted or any(name not in by_name for name in wanted):
        raise NotFound("account")
    return [by_name[name] for name in wanted]


def named_instruments(symbol: str | None, exchange: str | None) -> list[int]:
    """The instruments with this symbol (or mapped name) on this exchange; None = any."""
    found = Instrument.objects.all()
    if exchange is not None:
        found = found.filter(exchange__name__iexact=exchange)
    if symbol is not None:
        found = found.filter(Q(symbol__iexact=symbol) | Q(order_symbol__iexact=symbol) | Q(kline_symbol__iexact=symbol))
    return list(found.values_list("pk", flat=True))


def instruments_named(symbol: str | None, exchange: str | None) -> Q:
    """The same as a condition on the column `instrument` of orders, fills and positions."""
    return Q() if symbol is None and exchange is None else Q(instrument_id__in=named_instruments(symbol, exchange))


class Query:
    """The query of a request, read strictly: a filter that is not known is refused, because a misspelt one would show (or
    cancel) more than was asked."""

    def __init__(self, request: Request, known: Iterable[str]) -> None:
        self._given = request.query_params
        known = set(known)
        errors = {name: "There is no such filter here." for name in self._given if name not in known}
        errors |= {name: "It is there twice." for name in self._given if len(self._given.getlist(name)) > 1}
        if errors:
            raise ApiError(400, "UNKNOWN_FIELD", "Some filters are not known; nothing was done.", errors=errors)

    def text(self, name: str) -> str | None:
        """A filter as it was sent; an empty one is an empty text (strategy_id= means by hand)."""
        value: str | None = self._given.get(name)
        if value is not None and ("\x00" in value or len(value) > 200):
            raise invalid({name: "It cannot be read."})
        return value

    def choice(self, name: str, of: Sequence[str]) -> str | None:
        """One of some words, in any case."""
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in of:
            raise invalid({name: f"It is one of {', '.join(of)}."})
        return value.lower()

    def moment(self, name: str) -> datetime | None:
        """A time: ISO 8601 with a zone, or milliseconds since 1970."""
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
            raise invalid({name: "It is a time like 2026-01-31T12:00:00Z, or milliseconds since 1970."})
        return moment

    def limit(self, default: int = LIMIT_DEFAULT) -> int:
        """How many rows: 100 unless said, never more than 500."""
        value = self.text("limit")
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) > 0):
            raise invalid({"limit": f"It is a number from 1 to {LIMIT_MAX}."})
        return min(int(value), LIMIT_MAX)


def page(
    request: Request,
    rows: QuerySet[M],
    shape: Callable[[M], Any],
    query: Query,
    key: tuple[str, str],
) -> Response:
    """One page, newest first by `key` (a time, a number) and id, and the address of the next one.

    By place, not by offset: what arrives meanwhile neither repeats nor hides a row.
    """
    at, number = key
    limit = query.limit()
    cursor = query.text("cursor")
    if cursor is not None:
        moment, last_number, last_id = _read_cursor(cursor)
        before = Q(**{number: last_number, "pk__lt": last_id}) | Q(**{f"{number}__lt": last_number})
        rows = rows.filter(Q(**{f"{at}__lte": moment}), Q(**{f"{at}__lt": moment}) | before)
    found = list(rows.order_by(f"-{at}", f"-{number}", "-pk")[: limit + 1])
    following = None
    if len(found) > limit:
        found.pop()
        last = found[-1]
        following = address(request, cursor=_write_cursor(getattr(last, at), getattr(last, number), last.pk))
    return Response({"results": [shape(row) for row in found], "next": following})


def address(request: Request, **changes: str) -> str:
    """This request's full address with some of its query changed."""
    asked = request.query_params.copy()
    for name, value in changes.items():
        asked[name] = value
    return str(request.build_absolute_uri(f"{request.path}?{asked.urlencode()}"))


def everything(request: Request, query: Query, results: Sequence[Any]) -> Response:
    """A list that is short by its nature: one page of at most 500 rows, more only of somebody with very many things."""
    limit = query.limit(LIMIT_MAX)
    cursor = query.text("cursor") or "0"
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 9):
        raise invalid({"cursor": "It is not one of ours; take it from `next`."})
    end = int(cursor) + limit
    following = address(request, cursor=str(end)) if end < len(results) else None
    return Response({"results": list(results[int(cursor) : end]), "next": following})


def answered(reply: Reply) -> HttpResponse:
    """An engine's answer as it is: its bytes are already the JSON of api.md."""
    return HttpResponse(reply.body, status=reply.status, headers=reply.headers, content_type="application/json")


def _write_cursor(moment: datetime, number: int, row_id: uuid.UUID) -> str:
    raw = struct.pack(">qq", (moment - clock.EPOCH) // timedelta(microseconds=1), number) + row_id.bytes
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[datetime, int, uuid.UUID]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        micros, number = struct.unpack(">qq", raw[:16])
        return clock.EPOCH + timedelta(microseconds=micros), number, uuid.UUID(bytes=raw[16:])
    except (binascii.Error, struct.error, ValueError, OverflowError):
        raise invalid({"cursor": "It is not one of ours; take it from `next`."}) from None
