"""Bars built from trades and minutes: equal to adding up the same minutes afterwards."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marketdata import intervals
from marketdata.domain import Gap, Kline
from marketdata.klines import Ladder, aggregate, gaps, replay_path
from tests.marketdata.conftest import MINUTE_MS, START_MS

ONE = Decimal(1)


def at(minute: int, second: int = 0) -> int:
    return START_MS + minute * MINUTE_MS + second * 1000


def test_a_trade_of_the_next_minute_closes_the_bar() -> None:
    ladder = Ladder(["5m"])
    ladder.trade(at(0, 1), Decimal(100), ONE)
    ladder.trade(at(0, 2), Decimal(105), ONE)
    ladder.trade(at(0, 3), Decimal(95), ONE)
    closed = ladder.trade(at(1), Decimal(99), ONE)
    assert closed == [("1m", Kline(at(0), Decimal(100), Decimal(105), Decimal(95), Decimal(95), Decimal(3)))]


def test_time_alone_closes_the_bar() -> None:
    ladder = Ladder([])
    ladder.trade(at(0, 1), Decimal(100), ONE)
    assert ladder.advance(at(0, 59)) == []
    assert [interval for interval, _ in ladder.advance(at(1))] == ["1m"]
    assert ladder.open_bars() == []


def test_longer_bars_close_with_their_last_minute() -> None:
    ladder = Ladder(["5m"])
    for minute in range(5):
        ladder.trade(at(minute), Decimal(100 + minute), ONE)
    closed = ladder.advance(at(5))
    assert [interval for interval, _ in closed] == ["1m", "5m"]
    assert closed[1][1] == Kline(at(0), Decimal(100), Decimal(104), Decimal(100), Decimal(104), Decimal(5))


def test_a_minute_without_trades_is_a_hole_not_a_flat_bar() -> None:
    ladder = Ladder([])
    ladder.trade(at(0), Decimal(100), ONE)
    closed = ladder.trade(at(3), Decimal(100), ONE)
    assert [bar.open_ms for _, bar in closed] == [at(0)]


def test_late_trades_change_no_closed_bar() -> None:
    ladder = Ladder([])
    ladder.trade(at(0), Decimal(100), ONE)
    ladder.advance(at(1))
    assert ladder.trade(at(0, 30), Decimal(1), ONE) == []
    assert ladder.late == 1
    assert ladder.open_bars() == []


def test_it_goes_on_from_stored_minutes() -> None:
    stored = [Kline(at(n), ONE * 10, ONE * 20, ONE * 5, ONE * 11, ONE) for n in range(3)]
    ladder = Ladder(["5m"], stored)
    ladder.trade(at(2, 30), Decimal(999), ONE)  # of a minute that is stored: a backlog read again
    ladder.trade(at(3, 1), Decimal(30), ONE)
    assert dict(ladder.open_bars())["5m"] == Kline(
        at(0), Decimal(10), Decimal(30), Decimal(5), Decimal(30), Decimal(4), closed=False
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 7 * 24 * 3600), st.integers(1, 500), st.integers(1, 9)), min_size=1, max_size=120
    ),
    st.sampled_from(["5m", "15m", "1h", "4h", "1d"]),
)
def test_longer_bars_equal_their_minutes_added_up(trades: list[tuple[int, int, int]], interval: str) -> None:
    ladder = Ladder([interval])
    closed: list[tuple[str, Kline]] = []
    for second, price, quantity in sorted(trades):
        closed += ladder.trade(START_MS + second * 1000, Decimal(price), Decimal(quantity))
    closed += ladder.advance(START_MS + 9 * intervals.DAY_MS)
    minutes = [bar for name, bar in closed if name == "1m"]
    longer = [bar for name, bar in closed if name == interval]
    assert [bar._replace(closed=True) for bar in aggregate(minutes, interval)] == longer
    assert sum(bar.volume for bar in longer) == sum(quantity for _, _, quantity in trades)


def test_gaps_name_the_missing_bars() -> None:
    times = [at(0), at(1), at(4), at(5), at(7)]
    assert list(gaps(times, "1m")) == [Gap(at(2), at(3), 2), Gap(at(6), at(6), 1)]


def test_a_rising_bar_goes_down_first_and_a_falling_one_up() -> None:
    rising = Kline(0, Decimal(10), Decimal(15), Decimal(8), Decimal(12), ONE)
    falling = rising._replace(close=Decimal(9))
    assert [int(price) for price in replay_path(rising)] == [10, 8, 15, 12]
    assert [int(price) for price in replay_path(falling)] == [10, 15, 8, 9]


def test_weeks_open_on_monday() -> None:
    assert intervals.open_ms(START_MS, "1w") == 1_677_456_000_000  # 2023-02-27, a Monday
    assert intervals.open_ms(START_MS + 90_000, "1m") == START_MS + MINUTE_MS
