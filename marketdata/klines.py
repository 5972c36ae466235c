"""Klines from trades and from shorter klines, and the holes between them. Pure.

A bar in which nothing traded does not exist: it is a gap, as in the files of most exchanges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from marketdata import intervals
from marketdata.domain import Gap, Kline


def merge(bar: Kline, later: Kline) -> Kline:
    """The bar extended by what came later in it."""
    return Kline(
        open_ms=bar.open_ms,
        open=bar.open,
        high=max(bar.high, later.high),
        low=min(bar.low, later.low),
        close=later.close,
        volume=bar.volume + later.volume,
        closed=bar.closed,
    )


def aggregate(bars: Iterable[Kline], interval: str) -> Iterator[Kline]:
    """Longer bars from shorter ones in time order. The last is open unless its last minute is in and closed."""
    length = intervals.length_ms(interval)
    current: Kline | None = None
    for bar in bars:
        opens = intervals.open_ms(bar.open_ms, interval)
        if current is not None and current.open_ms == opens:
            current = merge(current, bar)
        else:
            if current is not None:
                yield current._replace(closed=True)
            current = bar._replace(open_ms=opens)
        is_last_minute = bar.open_ms + intervals.MINUTE_MS >= opens + length
        current = current._replace(closed=bar.closed and is_last_minute)
    if current is not None:
        yield current


def gaps(open_times_ms: Iterable[int], interval: str) -> Iterator[Gap]:
    """The holes in ascending open times."""
    length = intervals.length_ms(interval)
    previous: int | None = None
    for moment in open_times_ms:
        if previous is not None and moment - previous > length:
            yield Gap(previous + length, moment - length, (moment - previous) // length - 1)
        previous = moment


class Ladder:
    """The open bars of one instrument: minutes fed with trades (or with minute bars), longer intervals standing on
    them.

    It begins from the stored minutes of the running day. Trades and bars older than what it has closed are late: they
    are counted in `late` and change nothing, because those bars may already have been acted upon.
    """

    def __init__(self, longer: Iterable[str], minutes: Iterable[Kline] = ()) -> None:
        self._minute: Kline | None = None
        self._parts: dict[str, Kline | None] = {name: None for name in longer if name != intervals.BASE}
        self._closed_until_ms = 0
        self.late = 0
        for bar in minutes:
            self._close(bar)

    def trade(self, moment_ms: int, price: Decimal, quantity: Decimal) -> list[tuple[str, Kline]]:
        """Take a trade; the bars it closed, as (interval, bar)."""
        opens = intervals.open_ms(moment_ms, intervals.BASE)
        if opens < self._closed_until_ms:
            self.late += 1
            return []
        closed = self.advance(moment_ms)
        bar = self._minute
        if bar is None:
            self._minute = Kline(opens, price, price, price, price, quantity, closed=False)
        elif opens < bar.open_ms:
            self.late += 1
        else:
            self._minute = merge(bar, Kline(opens, price, price, price, price, quantity))
        return closed

    def minute(self, bar: Kline) -> list[tuple[str, Kline]]:
        """Take the newest form of a minute, open or closed; the bars it closed."""
        if bar.open_ms < self._closed_until_ms:
            self.late += 1
            return []
        closed = self.advance(bar.open_ms)
        self._minute = bar
        return [*closed, *self.advance(intervals.close_ms(bar.open_ms, intervals.BASE))] if bar.closed else closed

    def advance(self, moment_ms: int) -> list[tuple[str, Kline]]:
        """The source's time has reached moment_ms; the bars that closed by it, the shortest first."""
        closed = []
        minute = self._minute
        if minute is not None and moment_ms >= minute.open_ms + intervals.MINUTE_MS:
            self._minute = None
            closed = [(intervals.BASE, minute._replace(closed=True)), *self._close(minute)]
        for interval, part in self._parts.items():
            if part is not None and moment_ms >= intervals.close_ms(part.open_ms, interval):
                self._parts[interval] = None
                closed.append((interval, part._replace(closed=True)))
        return closed

    def open_bars(self) -> list[tuple[str, Kline]]:
        """The bars now open, as (interval, bar)."""
        minute = self._minute
        bars = [(intervals.BASE, minute._replace(closed=False))] if minute is not None else []
        for interval, part in self._parts.items():
            if minute is not None and part is not None:
                part = merge(part, minute)
            elif minute is not None:
                part = minute._replace(open_ms=intervals.open_ms(minute.open_ms, interval))
            if part is not None:
                bars.append((interval, part._replace(closed=False)))
        return bars

    def _close(self, minute: Kline) -> list[tuple[str, Kline]]:
        """Put a closed minute under the longer bars; those that a later minute closes."""
        self._closed_until_ms = minute.open_ms + intervals.MINUTE_MS
        closed = []
        for interval, part in self._parts.items():
            opens = intervals.open_ms(minute.open_ms, interval)
            if part is not None and part.open_ms == opens:
                self._parts[interval] = merge(part, minute)
            else:
                if part is not None:
                    closed.append((interval, part._replace(closed=True)))
                self._parts[interval] = minute._replace(open_ms=opens)
        return closed


def replay_path(bar: Kline) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """The prices a bar is assumed to have passed: a rising one open, low, high, close; a falling one open, high,
    low, close.
    """
    if bar.close >= bar.open:
        return bar.open, bar.low, bar.high, bar.close
    return bar.open, bar.high, bar.low, bar.close
