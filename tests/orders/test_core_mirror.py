"""A mirrored market: orders filled by what is told of a market elsewhere, as the slow model says, record for record."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketdata.blocks import BUY, GAP, PROOF, SELL, Record
from orders import _core
from tests.oracle.mirror import Fill
from tests.orders.core_cast import BTC, BTC_USDT, IOC, RICH, USDT, make_core, reason_name
from tests.orders.mirror_cast import MS, Both, Stream, live, packed, trade

ALICE, BOB = 1, 2


def around(both: Both, at_ms: int = 1000) -> Both:
    """Bids 100, 99, 97; asks 101, 102, 105: ten lots each."""
    both.tell(both.told.snapshot(at_ms, {100: 10, 99: 10, 97: 10}, {101: 10, 102: 10, 105: 10}))
    return both


@pytest.mark.parametrize("seed", range(60))
def test_core_and_model_agree_on_a_made_up_market(seed: int) -> None:
    both = Both(front_ppm=(0, 500_000, 1_000_000, 333_333)[seed % 4], stale_after_ns=(0, 200 * MS)[seed % 2])
    live(both, seed, 120)
    both.core.verify()
    assert both.fills


def test_a_market_order_takes_the_entries_best_first() -> None:
    both = around(Both())
    both.place(ALICE, BUY, None, 15)
    assert both.fills == [Fill(1, 101, 10, False), Fill(1, 102, 5, False)]


def test_orders_never_meet_each_other_and_are_not_seen() -> None:
    both = around(Both())
    both.place(ALICE, BUY, 100, 7)
    both.place(BOB, SELL, 100, 20)
    assert [fill.order_no for fill in both.fills] == [2]  # the market's ten; Alice's seven are not there for him
    assert both.core.depth(BTC_USDT, 1)[0] == [(100, 10)]
    assert both.open == {1: 7, 2: 10}


def test_a_print_at_the_price_consumes_the_queue_ahead_first() -> None:
    both = around(Both())
    both.place(ALICE, BUY, 100, 5)
    both.tell([both.told.trade(1001, SELL, 100, 12), both.told.level(1002, BUY, 99, 9)])
    assert both.fills == [Fill(1, 100, 2, True)]


def test_a_print_is_shared_out_once_to_each_account() -> None:
    both = around(Both())
    for account in (ALICE, BOB, ALICE):
        both.place(account, BUY, 100, 5)
    both.tell([both.told.trade(1001, SELL, 100, 18), both.told.level(1002, BUY, 99, 9)])
    assert both.fills == [Fill(1, 100, 5, True), Fill(2, 100, 5, True), Fill(3, 100, 3, True)]


def test_a_print_through_the_price_fills_all_at_its_own_price() -> None:
    both = around(Both())
    both.place(ALICE, BUY, 99, 50)
    both.tell([both.told.trade(1001, SELL, 98, 1), both.told.level(1002, BUY, 99, 0)])
    assert both.fills == [Fill(1, 99, 50, True)]


@pytest.mark.parametrize(("front_ppm", "ahead"), [(0, 4), (500_000, 2), (1_000_000, 0)])
def test_a_shrink_is_set_against_prints_and_the_rest_split(front_ppm: int, ahead: int) -> None:
    both = around(Both(front_ppm))
    both.place(ALICE, BUY, 100, 5)
    told = both.told
    both.tell([told.level(1100, BUY, 100, 30)])  # twenty more, behind
    both.tell([told.trade(1110, SELL, 100, 6), told.level(1200, BUY, 100, 20)])  # ten fewer: six printed, four canceled
    both.tell([told.trade(1300, BUY, 105, 1)])
    assert both.core.queues() == [(1, 1, ahead)]


def test_what_was_taken_is_not_there_twice_until_a_second_has_passed() -> None:
    both = around(Both())
    told = both.told
    assert both.place(ALICE, BUY, 101, 10, tif=IOC)
    both.place(ALICE, BUY, 101, 4, tif=IOC)
    both.place(BOB, BUY, 101, 4, tif=IOC)
    assert [(fill.order_no, fill.lots) for fill in both.fills] == [(1, 10), (3, 4)]
    both.tell([told.level(2000, BUY, 99, 9), told.trade(2001, SELL, 99, 1)])
    both.place(ALICE, BUY, 101, 4, tif=IOC)
    assert both.fills[-1] == Fill(4, 101, 4, False)


def test_a_level_that_fell_below_what_was_taken_is_another_one() -> None:
    both = around(Both())
    both.place(ALICE, BUY, 101, 10, tif=IOC)
    both.tell([both.told.level(1100, SELL, 101, 3), both.told.trade(1101, SELL, 99, 1)])
    both.place(ALICE, BUY, 101, 4, tif=IOC)
    assert both.fills[-1] == Fill(2, 101, 3, False)


def test_the_other_side_coming_up_to_an_order_fills_it_at_its_own_price() -> None:
    both = around(Both())
    both.place(ALICE, BUY, 100, 25)
    told = both.told
    both.tell([told.level(1100, BUY, 100, 0), told.level(1100, SELL, 100, 8), told.trade(1101, BUY, 105, 1)])
    assert both.fills == [Fill(1, 100, 8, True)]


def test_trades_and_books_go_by_the_exchanges_time() -> None:
    both = around(Both(front_ppm=1_000_000))
    both.place(ALICE, BUY, 100, 5)
    told = both.told
    both.tell(told.level(1200, BUY, 100, 4))  # the book is told first
    both.tell(told.trade(1150, SELL, 100, 6))  # of what this print left: nothing was canceled
    both.tell(told.trade(1201, BUY, 105, 1))
    assert both.core.queues() == [(1, 1, 4)]


def test_nothing_waits_longer_than_a_quarter_second() -> None:
    both = around(Both())
    both.tell(both.told.level(1200, SELL, 101, 0))
    assert both.core.best(BTC_USDT)[2] == 101
    both.tell([], after_ms=249)
    assert both.core.best(BTC_USDT)[2] == 101
    both.tell([], after_ms=1)
    assert both.core.best(BTC_USDT)[2] == 102


def test_a_gapped_or_crossed_market_refuses_and_the_next_snapshot_heals_it() -> None:
    both = Both()
    assert not both.place(ALICE, BUY, 100, 1)
    assert reason_name(both.core.place(0, 99, ALICE, BTC_USDT, 1, BUY, 0, 0, 0, 0, 100, 1)) == "DATA_STALE"
    both.core.reports()
    around(both)
    resting = both.place(ALICE, BUY, 100, 5)
    told = both.told
    for wrong in ([told.record(GAP, 1100)], [told.level(1300, BUY, 101, 5), told.trade(1301, SELL, 90, 9)]):
        both.tell(wrong)
        assert not both.place(ALICE, BUY, 99, 1)
        both.tell(told.trade(1400, SELL, 90, 99))
        assert not both.fills
        around(both, 1200 if wrong[0].kind == GAP else 1500)
        assert both.place(ALICE, BUY, 90, 1)
    both.cancel(resting)


def test_a_silent_source_refuses_and_cancels_pass() -> None:
    both = around(Both(stale_after_ns=2000 * MS))
    resting = both.place(ALICE, BUY, 100, 5)
    both.now += 2001 * MS
    assert not both.place(ALICE, BUY, 100, 5)
    both.cancel(resting)
    both.tell(both.told.record(PROOF, 1000)._replace(seq=0))
    both.told.seq -= 1
    assert both.place(ALICE, BUY, 100, 5)


def test_a_queue_of_an_earlier_process_counts_when_it_is_shorter() -> None:
    both = around(Both())
    both.place(ALICE, BUY, 100, 5)
    both.tell([both.told.level(1100, BUY, 100, 40), both.told.trade(1200, SELL, 100, 3)])
    saved, state = both.core.queues(), both.core.checkpoint()
    assert saved == [(1, 1, 10)]
    again = _core.Core()
    again.restore(state)
    assert again.rebuild_books() == 1 and again.mirror(BTC_USDT) is not None
    assert again.queues() == []  # endless until its price is told of
    assert [again.set_queue(*row) for row in saved] == [True]
    again.market(packed(both.told.snapshot(1200, {100: 40}, {101: 1})), both.now)
    assert again.queues() == [(1, 1, 10)]
    assert not again.set_queue(1, 99, 0)  # of another place in the queue


def test_the_end_of_a_mirror_leaves_no_orders_that_would_meet() -> None:
    both = around(Both())
    both.tell(
        [both.told.level(1100, SELL, 101, 0), both.told.level(1100, SELL, 102, 0), both.told.trade(1101, SELL, 50, 1)]
    )
    both.place(ALICE, BUY, 104, 5)
    both.place(BOB, SELL, 103, 5)
    both.core.set_mirror(BTC_USDT, on=False)
    assert both.core.best(BTC_USDT) == (104, 5, None, 0)
    assert both.core.order(2) is None and both.core.balance(BOB, BTC) == (RICH, 0)
    both.core.verify()
    both.core.set_mirror(BTC_USDT, on=True)
    assert both.core.best(BTC_USDT) == (None, 0, None, 0) and both.core.market_order(1) is not None
    both.core.verify()


def test_a_fork_of_a_mirror_goes_its_own_way() -> None:
    both = around(Both())
    both.place(ALICE, BUY, 100, 5)
    both.place(ALICE, BUY, 101, 5, tif=IOC)
    fork = both.core.fork()
    fork.market(packed([both.told.trade(1100, SELL, 90, 1)]), both.now)
    fork.market(b"", both.now + 250 * MS)
    fork.verify()
    both.core.verify()
    assert fork.order(1) is None and both.core.order(1) is not None


def test_the_same_records_and_orders_give_the_same_core() -> None:
    hashes = set()
    for _ in range(2):
        both = Both()
        live(both, 11, 100)
        hashes.add((both.core.hash(), tuple(both.core.queues()), both.core.stats()["trade_hash"]))
    assert len(hashes) == 1


def test_a_small_ring_only_makes_it_wait() -> None:
    core = make_core()
    core.set_mirror(BTC_USDT, on=True)
    small = _core.Core(ring_capacity=12)
    small.restore(core.checkpoint())
    both = Both()
    around(both)
    small.market(packed(both.told.snapshot(1000, {100: 10}, {101: 10})), 0)
    for number in range(1, 201):
        assert small.place(0, number, ALICE, BTC_USDT, 1, BUY, 0, 0, 0, 0, 100, 1) == 0
        small.reports()
    block, rounds = packed([both.told.trade(1100, SELL, 99, 5), both.told.level(1101, SELL, 102, 1)]), 0
    while block or small.stats()["orders_open"]:
        block = block[40 * small.market(block, 0) :]
        rounds += 1
        assert len(small.reports()) > 0 or rounds < 300
    assert rounds > 1 and small.position(ALICE, BTC_USDT, 0)[0] == 200  # type: ignore[index]
    small.verify()


@given(st.lists(st.binary(min_size=0, max_size=200), max_size=8), st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_any_bytes_leave_a_core_that_holds(blobs: list[bytes], seed: int) -> None:
    both = around(Both())
    both.place(ALICE, BUY, 100, 5)
    before = both.core.balance(ALICE, USDT)
    for blob in blobs:
        if len(blob) % 40:
            with pytest.raises(ValueError, match="40 bytes"):
                both.core.market(blob, 10)
        both.core.market(blob[: len(blob) // 40 * 40], 10)
        both.core.verify()
    assert both.core.balance(ALICE, USDT) == before


@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 7), st.integers(-(2**63), 2**63 - 1)), min_size=1, max_size=6),
)
@settings(max_examples=150, deadline=None)
def test_a_record_with_any_field_wrong_is_judged_as_the_model_does(seed: int, wrong: list[tuple[int, int]]) -> None:
    both, stream = Both(), Stream(seed, wrong=0.0)
    both.told = stream.told
    for place, value in wrong:
        both.tell(stream.block())
        trade(both, stream.random, stream.middle)
        block = stream.block() or stream.block() or [stream.told.record(PROOF, stream.at_ms)]
        fields = list(block[0])
        sizes = [32, 16, 8, 8, 64, 64, 64, 64]
        fields[place] = value if 4 <= place <= 6 else value % 2 ** sizes[place]
        if place == 0 and fields[0] != BTC_USDT:
            continue
        both.tell([Record(*fields), *block[1:]])
    both.core.verify()
