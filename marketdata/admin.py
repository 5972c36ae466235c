"""The operator's console for market data. Klines and heartbeats are read-only: only the feed and imports write them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import Model
from django.forms import ModelForm, MultipleChoiceField
from django.forms.widgets import CheckboxSelectMultiple
from django.http import HttpRequest
from django.utils.html import format_html_join

from marketdata import bus, channels, clock, intervals, services, shapes
from marketdata.models import Asset, Exchange, Heartbeat, Instrument, Subscription
from marketdata.services import CHANNELS, ring_subscriptions

KLINES_SHOWN = 10
SPEC_FIELDS = ("contract_size", "inverse", "tick_size", "lot_size", "quantity_min", "quantity_max", "notional_min")


class Ringing(admin.ModelAdmin):
    """Rings the feed and the engines after each change, so that nothing has to be restarted."""

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        transaction.on_commit(ring)

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        super().delete_model(request, obj)
        transaction.on_commit(ring)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        super().delete_queryset(request, queryset)
        transaction.on_commit(ring)


def ring() -> None:
    """Subscriptions, instruments or fees changed."""
    ring_subscriptions()
    bus.default().wake(channels.WAKE_CONTROL)


@admin.register(Exchange)
class ExchangeAdmin(Ringing):
    """Exchanges."""

    list_display = ("name", "title", "source", "maker_fee_ppm", "taker_fee_ppm", "enabled", "position")
    list_filter = ("source", "enabled")
    search_fields = ("name", "title")


@admin.register(Asset)
class AssetAdmin(admin.ModelAdmin):
    """Assets. The scale of one that is in use must not change, so it cannot."""

    list_display = ("code", "scale")
    search_fields = ("code",)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code", "scale") if obj is not None else ()


@admin.register(Instrument)
class InstrumentAdmin(Ringing):
    """Instruments with their mapped symbols. A changed step or minimum becomes a new spec_version by itself."""

    list_display = (
        "symbol",
        "exchange",
        "kline_symbol",
        "order_symbol",
        "tick_size",
        "lot_size",
        "status",
        "spec_version",
    )
    list_filter = ("exchange", "status", "kind")
    search_fields = ("symbol", "kline_symbol", "order_symbol")
    list_select_related = ("exchange",)
    autocomplete_fields = ("base", "quote", "settle")
    readonly_fields = ("spec_version", "newest_klines")
    fieldsets = (
        (None, {"fields": ("exchange", "symbol", "kline_symbol", "order_symbol", "status", "position")}),
        ("What it is", {"fields": ("kind", "base", "quote", "settle", "contract_size", "inverse", "expires_at")}),
        (
            "Steps and minimums",
            {"fields": ("tick_size", "lot_size", "quantity_min", "quantity_max", "notional_min", "spec_version")},
        ),
        ("Market", {"fields": ("stale_after_ms", "simulation", "newest_klines")}),
    )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Orders and klines name it for ever: an instrument that is over gets the status delisted."""
        return False

    @admin.display(description="Newest klines (1m)")
    def newest_klines(self, instrument: Instrument) -> str:
        """The table itself has a key of three columns, which the admin cannot show."""
        if instrument.pk is None:
            return "-"
        rows = [shapes.kline_row(bar) for bar in services.history(instrument.pk, intervals.BASE, limit=KLINES_SHOWN)]
        lines = [(clock.iso(clock.from_ms(int(row[0]))), " ".join(map(str, row[1:]))) for row in reversed(rows)]
        return format_html_join("\n", "<div>{} &nbsp; {}</div>", lines) or "-"

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change and set(form.changed_data) & set(SPEC_FIELDS):
            obj.spec_version += 1
        super().save_model(request, obj, form, change)


class SubscriptionForm(ModelForm):
    """Channels as boxes to tick; intervals as those there are."""

    channels = MultipleChoiceField(
        choices=[(name, name) for name in CHANNELS], initial=list(CHANNELS), widget=CheckboxSelectMultiple
    )

    class Meta:
        model = Subscription
        fields = ("instrument", "interval", "channels", "enabled")

    def clean_interval(self) -> str:
        interval: str = self.cleaned_data["interval"]
        if interval not in intervals.LENGTH_MS:
            self.add_error("interval", f"One of {', '.join(intervals.INTERVALS)}.")
        return interval


@admin.register(Subscription)
class SubscriptionAdmin(Ringing):
    """What the feed listens to; it follows a change within seconds."""

    form = SubscriptionForm
    list_display = ("instrument", "interval", "enabled", "state", "last_event_at")
    list_filter = ("enabled", "state", "interval", "instrument__exchange")
    list_select_related = ("instrument__exchange",)
    autocomplete_fields = ("instrument",)
    readonly_fields = ("state", "last_event_at", "created_at")


class ReadOnly(admin.ModelAdmin):
    """To be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnly):
    """Each process says once a second that it lives."""

    list_display = ("process", "service", "pid", "started_at", "beat_at", "detail")
