"""How the API and the sockets show market data: texts of prices and quantities, never floats. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

from marketdata import clock
from marketdata.blocks import BUY
from marketdata.book import LevelChange
from marketdata.channels import KlineNews
from marketdata.domain import InstrumentSpec, Kline, Trade
from marketdata.precision import decimal_text, text


class Day(NamedTuple):
    """The last 24 hours of an instrument up to the minute that opened at newest_ms, from stored bars."""

    newest_ms: int
    open: Decimal
    volume: Decimal


def level_texts(spec: InstrumentSpec, levels: Iterable[tuple[int, int]]) -> list[list[str]]:
    """Levels as [price, quantity] texts."""
    return [[text(ticks, spec.tick_size), text(lots, spec.lot_size)] for ticks, lots in levels]


def change_texts(spec: InstrumentSpec, changes: Iterable[LevelChange]) -> dict[str, list[list[str]]]:
    """Level changes as the sockets send them: bids and asks of [price, quantity], quantity "0" removes."""
    sides: dict[str, list[list[str]]] = {"bids": [], "asks": []}
    for change in changes:
        row = [text(change.ticks, spec.tick_size), text(change.lots, spec.lot_size)]
        sides["bids" if change.side == BUY else "asks"].append(row)
    return sides


def trade_row(spec: InstrumentSpec, trade: Trade) -> dict[str, Any]:
    """A trade as the API shows it."""
    return {
        "id": trade.id,
        "price": text(trade.ticks, spec.tick_size),
        "quantity": text(trade.lots, spec.lot_size),
        "side": trade.side,
        "time": clock.iso(clock.from_ns(trade.exchange_ns)),
    }


def day_texts(day: Day | None, minute: KlineNews | None, last: str | None) -> dict[str, str | None]:
    """change_24h in percent with two places and volume_24h in the base asset; None while no stored bar says what
    was.
    """
    if day is None or last is None:
        return {"change_24h": None, "volume_24h": minute.volume if minute else None}
    volume = day.volume
    if minute is not None and minute.open_ms > day.newest_ms:
        volume += Decimal(minute.volume)
    change = (Decimal(last) - day.open) * 100 / day.open
    return {"change_24h": decimal_text(round(change, 2)), "volume_24h": decimal_text(volume)}


def kline_row(bar: Kline) -> list[int | str]:
    """A bar as ccxt's array, its numbers as text: [open_ms, open, high, low, close, volume]."""
    return [bar.open_ms, *(decimal_text(value) for value in bar[1:6])]


def kline_news(exchange: str, symbol: str, interval: str, bar: Kline) -> KlineNews:
    """A bar as it travels on the bus."""
    opened, high, low, close, volume = (decimal_text(value) for value in bar[1:6])
    return KlineNews(exchange, symbol, interval, bar.open_ms, opened, high, low, close, volume, bar.closed)


def kline_of(news: KlineNews) -> Kline:
    """The bar that travelled."""
    return Kline(
        news.open_ms,
        Decimal(news.open),
        Decimal(news.high),
        Decimal(news.low),
        Decimal(news.close),
        Decimal(news.volume),
        news.closed,
    )
