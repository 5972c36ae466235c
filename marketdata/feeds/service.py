"""The feed service: follows the subscription rows, reads the markets, keeps their klines, says how each subscription
does.

A subscription added in the admin or by the API is followed within a second: the service is woken, and looks by itself
besides.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, ClassVar

from django.db import Error, close_old_connections, connection

from marketdata import bus, clock, services
from marketdata.channels import WAKE, WAKE_SUBSCRIPTIONS
from marketdata.domain import InstrumentSpec
from marketdata.feeds.bus_feed import BusFeed
from marketdata.feeds.path import FeedPath
from marketdata.leases import ServiceLease
from marketdata.models import Exchange, Subscription
from marketdata.service import Service

log = logging.getLogger(__name__)

STAND_BY_S = 0.25  # between two looks whether the feed that acts still does
LOOK_EVERY_NS = 1_000_000_000
DATABASE_AGAIN_S = 1.0

STARTING, LIVE, STALE, ERROR, NO_FEED = "starting", "live", "stale", "error", "no feed"

_STATES = """
    UPDATE marketdata_subscription AS s
    SET state = told.state, last_event_at = coalesce(told.last_event_at, s.last_event_at)
    FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS told (id, state, last_event_at)
    WHERE s.id = told.id
"""


class FeedService(Service):
    """Hosted by a worker of its own. Markets of the simulator are read from the bus; a replay command is the feed of
    its own market.
    """

    name: ClassVar[str] = "feed"

    def __init__(self, shard: int = 0) -> None:
        super().__init__(shard)
        self._bus = bus.default()
        self._feed = BusFeed(self._bus)
        self._path = FeedPath(self._bus)
        self._rows: list[Subscription] = []
        self._specs: dict[int, InstrumentSpec] = {}
        self._lease = ServiceLease("feed")
        self._looked_ns = 0
        self._events = 0

    def detail(self) -> dict[str, Any]:
        """For the heartbeat."""
        return {
            "acting": bool(self._lease.epoch),
            "subscriptions": len(self._rows),
            "events": self._events,
            "stored": self._path.stored,
            "waiting": self._path.pending,
            "errors": len(self._path.errors),
        }

    def run(self) -> None:
        """Until asked to stop. Of two feeds one acts; raises LeaseLost when another does meanwhile. PostgreSQL or the bus
        being away is waited for, with what was heard kept.
        """
        news = self._bus.listener(WAKE)
        away = False
        while not self.stopping.is_set():
            try:
                if self._look_is_due(news):
                    close_old_connections()
                    if not self._lease.take():
                        self.stopping.wait(STAND_BY_S)
                        continue
                    self._tell_states()
                    self._look()
                for event in self._feed.events():
                    self._path.take(event)
                    self._events += 1
                self._path.flush()
                away = False
            except Error as error:
                if not away:
                    log.warning("PostgreSQL is away; closed bars wait for it: %s", error)
                away = True
                self.stopping.wait(DATABASE_AGAIN_S)
        self._flush_last()
        self._let_go()
        news.close()
        connection.close()

    def _look_is_due(self, news: bus.Listener) -> bool:
        woken = False
        while (message := news.get(0)) is not None:
            woken = woken or message[1].decode(errors="replace").startswith(WAKE_SUBSCRIPTIONS)
        return woken or bool(self._feed.outdated) or clock.monotonic_ns() - self._looked_ns >= LOOK_EVERY_NS

    def _look(self) -> None:
        """Read the rows and follow them."""
        self._rows = list(Subscription.objects.filter(enabled=True).select_related("instrument__exchange"))
        known = services.specs()
        simulated = {
            row.instrument_id
            for row in self._rows
            if row.instrument.exchange.source == Exchange.Source.SIMULATOR and row.instrument.exchange.enabled
        }
        wanted = {instrument_id: known[instrument_id] for instrument_id in simulated if instrument_id in known}
        extra: dict[int, list[str]] = {row.instrument_id: [] for row in self._rows}
        for row in self._rows:
            extra[row.instrument_id].append(row.interval)
        if wanted != self._specs or self._feed.outdated:
            self._feed.subscribe(wanted)
            self._specs = wanted
        self._path.follow(wanted, extra)
        self._looked_ns = clock.monotonic_ns()

    def _tell_states(self) -> None:
        if not self._rows:
            return
        now, now_ns = clock.now(), clock.monotonic_ns()
        ids, states, events = [], [], []
        for row in self._rows:
            if row.instrument.exchange.source == Exchange.Source.REPLAY:
                continue  # a replay says it itself while it plays
            state, age_ns = self._state(row.instrument_id, now_ns)
            ids.append(row.pk)
            states.append(state)
            events.append(None if age_ns is None else now - timedelta(microseconds=age_ns // 1000))
        with connection.cursor() as cursor:
            cursor.execute(_STATES, [ids, states, events])

    def _state(self, instrument_id: int, now_ns: int) -> tuple[str, int | None]:
        """(state, age of the last event in ns)."""
        spec = self._specs.get(instrument_id)
        if spec is None:
            return NO_FEED, None
        seen_ns = self._path.seen_ns.get(instrument_id)
        age_ns = None if seen_ns is None else now_ns - seen_ns
        if instrument_id in self._path.errors:
            return ERROR, age_ns
        if age_ns is None:
            return STARTING, None
        return (STALE if age_ns > spec.stale_after_ms * 1_000_000 else LIVE), age_ns

    def _let_go(self) -> None:
        try:
            if self._lease.epoch:
                self._lease.release()
        except Error as error:
            log.warning("the feed's lease was not released, it runs out: %s", error)

    def _flush_last(self) -> None:
        try:
            self._path.flush()
        except Error as error:
            log.warning(
                "%d closed bars were not stored; the next start builds them again: %s", self._path.pending, error
            )
