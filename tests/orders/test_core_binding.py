"""Whatever Python hands to the core, of any type and size: an answer or an exception, never a crash, and refused is unchanged."""

from __future__ import annotations

import gc
import os
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BTC_USDT, BUY, SELL, Desk, command, make_core, read, saved

LONG = 50 if os.environ.get("HYPOTHESIS_PROFILE") == "long" else 1
METHODS = sorted(name for name in dir(_core.Core) if not name.startswith("_"))
RAISES = (TypeError, ValueError, OverflowError, _core.CoreError, BufferError, MemoryError)
PLANTS_A_FAULT = {"fail_at"}  # it is there to break things
LOOKS = {  # change nothing, whatever they are given
    "best", "depth", "cost_to_fill", "order", "market_order", "open_orders", "balance", "position", "positions", "stats",
    "hash", "verify", "checkpoint", "check", "equity", "convert", "fork",
}  # fmt: skip
EDGES = [0, 1, -1, 2, 3, 100, 255, 256, 2**31, 2**32 - 1, 2**32, 2**53, 2**61 | 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 2**64,
         10**36, 10**36 + 1, 10**37, 2**127 - 1, 2**127, -(2**127), -(2**127) - 1, 10**60]  # fmt: skip


class Moody:
    """An integer that raises when asked."""

    def __index__(self) -> int:
        raise ValueError("not now")


class Liar:
    """An integer that is none."""

    def __index__(self) -> Any:
        return "seven"


WORDS = sorted(
    {
        "owner",
        "scope",
        "key",
        "state",
        "account",
        "asset",
        "amount",
        "instrument",
        "exchange",
        "levels",
        "margin",
        "flow",
        "den",
    }
)
numbers = st.one_of(st.integers(0, 4), st.sampled_from(EDGES), st.integers(-(2**70), 2**70))
things = st.one_of(
    numbers, numbers, numbers, st.none(), st.booleans(), st.floats(), st.text(max_size=4), st.binary(max_size=200),
    st.builds(Moody), st.builds(Liar), st.builds(object), st.just(_core.Core),
    st.lists(st.one_of(numbers, st.lists(numbers, max_size=4), st.tuples(numbers, numbers, numbers)), max_size=3),
    st.builds(bytearray, st.binary(max_size=100)), st.builds(lambda b: memoryview(b)[::2], st.binary(max_size=100)),
    st.integers(1, 3).map(lambda n: bytes(n * _core.COMMAND_SIZE)), st.just(bytes(_core.REPORT_SIZE)),
)  # fmt: skip
near = st.integers(95, 105)
orders = st.one_of(
    st.tuples(
        st.sampled_from(["place", "place_with"]),
        st.tuples(
            numbers, st.integers(1, 30), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2),
            st.integers(0, 8), st.integers(0, 6), st.integers(0, 4095), st.integers(0, 1), st.one_of(near, numbers),
            st.one_of(st.integers(0, 20), numbers), st.integers(0, 1), *[st.one_of(st.just(0), near, numbers)] * 6,
        ),
        st.just({}),
    ),
    st.tuples(st.just("cancel"), st.tuples(numbers, st.integers(1, 30)), st.just({})),
    st.tuples(st.just("amend"), st.tuples(numbers, st.integers(1, 30), st.integers(0, 3), near, st.integers(0, 30)), st.just({})),
).map(lambda made: (made[0], list(made[1])[: 12 if made[0] == "place" else None], made[2]))  # fmt: skip
calls = st.tuples(
    st.sampled_from([name for name in METHODS if name not in PLANTS_A_FAULT]),
    st.one_of(st.lists(things, max_size=4), st.lists(numbers, max_size=20), st.lists(things, min_size=12, max_size=20)),
    st.dictionaries(st.sampled_from(WORDS), things, max_size=3),
)


def lively() -> _core.Core:
    core = make_core(taker_fee_ppm=500)
    desk = Desk(core)
    for price in (98, 99):
        desk.place(ALICE, BUY, price, 10)
    for price in (101, 102):
        desk.place(BOB, SELL, price, 10)
    desk.place(ALICE, BUY, 101, 3)
    core.reports()
    return core


def picture(core: _core.Core) -> tuple[Any, ...]:
    return saved(core), core.hash(), core.depth(BTC_USDT, 50)


def only_refusals(packed: bytes) -> bool:
    return all(
        report.exec_type == "I" or (report.exec_type == "8" and not report.flags & _core.FLAG_TOLD)
        for report in read(packed)
    )


def call(core: _core.Core, name: str, arguments: list[Any], words: dict[str, Any]) -> None:
    before = picture(core)
    try:
        answer = getattr(core, name)(*arguments, **words)
    except RAISES:
        core.reports()
        assert picture(core) == before, f"{name} raised and changed something"
        return
    reports = answer if name in ("process", "reports", "market") and isinstance(answer, bytes) else core.reports()
    if name in LOOKS:
        assert picture(core) == before, f"{name} only looks"
    elif name in ("place", "place_with", "cancel", "amend") and answer and only_refusals(reports):
        assert picture(core) == before, f"{name} refused with {answer} and changed something"
    core.verify()


@settings(max_examples=400 * LONG, deadline=None)
@given(st.lists(st.one_of(calls, orders), max_size=14))
def test_any_call_with_anything_is_answered_or_raises_and_refused_is_unchanged(made):
    core = lively()
    for name, arguments, words in made:
        call(core, name, arguments, words)


@settings(max_examples=300 * LONG, deadline=None)
@given(st.binary(max_size=600), st.sampled_from(["process", "apply", "restore", "market"]))
def test_any_bytes_are_answered_or_raise_and_refused_is_unchanged(data, name):
    if not hasattr(_core.Core, name):
        return
    size = {"process": _core.COMMAND_SIZE, "apply": _core.REPORT_SIZE}.get(name, 1)
    for given_bytes in (data, data[: len(data) // size * size], data + bytes(-len(data) % size)):
        core = lively()
        call(core, name, [given_bytes, 5] if name == "market" else [given_bytes], {})


@pytest.mark.parametrize("name", METHODS)
def test_every_method_refuses_too_many_arguments_and_unknown_words(name):
    core = lively()
    before = picture(core)
    for arguments, words in (([0] * 30, {}), ([], {"nothing": 1})):
        with pytest.raises(TypeError):
            getattr(core, name)(*arguments, **words)
    assert picture(core) == before


class Reentering:
    """An integer that uses the very core it is given to, while the core reads its arguments."""

    def __init__(self, core: _core.Core, value: int, rows: list[Any] | None = None) -> None:
        self.core, self.value, self.rows = core, value, rows

    def __index__(self) -> int:
        if self.rows is not None:
            self.rows.clear()
            gc.collect()
        self.core.cancel(10**6, 1)
        self.core.set_account(99, owner=99)
        self.core.reports()
        return self.value


def test_arguments_that_use_the_core_while_it_reads_them_do_no_harm():
    for name in METHODS:
        if name in PLANTS_A_FAULT:
            continue
        for count in (1, 2, 3, 5, 12, 19):
            core = lively()
            try:
                getattr(core, name)(*[Reentering(core, 1) for _ in range(count)])
            except RAISES:
                pass
            core.verify()


def test_rows_that_vanish_while_they_are_read_do_no_harm():
    core = lively()
    if not hasattr(core, "marks"):
        return
    rows: list[Any] = []
    rows += [[Reentering(core, 1, rows), 5, 1], [1, 5, 1], [1, 5, 1]]
    inner: list[Any] = [1, 5, 1]
    inner[0] = Reentering(core, 1, inner)
    for given_rows in (rows, [inner, inner]):
        try:
            core.marks(5, given_rows)
        except RAISES:
            pass
        core.verify()


def test_a_core_that_is_running_in_another_thread_refuses_every_call():
    core = make_core()
    batch = b"".join(_command(number) for number in range(1, 60_001))
    refused: list[str] = []
    done = threading.Event()

    def knock() -> None:
        while not done.is_set():
            try:
                core.hash()
            except _core.CoreError as error:
                refused.append(str(error))

    thread = threading.Thread(target=knock)
    thread.start()
    try:
        reports = core.process(batch)
    finally:
        done.set()
        thread.join()
    assert len(read(reports)) == 60_000
    assert set(refused) <= {"the core is running another call"}
    core.verify()


def _command(number: int) -> bytes:
    return command(
        _core.OP_PLACE,
        number,
        account=ALICE,
        instrument=BTC_USDT,
        spec_version=1,
        side=BUY,
        price_ticks=100,
        qty_lots=1,
    )
