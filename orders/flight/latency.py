"""How long stages took, of the newest orders: percentiles a stage and exchange, from counts in HDR layout as the core's."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from marketdata.models import Instrument
from orders.flight.models import Flight, Painted
from orders.flight.recording import unpack

ORDERS_MAX = 50_000
ROWS_MAX = 20_000
PART_BITS = 5  # 32 buckets a power of two: an error of at most 3 %
PERCENTILES = (("p50_ns", 5000), ("p95_ns", 9500), ("p99_ns", 9900), ("p99_9_ns", 9990))
STAGES = (
    ("travel", "accepted at the door until read by the engine"),
    ("decide", "read until decided"),
    ("commit", "decided until durable"),
    ("answer", "durable until answered"),
    ("server", "accepted until answered"),
    ("round_trip", "sent by the browser until its answer was there"),
    ("paint", "the answer there until painted"),
    ("click_to_paint", "click until painted"),
)


class Histogram:
    """Counts of durations by buckets that widen with the value."""

    def __init__(self) -> None:
        self.count = 0
        self.most = 0
        self._buckets: dict[int, int] = {}

    def record(self, ns: int) -> None:
        """One duration; clocks that stepped back make none negative."""
        ns = max(ns, 0)
        self.count += 1
        self.most = max(self.most, ns)
        shift = max(ns.bit_length() - PART_BITS - 1, 0)
        bucket = ns >> shift << shift
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def at(self, permyriad: int) -> int:
        """The least value of the bucket in which, all sorted, the one lies that permyriad / 10000 of them are below."""
        wanted, seen = self.count * permyriad // 10_000, 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen > wanted:
                return bucket
        return self.most


def measured(now: datetime, window_s: int) -> dict[str, Any]:
    """What `metrics/latency` answers: newest first until the window or the count is full."""
    since = now - timedelta(seconds=window_s)
    found: dict[tuple[str, int], Histogram] = {}
    counted = _engine(found, since) + _browsers(found, since)
    named = dict(Instrument.objects.values_list("pk", "exchange__name"))
    merged: dict[tuple[str, str], Histogram] = {}
    for (stage, instrument_id), one in found.items():
        place = (stage, named.get(instrument_id, "?"))
        merged[place] = _together(merged.get(place), one)
    order = [name for name, _ in STAGES]
    rows = sorted(merged.items(), key=lambda item: (item[0][1], order.index(item[0][0])))
    return {
        "window_s": window_s,
        "orders": counted,
        "complete": counted < ORDERS_MAX,
        "results": [_row(stage, exchange, one) for (stage, exchange), one in rows],
    }


def _row(stage: str, exchange: str, one: Histogram) -> dict[str, Any]:
    return {
        "stage": stage, "meaning": dict(STAGES)[stage], "exchange": exchange, "count": one.count,
        **{name: one.at(permyriad) for name, permyriad in PERCENTILES}, "max_ns": one.most,
    }  # fmt: skip


def _engine(found: dict[tuple[str, int], Histogram], since: datetime) -> int:
    counted = 0
    rows = Flight.objects.filter(at__gte=since).order_by("-at").values_list("packed", flat=True)[:ROWS_MAX]
    for packed in rows.iterator(chunk_size=200):
        for batch in unpack(bytes(packed)):
            for stamps in batch.orders:
                counted += 1
                took = {
                    "decide": stamps.decided_ns - batch.read_ns,
                    "commit": batch.committed_ns - stamps.decided_ns,
                    "answer": batch.answered_ns - batch.committed_ns,
                }
                if stamps.accepted_ns:
                    took["travel"] = batch.read_ns - stamps.accepted_ns
                    took["server"] = batch.answered_ns - stamps.accepted_ns
                _record(found, stamps.instrument_id, took)
        if counted >= ORDERS_MAX:
            break
    return counted


def _browsers(found: dict[tuple[str, int], Histogram], since: datetime) -> int:
    for row in Painted.objects.filter(at__gte=since).order_by("-at")[:ROWS_MAX]:
        took = {
            "round_trip": row.received_ns - row.sent_ns,
            "paint": row.painted_ns - row.received_ns,
            "click_to_paint": row.painted_ns,
        }
        _record(found, row.instrument_id, took)
    return 0


def _record(found: dict[tuple[str, int], Histogram], instrument_id: int, took: dict[str, int]) -> None:
    for stage, ns in took.items():
        one = found.get((stage, instrument_id))
        if one is None:
            one = found[stage, instrument_id] = Histogram()
        one.record(ns)


def _together(one: Histogram | None, other: Histogram) -> Histogram:
    if one is None:
        return other
    for bucket, count in other._buckets.items():
        one._buckets[bucket] = one._buckets.get(bucket, 0) + count
    one.count += other.count
    one.most = max(one.most, other.most)
    return one
