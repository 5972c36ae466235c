"""The shapes of market data as the OpenAPI schema documents them. They check nothing; a test holds them to what is
answered.
"""

from __future__ import annotations

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, inline_serializer
from rest_framework import serializers

from marketdata import intervals
from marketdata.services import CHANNELS
from marketdata.strict import StrictSerializer

EXCHANGE = OpenApiParameter("exchange", required=True)
SYMBOL = OpenApiParameter("symbol", required=True, description="As BTC/USDT, or one of the instrument's mapped names.")
EXCHANGE_FILTER = OpenApiParameter("exchange")
SYMBOL_FILTER = OpenApiParameter("symbol", description="As BTC/USDT, or one of the instrument's mapped names.")
INTERVAL = OpenApiParameter("interval", enum=list(intervals.INTERVALS), default=intervals.BASE)
LIMIT = OpenApiParameter("limit", int, description="Rows: 100 unless said, 500 at most.")
DEPTH = OpenApiParameter("depth", int, description="Levels a side: 20 unless said, 50 at most.")
SPAN = (
    OpenApiParameter("from", OpenApiTypes.DATETIME, description="This time or later; ISO 8601, or ms since 1970."),
    OpenApiParameter("to", OpenApiTypes.DATETIME, description="Before this time."),
)


def text(**options: object) -> serializers.CharField:
    return serializers.CharField(**options)


def decimal(**options: object) -> serializers.RegexField:
    return serializers.RegexField(r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$", **options)


class Problem(serializers.Serializer):
    code = text()
    message = text(help_text="What happened, what it means, what to do.")
    errors = serializers.DictField(child=text(), required=False, help_text="By field.")


ERRORS = {400: Problem, 401: Problem, 403: Problem, 404: Problem, 429: Problem}


class Capabilities(serializers.Serializer):
    channels = serializers.ListField(child=text())
    intervals = serializers.ListField(child=text())
    history = serializers.BooleanField()


class ExchangeShape(serializers.Serializer):
    name = text()
    title = text(allow_blank=True)
    source = serializers.ChoiceField(("simulator", "ccxt", "replay"))
    enabled = serializers.BooleanField()
    maker_fee = decimal(help_text="A part of the value traded: 0.001 is 0.1 %.")
    taker_fee = decimal()
    capabilities = Capabilities()


class InstrumentShape(serializers.Serializer):
    exchange = text()
    symbol = text()
    kline_symbol = text()
    order_symbol = text()
    kind = text()
    base = text()
    quote = text()
    settle = text()
    contract_size = decimal()
    tick_size = decimal()
    lot_size = decimal()
    quantity_min = decimal()
    quantity_max = decimal(allow_null=True, help_text="null: no upper bound.")
    notional_min = decimal()
    status = text()
    spec_version = serializers.IntegerField()
    stale_after = serializers.FloatField(help_text="Seconds of silence after which the source is stale.")


class SubscriptionShape(serializers.Serializer):
    id = serializers.IntegerField()
    exchange = text()
    symbol = text()
    interval = text()
    channels = serializers.ListField(child=serializers.ChoiceField(CHANNELS))
    state = text()
    last_event_at = serializers.DateTimeField(allow_null=True)


class SubscriptionAsked(StrictSerializer):
    exchange = text()
    symbol = text()
    interval = serializers.ChoiceField(intervals.INTERVALS, required=False, default=intervals.BASE)
    channels = serializers.ListField(child=serializers.ChoiceField(CHANNELS), required=False)


class TradeShape(serializers.Serializer):
    id = text()
    price = decimal()
    quantity = decimal()
    side = serializers.ChoiceField(("buy", "sell"), help_text="The taker's.")
    time = serializers.DateTimeField()


class BookShape(serializers.Serializer):
    exchange = text()
    symbol = text()
    seq = serializers.IntegerField()
    time = serializers.DateTimeField(allow_null=True)
    bids = serializers.ListField(child=serializers.ListField(child=text()), help_text="[price, quantity], best first.")
    asks = serializers.ListField(child=serializers.ListField(child=text()))


class TickerShape(serializers.Serializer):
    exchange = text()
    symbol = text()
    bid = decimal(allow_null=True)
    ask = decimal(allow_null=True)
    last = decimal(allow_null=True)
    change_24h = decimal(allow_null=True, help_text="In percent.")
    volume_24h = decimal(allow_null=True, help_text="In the base asset.")
    time = serializers.DateTimeField(allow_null=True)
    stale = serializers.BooleanField(help_text="The source has been silent for longer than the instrument allows.")
    age_ms = serializers.IntegerField(allow_null=True, help_text="Since the source last proved alive.")


def page_of(shape: type[serializers.Serializer]) -> serializers.Serializer:
    """A list of these."""
    name = shape.__name__.removesuffix("Shape")
    return inline_serializer(
        f"{name}Page", {"results": shape(many=True), "next": serializers.URLField(allow_null=True)}
    )


class KlinePage(serializers.Serializer):
    results = serializers.ListField(
        child=serializers.ListField(child=serializers.JSONField()),
        help_text='[open_time_ms, "open", "high", "low", "close", "volume"], oldest first; the last one may still be open.',
    )
    next = serializers.URLField(allow_null=True, help_text="The bars before these.")
