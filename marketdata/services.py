"""What others may ask of the market: find an instrument, subscribe, read and store klines. Doors make one call here
each.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from marketdata import bus, channels, clock, intervals
from marketdata.domain import InstrumentSpec
from marketdata.models import Exchange, Instrument, Subscription
from marketdata.store import history, latest, store_bars, store_klines

__all__ = [
    "CHANNELS",
    "InstrumentUnknown",
    "find_instrument",
    "history",
    "latest",
    "specs",
    "store_bars",
    "store_klines",
    "subscribe",
    "tell_state",
    "unsubscribe",
]

CHANNELS = ("klines", "trades", "book", "ticker")


class InstrumentUnknown(Exception):
    """No such instrument on that exchange; the sentence says what there is."""


def find_instrument(exchange: str, symbol: str) -> Instrument:
    """The instrument called `symbol` on `exchange`: its unified symbol or one of its mapped ones. InstrumentUnknown
    otherwise.
    """
    named = Q(symbol=symbol) | Q(kline_symbol=symbol) | Q(order_symbol=symbol)
    found: list[Instrument] = list(
        Instrument.objects.select_related("exchange", "base", "quote", "settle").filter(named, exchange__name=exchange)
    )
    # The unified symbol wins over another instrument's alias.
    found.sort(key=lambda instrument: instrument.symbol != symbol)
    if found and symbol:
        return found[0]
    if not Exchange.objects.filter(name=exchange).exists():
        names = ", ".join(Exchange.objects.values_list("name", flat=True)) or "none yet"
        raise InstrumentUnknown(f'There is no exchange "{exchange}" here. Exchanges: {names}.')
    raise InstrumentUnknown(
        f'"{symbol}" is not an instrument of {exchange} here. '
        f"GET /api/v1/instruments?exchange={exchange} lists those there are."
    )


def specs(exchange: str | None = None) -> dict[int, InstrumentSpec]:
    """What readers of market data need of all instruments (of one exchange), by id."""
    rows = Instrument.objects.select_related("exchange", "base", "quote").order_by(
        "exchange__position", "position", "id"
    )
    if exchange is not None:
        rows = rows.filter(exchange__name=exchange)
    return {
        row.pk: InstrumentSpec(
            id=row.pk,
            exchange=row.exchange.name,
            symbol=row.symbol,
            source=row.exchange.source,
            tick_size=row.tick_size,
            lot_size=row.lot_size,
            spec_version=row.spec_version,
            stale_after_ms=row.stale_after_ms,
            base=row.base.code,
            quote=row.quote.code,
        )
        for row in rows
    }


def subscribe(
    exchange: str, symbol: str, interval: str = intervals.BASE, wanted: Iterable[str] | None = None
) -> tuple[Subscription, bool]:
    """Listen to an instrument; (subscription, whether it is new). The feed follows within a second.

    ValueError when interval or channels are none we know, InstrumentUnknown when the instrument is not here.
    """
    intervals.length_ms(interval)
    names = list(CHANNELS if wanted is None else wanted)
    unknown = [name for name in names if name not in CHANNELS]
    if unknown or not names:
        raise ValueError(f"channels are {', '.join(CHANNELS)}; was {', '.join(map(str, unknown)) or 'empty'}")
    instrument = find_instrument(exchange, symbol)
    with transaction.atomic():
        subscription, created = Subscription.objects.get_or_create(
            instrument=instrument, interval=interval, defaults={"channels": names}
        )
        added = [name for name in names if name not in subscription.channels]
        if added or not subscription.enabled:
            subscription.channels = [*subscription.channels, *added]
            subscription.enabled = True
            subscription.save(update_fields=["channels", "enabled"])
        transaction.on_commit(ring_subscriptions)
    return subscription, created


def unsubscribe(subscription_id: int) -> bool:
    """Stop listening; False when there was no such subscription."""
    with transaction.atomic():
        deleted, _ = Subscription.objects.filter(pk=subscription_id).delete()
        transaction.on_commit(ring_subscriptions)
    return bool(deleted)


def tell_state(instrument_id: int, state: str) -> None:
    """Say how the subscriptions of an instrument do, for a feed that is no service (a replay)."""
    Subscription.objects.filter(instrument_id=instrument_id).update(state=state, last_event_at=clock.now())


def ring_subscriptions() -> None:
    """Tell the feed and the readers that subscriptions or instruments changed. They look by themselves too, a little
    later.
    """
    bus.default().wake(channels.WAKE_SUBSCRIPTIONS)
