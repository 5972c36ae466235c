"""Kline files into the table: each file in one transaction, its lines streamed into a COPY, checked by PostgreSQL, then
merged.

Python looks only at a file's first lines. Memory does not grow with the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path

from django.db import DataError, connection, transaction

from marketdata import bus, channels, clock, intervals, shapes, store
from marketdata.domain import Gap, Kline
from marketdata.files import CHUNK, LINE_MAX, MOMENT, FileTrouble, Layout, Member, layout, members, read_klines
from marketdata.models import Asset, Exchange, Instrument
from marketdata.precision import decimal_text
from marketdata.services import ring_subscriptions
from marketdata.staging import Staging, Stored

SAMPLE_ROWS = 20_000
PLACES_MAX = 12
TOLD_BARS = 200
DEPTH_PART = Decimal("0.1")
DEPTH_LOTS_MIN = 5

_AT_LINE = re.compile(r"COPY kline_staging, line (\d+)(?:, column (\w+))?(?:: (.*))?", re.DOTALL)

Progress = Callable[[int], None]


@dataclass
class Summary:
    """What an import did, for one series."""

    stored: Stored = field(default_factory=Stored)
    files: int = 0
    gaps: list[Gap] = field(default_factory=list)

    @property
    def missing(self) -> int:
        """Bars missing in all gaps."""
        return sum(gap.bars for gap in self.gaps)

    @property
    def largest(self) -> Gap | None:
        """The largest gap."""
        return max(self.gaps, key=lambda gap: gap.bars, default=None)


def import_file(
    path: Path,
    instrument: Instrument,
    interval: str,
    columns: tuple[str, ...] | None = None,
    progress: Progress = lambda consumed: None,
) -> Stored:
    """Bring one file in, wholly or not at all. FileTrouble says what is wrong with it, by line."""
    stored = Stored()
    with transaction.atomic(), members(path) as found:
        for member in found:
            stored += _import_member(member, instrument, interval, columns, progress)
    return stored


def finish(instrument: Instrument, interval: str, summary: Summary) -> None:
    """After the files: find the gaps of what was imported, and tell open charts to read again."""
    first, last = summary.stored.first, summary.stored.last
    if first is None or last is None:
        return
    summary.gaps = store.find_gaps(instrument.pk, interval, first, last)
    exchange, symbol = instrument.exchange.name, instrument.symbol
    newest = store.history(instrument.pk, interval, limit=TOLD_BARS)
    news = [shapes.kline_news(exchange, symbol, interval, bar) for bar in newest]
    try:
        bus.default().publish(channels.KLINES, channels.encode_klines(news))
    except bus.BusDown:
        return  # nothing runs that could show it; whoever starts reads the table
    bus.default().wake(channels.history(exchange, symbol, interval))


def create_instrument(exchange: str, symbol: str, sample: Path, columns: tuple[str, ...] | None) -> Instrument:
    """An instrument for a file's prices: its steps are the finest that the first bars use; a new exchange has source
    replay.

    ValueError when the symbol is not BASE/QUOTE.
    """
    bars = list(islice(read_klines(sample, columns), SAMPLE_ROWS))
    if not bars:
        raise FileTrouble(f"{sample} holds no bars, so the steps of {symbol} cannot be told from it.")
    return make_instrument(
        exchange,
        symbol,
        _step(value for bar in bars for value in bar[1:5]),
        _step(bar.volume for bar in bars),
        _simulation(bars),
    )


def make_instrument(exchange: str, symbol: str, tick: Decimal, lot: Decimal, simulation: dict[str, str]) -> Instrument:
    """An instrument of these steps, on an exchange that is made with source replay when absent. ValueError when the
    symbol is not BASE/QUOTE.
    """
    base, _, quote = symbol.partition("/")
    if not base or not quote:
        raise ValueError(f'a symbol to be created is BASE/QUOTE, as BTC/USDT; was "{symbol}"')
    with transaction.atomic():
        market, _ = Exchange.objects.get_or_create(
            name=exchange, defaults={"source": Exchange.Source.REPLAY, "position": Exchange.objects.count()}
        )
        assets = {code: Asset.objects.get_or_create(code=code)[0] for code in (base, quote)}
        instrument: Instrument = Instrument.objects.get_or_create(
            exchange=market,
            symbol=symbol,
            defaults={
                "base": assets[base],
                "quote": assets[quote],
                "settle": assets[quote],
                "tick_size": tick,
                "lot_size": lot,
                "simulation": simulation,
                "position": Instrument.objects.filter(exchange=market).count(),
            },
        )[0]
        transaction.on_commit(ring_subscriptions)
    return instrument


def _import_member(
    member: Member, instrument: Instrument, interval: str, columns: tuple[str, ...] | None, progress: Progress
) -> Stored:
    head = member.read(LINE_MAX)
    shape = layout(member.name, head, columns)
    if shape is None:
        return Stored()
    with connection.cursor() as cursor:
        staging = Staging(cursor, shape.unit, (instrument.pk, interval), shape.ignored)
        try:
            _copy(staging, member, head, shape, progress)
        except DataError as error:
            raise _trouble(member.name, shape, error) from error
        flaw = staging.flaw()
        if flaw is not None:
            line = flaw.row + shape.header_lines
            raise FileTrouble(f"{member.name}:{line}: {flaw.reason}.")
        return staging.merge()


def _copy(staging: Staging, member: Member, head: bytes, shape: Layout, progress: Progress) -> None:
    data = head.removeprefix(b"\xef\xbb\xbf")
    for _ in range(shape.header_lines):
        data = data.partition(b"\n")[2]
    with staging.copy(shape.columns, "(FORMAT csv)") as copy:
        ends_open = False
        while data:
            copy.write(data)
            ends_open = not data.endswith(b"\n")
            progress(member.consumed())
            data = member.read(CHUNK)
        if ends_open:
            copy.write(b"\n")
    progress(member.consumed())


def _trouble(name: str, shape: Layout, error: DataError) -> FileTrouble:
    """PostgreSQL says which line of the COPY it did not like; say it in the file's lines."""
    diagnosis = getattr(error.__cause__, "diag", None)
    found = _AT_LINE.match((diagnosis.context if diagnosis else "") or "")
    if not found:
        return FileTrouble(f"{name}: {str(error).splitlines()[0]}.")
    line, column, held = int(found[1]) + shape.header_lines, found[2], (found[3] or "").splitlines()
    what = f"column {column.replace(MOMENT, 'open_time')} " if column else ""
    reason = diagnosis.message_primary.split(":")[0] if diagnosis else "is no bar"
    return FileTrouble(f"{name}:{line}: {what}{reason}: {held[0][:120] if held else 'the line'}.")


def _simulation(bars: list[Kline]) -> dict[str, str]:
    """What simulated depth around these prices needs to know: where to begin, and how much a level holds: a part of
    a usual bar.
    """
    usual = sorted(bar.volume for bar in bars)[len(bars) // 2]
    depth = usual * DEPTH_PART / _step(bar.volume for bar in bars)
    return {"start_price": decimal_text(bars[0].open), "depth_lots": str(max(DEPTH_LOTS_MIN, int(depth)))}


def _step(values: Iterable[Decimal]) -> Decimal:
    places = 0
    for value in values:
        exponent = value.normalize().as_tuple().exponent
        places = max(places, -exponent if isinstance(exponent, int) else 0)
    return Decimal(1).scaleb(-min(places, PLACES_MAX))


def describe_gap(gap: Gap, interval: str) -> str:
    """A gap as people read it: from the close of the bar before it to the open of the one after."""
    end = intervals.close_ms(gap.last_ms, interval)
    return (
        f"{clock.from_ms(gap.first_ms):%Y-%m-%d %H:%M} to {clock.from_ms(end):%Y-%m-%d %H:%M} UTC, "
        f"{gap.bars:,} bar{'s' if gap.bars != 1 else ''}"
    )
