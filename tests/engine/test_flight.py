"""Every order has a timeline: the server's stamps in order, the browser's beside them, and what is not known is said."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from django.test import Client

from marketdata import clock
from orders.flight import latency, painting, timeline
from orders.models import Flight, Order, Painted

SERVER = ("accepted", "added", "read", "decided", "committed", "answered")


def fly(engine: Any, **more: Any) -> Order:
    """An order whose stamps are written by a later transaction."""
    command = msgspec.structs.replace(engine.place("buy", "0.01", "50000"), accepted_ns=clock.now_ns())
    status, body, _ = engine.ask(command)
    assert status == 201, body
    engine.service.flights._written_ns = 0  # it is time
    engine.turn()
    return Order.objects.get(pk=body["id"])


def stages(order: Order) -> dict[str, dict[str, Any]]:
    return {stage["stage"]: stage for stage in timeline.of(order)["stages"]}


def test_the_servers_stages_are_in_order_and_the_browsers_are_said_to_be_unknown(engine: Any) -> None:
    found = stages(fly(engine))
    exact = [found[name]["offset_ns"] for name in SERVER if name != "added"]
    assert exact == sorted(exact) and exact[0] >= 0
    assert found["decided"]["took_ns"] > 0 and found["committed"]["took_ns"] > 0
    assert found["added"]["resolution_ns"] == 1_000_000
    assert found["click"]["offset_ns"] is None and "No browser" in found["click"]["unknown"]


def test_many_orders_are_one_row_and_each_finds_its_stamps(engine: Any) -> None:
    commands = [engine.place("buy", "0.01", str(50000 + number)) for number in range(5)]
    engine.service.flights._written_ns = clock.monotonic_ns() + 10**12
    engine.ask_all(commands[:3])
    engine.ask_all(commands[3:])
    engine.service.flights._written_ns = 0
    engine.turn()
    assert Flight.objects.count() == 1
    decided = [int(stages(order)["decided"]["at_ns"]) for order in Order.objects.order_by("order_no")]
    assert decided == sorted(decided) and len(set(decided)) == 5
    assert timeline.of(Order.objects.order_by("order_no").first())["orders_in_batch"] == 3  # type: ignore[arg-type]


def test_a_repeated_request_leaves_no_second_flight(engine: Any) -> None:
    command = engine.place("buy", "0.01", "50000")
    engine.ask(command)
    engine.ask(command)
    engine.service.flights._written_ns = 0
    engine.turn()
    assert Flight.objects.get().first_seq == Flight.objects.get().last_seq


def test_a_browsers_stamps_are_its_own_owners_and_bounded(engine: Any) -> None:
    order = fly(engine)
    mine, theirs = engine.cast.trader.user_id, engine.cast.other.user_id
    good = [str(order.pk), 1_000_000, 9_000_000, 12_000_000]
    assert painting.keep(theirs, [good]) == 0
    spans = ([5, 4, 6], [-1, 4, 6], [1, 2, 10**15], [1, 2], [1, 2, "3"])
    wrong = [[str(order.pk), *span] for span in spans] + [["x", 1, 2, 3], [str(uuid.uuid4()), 1, 2, 3]]
    assert painting.keep(mine, [*wrong, good[:3]]) == 0
    assert painting.keep(mine, [good]) == 1
    assert painting.keep(mine, [[str(order.pk), 1, 2, 3]]) == 0  # told once
    assert Painted.objects.get().painted_ns == 12_000_000
    told = timeline.of(order)
    assert (told["round_trip_ns"], told["click_to_paint_ns"]) == (8_000_000, 12_000_000)
    assert told["network_ns"] == 8_000_000 - told["server_ns"]
    assert [stage["took_ns"] for stage in told["stages"] if stage["clock"] == "browser"] == [
        None,
        10**6,
        8 * 10**6,
        3 * 10**6,
    ]


def test_an_order_without_stamps_says_so(engine: Any) -> None:
    order = fly(engine)
    Flight.objects.all().delete()
    assert all(stage["offset_ns"] is None and stage["unknown"] for stage in timeline.of(order)["stages"])


def test_percentiles_are_by_stage_and_exchange(engine: Any) -> None:
    order = fly(engine)
    painting.keep(engine.cast.trader.user_id, [[str(order.pk), 1_000_000, 9_000_000, 12_000_000]])
    client = Client()
    client.force_login(engine.cast.trader.user)
    found = client.get("/api/v1/metrics/latency").json()
    rows = {row["stage"]: row for row in found["results"]}
    assert rows.keys() == {name for name, _ in latency.STAGES}
    assert all(row["exchange"] == "sim" and row["count"] == 1 for row in rows.values())
    assert rows["server"]["p50_ns"] > 0
    assert 11_500_000 <= rows["click_to_paint"]["p99_9_ns"] <= 12_000_000
    answer = client.get(f"/api/v1/orders/client:{order.request_id}/flight")
    assert answer.status_code == 200 and len(answer.json()["stages"]) == 10


def test_counts_are_in_hdr_layout() -> None:
    counts = latency.Histogram()
    for value in range(1, 100_001):
        counts.record(value)
    for permyriad in (5000, 9500, 9900, 9990):
        right = permyriad * 10
        assert right * 0.96 <= counts.at(permyriad) <= right * 1.001
