"""Histograms of how long calls took: what they say is what a sorted list says, to a thirty-second part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import _core
from tests.orders.core_cast import ALICE, BUY, Desk, command, make_core

NANOSECONDS = st.lists(st.integers(0, 2**40), min_size=1, max_size=200)
PLACE = _core.STAGES["place"]


def recorded(values: list[int], others: bytes | None = None) -> bytes:
    core = _core.Core(max_orders=8, ring_capacity=8)
    for value in values:
        core.record(PLACE, value)
    return core.histogram(PLACE) if others is None else core.histogram(PLACE, others)


def says_the_same(packed: bytes, values: list[int]) -> None:
    said = _core.histogram_read(packed)
    exact = sorted(values)
    assert (said["count"], said["total_ns"], said["most_ns"]) == (len(values), sum(values), exact[-1])
    for name, permyriad in (("p50_ns", 5000), ("p90_ns", 9000), ("p99_ns", 9900), ("p999_ns", 9990)):
        wanted = exact[min(len(exact) - 1, len(exact) * permyriad // 10_000)]
        assert said[name] <= wanted <= said[name] + said[name] // 32 + 1


@given(NANOSECONDS)
def test_a_histogram_says_what_a_sorted_list_says_property(values):
    says_the_same(recorded(values), values)


@given(NANOSECONDS, NANOSECONDS)
def test_the_counts_of_two_cores_add_up_property(one, other):
    says_the_same(recorded(other, recorded(one)), one + other)


def test_every_call_is_measured_when_every_one_is_asked_for():
    core = make_core()
    core.measure_calls(1)
    desk = Desk(core)
    for _ in range(10):
        desk.place(ALICE, BUY, 100, 1)
    core.cancel(1, 1)
    core.process(command(_core.OP_CANCEL, 2))
    counts = {name: _core.histogram_read(core.histogram(stage))["count"] for name, stage in _core.STAGES.items()}
    assert counts == dict.fromkeys(_core.STAGES, 0) | {"place": 10, "cancel": 1, "batch": 1, "command": 1}


def test_no_call_is_measured_when_none_is_asked_for():
    core = make_core()
    core.measure_calls(0)
    for _ in range(300):
        Desk(core).place(ALICE, BUY, 100, 1)
    assert _core.histogram_read(core.histogram(PLACE))["count"] == 0


def test_what_is_no_histogram_is_refused():
    core = make_core()
    with pytest.raises(ValueError, match="histogram"):
        _core.histogram_read(b"x")
    with pytest.raises(ValueError, match="no such stage"):
        core.histogram(99)
