"""One order's timeline, stage by stage. Stages of one clock are compared with each other, and with no other clock's."""

from __future__ import annotations

from typing import Any

from orders.flight.models import Flight, Painted
from orders.flight.recording import BatchStamps, OrderStamps, unpack
from orders.models import Order

BROWSER, SERVER = "browser", "server"
# stage, whose clock, what is said where it is not known
STAGES = (
    ("click", BROWSER, "No browser told of this order."),
    ("sent", BROWSER, "No browser told of this order."),
    ("accepted", SERVER, "It came by no door that stamps, or its stamps are gone."),
    ("added", SERVER, "It came by no stream, or its stamps are gone."),
    (
        "read",
        SERVER,
        "The engine wrote no stamps of it: it was made by the engine itself, is too old, or a crash lost them.",
    ),
    ("decided", SERVER, "The engine wrote no stamps of it."),
    ("committed", SERVER, "The engine wrote no stamps of it."),
    ("answered", SERVER, "The engine wrote no stamps of it."),
    ("received", BROWSER, "No browser told of this order."),
    ("painted", BROWSER, "No browser told of this order."),
)
MILLISECOND = 1_000_000


def of(order: Order) -> dict[str, Any]:
    """What `orders/{id}/flight` answers."""
    found, painted = _stamps(order), Painted.objects.filter(order_id=order.pk).first()
    known = {**_server(found), **_browser(painted)}
    start_ns = min((known[name] for name, whose, _ in STAGES if whose == SERVER and name in known), default=None)
    answer: dict[str, Any] = {
        "order_id": str(order.pk),
        "request_id": order.request_id,
        "started_at_ns": None if start_ns is None else str(start_ns),
        "stages": _stages(known, start_ns),
        "round_trip_ns": painted.received_ns - painted.sent_ns if painted else None,
        "server_ns": known["answered"] - known["accepted"] if {"answered", "accepted"} <= known.keys() else None,
        "network_ns": None,
        "click_to_paint_ns": painted.painted_ns if painted else None,
        "orders_in_batch": len(found[0].orders) if found else None,
    }
    if answer["round_trip_ns"] is not None and answer["server_ns"] is not None:
        answer["network_ns"] = (
            answer["round_trip_ns"] - answer["server_ns"]
        )  # two durations: no clock is compared with another
    return answer


def _stages(known: dict[str, int], start_ns: int | None) -> list[dict[str, Any]]:
    stages, before = [], dict[str, int]()
    for name, whose, unknown in STAGES:
        at = known.get(name)
        stage: dict[str, Any] = {
            "stage": name, "clock": whose, "at_ns": None, "offset_ns": None, "took_ns": None, "resolution_ns": 1, "unknown": unknown,
        }  # fmt: skip
        if at is not None:
            stage["offset_ns"] = at if whose == BROWSER else at - (start_ns or 0)
            stage["at_ns"] = str(at) if whose == SERVER else None
            stage["took_ns"] = at - before[whose] if whose in before else None
            stage["unknown"] = None
            if name == "added":  # the bus counts milliseconds: it may seem to lie before what it followed
                stage["resolution_ns"], stage["took_ns"] = MILLISECOND, None
            else:
                before[whose] = at
        stages.append(stage)
    return stages


def _stamps(order: Order) -> tuple[BatchStamps, OrderStamps] | None:
    row = Flight.objects.filter(shard=order.shard, last_seq__gte=order.order_no).order_by("last_seq").first()
    if row is None or row.first_seq > order.order_no:
        return None
    for batch in unpack(bytes(row.packed)):
        for stamps in batch.orders:
            if stamps.seq == order.order_no:
                return batch, stamps
    return None


def _server(found: tuple[BatchStamps, OrderStamps] | None) -> dict[str, int]:
    if found is None:
        return {}
    batch, stamps = found
    known = {
        "accepted": stamps.accepted_ns, "added": stamps.added_ms * MILLISECOND, "read": batch.read_ns, "decided": stamps.decided_ns,
        "committed": batch.committed_ns, "answered": batch.answered_ns,
    }  # fmt: skip
    return {name: at for name, at in known.items() if at}


def _browser(painted: Painted | None) -> dict[str, int]:
    if painted is None:
        return {}
    return {"click": 0, "sent": painted.sent_ns, "received": painted.received_ns, "painted": painted.painted_ns}
