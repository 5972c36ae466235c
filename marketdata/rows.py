"""Rows of the market's tables as the API shows them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from marketdata import clock, intervals
from marketdata.models import Exchange, Instrument, Subscription
from marketdata.precision import decimal_text
from marketdata.services import CHANNELS


def exchange(row: Exchange) -> dict[str, Any]:
    """An exchange as the API shows it."""
    return {
        "name": row.name,
        "title": row.title,
        "source": row.source,
        "enabled": row.enabled,
        "maker_fee": _parts_per_million(row.maker_fee_ppm),
        "taker_fee": _parts_per_million(row.taker_fee_ppm),
        "capabilities": {"channels": list(CHANNELS), "intervals": list(intervals.INTERVALS), "history": True},
    }


def instrument(row: Instrument) -> dict[str, Any]:
    """An instrument as the API shows it."""
    return {
        "exchange": row.exchange.name,
        "symbol": row.symbol,
        "kline_symbol": row.kline_symbol or row.symbol,
        "order_symbol": row.order_symbol or row.symbol,
        "kind": row.kind,
        "base": row.base.code,
        "quote": row.quote.code,
        "settle": row.settle.code,
        "contract_size": decimal_text(row.contract_size),
        "tick_size": decimal_text(row.tick_size),
        "lot_size": decimal_text(row.lot_size),
        "quantity_min": decimal_text(row.quantity_min),
        "quantity_max": decimal_text(row.quantity_max) if row.quantity_max else None,
        "notional_min": decimal_text(row.notional_min),
        "status": row.status,
        "spec_version": row.spec_version,
        "stale_after": row.stale_after_ms / 1000,
    }


def subscription(row: Subscription) -> dict[str, Any]:
    """A subscription as the API shows it."""
    return {
        "id": row.pk,
        "exchange": row.instrument.exchange.name,
        "symbol": row.instrument.symbol,
        "interval": row.interval,
        "channels": row.channels,
        "state": row.state,
        "last_event_at": clock.iso(row.last_event_at) if row.last_event_at else None,
    }


def _parts_per_million(ppm: int) -> str:
    return decimal_text(Decimal(ppm).scaleb(-6))
