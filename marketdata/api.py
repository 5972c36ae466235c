"""REST doors of market data: instruments, exchanges, subscriptions, and what the market says. One service call each.

Who may ask is the project's default authentication and permission; `required_scope` says which scope a method needs.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata import clock, documents, intervals, klines, rows, services, shapes
from marketdata.domain import Kline
from marketdata.mirror import default_mirror
from marketdata.models import Exchange, Instrument, Subscription
from marketdata.query import Query, address
from marketdata.services import InstrumentUnknown

DEPTH_DEFAULT, DEPTH_MAX = 20, 50


class NotSubscribable(APIException):
    """A rule: only instruments that are here can be subscribed."""

    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    code = "INSTRUMENT_UNKNOWN"


class NoBook(APIException):
    """The book lost records; its source sends a whole one within a second."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    code = "BOOK_UNUSABLE"
    wait = 0.0  # Retry-After: 1


class View(APIView):
    """Reading needs scope read, changing needs operate."""

    required_scope: str | dict[str, str] = {"GET": "read", "POST": "operate", "DELETE": "operate"}


class Exchanges(View):
    """Where instruments trade."""

    @extend_schema(
        operation_id="list_exchanges",
        summary="Exchanges, and what can be had of each",
        responses={200: documents.page_of(documents.ExchangeShape), **documents.ERRORS},
    )
    def get(self, request: Request) -> Response:
        Query(request, ())
        return _everything([rows.exchange(row) for row in Exchange.objects.all()])


class Instruments(View):
    """What can be traded."""

    @extend_schema(
        operation_id="list_instruments",
        summary="Instruments, in the order they were seeded",
        parameters=[documents.EXCHANGE_FILTER, documents.SYMBOL_FILTER],
        responses={200: documents.page_of(documents.InstrumentShape), **documents.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("exchange", "symbol"))
        found = Instrument.objects.select_related("exchange", "base", "quote", "settle")
        if (exchange := query.text("exchange")) is not None:
            found = found.filter(exchange__name=exchange)
        if (symbol := query.text("symbol")) is not None:
            found = found.filter(Q(symbol=symbol) | Q(kline_symbol=symbol) | Q(order_symbol=symbol))
        return _everything([rows.instrument(row) for row in found])


class Subscriptions(View):
    """What the feed listens to."""

    @extend_schema(
        operation_id="list_subscriptions",
        summary="What the feed listens to, and how each does",
        responses={200: documents.page_of(documents.SubscriptionShape), **documents.ERRORS},
    )
    def get(self, request: Request) -> Response:
        Query(request, ())
        found = Subscription.objects.filter(enabled=True).select_related("instrument__exchange")
        return _everything([rows.subscription(row) for row in found])

    @extend_schema(
        operation_id="subscribe",
        summary="Listen to an instrument; the feed follows within seconds",
        request=documents.SubscriptionAsked,
        responses={
            201: documents.SubscriptionShape,
            200: documents.SubscriptionShape,
            **documents.ERRORS,
            422: documents.Problem,
        },
    )
    def post(self, request: Request) -> Response:
        asked = documents.SubscriptionAsked(data=request.data)
        asked.is_valid(raise_exception=True)
        fields = asked.validated_data
        try:
            subscription, created = services.subscribe(
                fields["exchange"], fields["symbol"], fields["interval"], fields.get("channels")
            )
        except InstrumentUnknown as error:
            raise NotSubscribable(str(error)) from error
        except ValueError as error:
            raise ValidationError({"channels": str(error)}) from error
        return Response(rows.subscription(subscription), status=201 if created else 200)


class SubscriptionById(View):
    """One subscription."""

    @extend_schema(operation_id="unsubscribe", summary="Stop listening", responses={204: None, **documents.ERRORS})
    def delete(self, request: Request, subscription_id: int) -> Response:
        if not services.unsubscribe(subscription_id):
            raise NoSuchSubscription(f"There is no subscription {subscription_id}. Nothing was done.")
        return Response(status=204)


class NoSuchSubscription(APIException):
    """It may have been ended already."""

    status_code = status.HTTP_404_NOT_FOUND


class Klines(View):
    """Bars: stored ones, and the one that is open."""

    @extend_schema(
        operation_id="list_klines",
        summary="Bars, oldest first, ending at the newest",
        parameters=[documents.EXCHANGE, documents.SYMBOL, documents.INTERVAL, *documents.SPAN, documents.LIMIT],
        responses={200: documents.KlinePage, **documents.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("exchange", "symbol", "interval", "from", "to", "limit"))
        instrument, interval = query.instrument(), query.interval()
        first, end, limit = query.moment("from"), query.moment("to"), query.limit()
        bars = services.history(instrument.pk, interval, first=first, end=end, limit=limit + 1)
        bars = with_open(bars, instrument.pk, interval, first, end)[-limit - 1 :]
        older = len(bars) > limit
        bars = bars[-limit:]
        following = address(request, to=str(bars[0].open_ms)) if older else None
        return Response({"results": [shapes.kline_row(bar) for bar in bars], "next": following})


class Trades(View):
    """The tape."""

    @extend_schema(
        operation_id="list_trades",
        summary="The newest public trades, oldest first",
        parameters=[documents.EXCHANGE, documents.SYMBOL, *documents.SPAN, documents.LIMIT],
        responses={200: documents.page_of(documents.TradeShape), **documents.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("exchange", "symbol", "from", "to", "limit"))
        instrument, limit = query.instrument(), query.limit()
        first, end = query.moment("from"), query.moment("to")
        trades = default_mirror().trades(instrument.pk, 1000)
        chosen = [
            trade
            for trade in trades
            if (first is None or trade["time"] >= clock.iso(first)) and (end is None or trade["time"] < clock.iso(end))
        ]
        return _everything(chosen[-limit:])


class BookNow(View):
    """The book."""

    @extend_schema(
        operation_id="get_book",
        summary="The book, best prices first",
        parameters=[documents.EXCHANGE, documents.SYMBOL, documents.DEPTH],
        responses={200: documents.BookShape, **documents.ERRORS, 503: documents.Problem},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("exchange", "symbol", "depth"))
        instrument = query.instrument()
        depth = query.whole("depth", DEPTH_DEFAULT, DEPTH_MAX)
        book = default_mirror().book(instrument.pk, depth)
        if book is None:
            raise NoBook(f"The book of {instrument} is not known at the moment; it should be within a second or two.")
        return Response(book)


class Tickers(View):
    """The headlines."""

    @extend_schema(
        operation_id="list_tickers",
        summary="Best prices, last price and the last 24 hours",
        parameters=[documents.EXCHANGE_FILTER, documents.SYMBOL_FILTER],
        responses={200: documents.page_of(documents.TickerShape), **documents.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("exchange", "symbol"))
        exchange, symbol, mirror = query.text("exchange"), query.text("symbol"), default_mirror()
        if symbol is not None and exchange is not None:
            tickers = [mirror.ticker(query.instrument().pk)]
        else:
            tickers = [
                mirror.ticker(spec.id)
                for spec in mirror.instruments()
                if (exchange is None or spec.exchange == exchange) and (symbol is None or spec.symbol == symbol)
            ]
        return _everything([ticker for ticker in tickers if ticker is not None])


urlpatterns = [
    path("exchanges", Exchanges.as_view()),
    path("instruments", Instruments.as_view()),
    path("subscriptions", Subscriptions.as_view()),
    path("subscriptions/<int:subscription_id>", SubscriptionById.as_view()),
    path("klines", Klines.as_view()),
    path("trades", Trades.as_view()),
    path("book", BookNow.as_view()),
    path("tickers", Tickers.as_view()),
]


def with_open(
    bars: list[Kline], instrument_id: int, interval: str, first: datetime | None = None, end: datetime | None = None
) -> list[Kline]:
    """Stored bars with the running one at the end, when it belongs there."""
    mirror = default_mirror()
    news = mirror.kline(instrument_id, interval)
    if news is not None:
        newest = shapes.kline_of(news)
    else:
        minute = mirror.kline(instrument_id, intervals.BASE)
        if minute is None:
            return bars
        # An interval nobody publishes: its running bar is what is stored of it and the running minute.
        opens = intervals.open_ms(minute.open_ms, interval)
        newest = shapes.kline_of(minute)._replace(open_ms=opens)
        if bars and bars[-1].open_ms == opens and not minute.closed:
            newest = klines.merge(bars[-1], newest)
    if bars and newest.open_ms < bars[-1].open_ms:
        return bars
    if (first and newest.open_ms < clock.to_ms(first)) or (end and newest.open_ms >= clock.to_ms(end)):
        return bars
    return [*(bars[:-1] if bars and bars[-1].open_ms == newest.open_ms else bars), newest]


def _everything(results: list[Any]) -> Response:
    return Response({"results": results, "next": None})
