"""Kline ingest against its limit: import of a file beside a raw COPY of the same rows into the same table.

Everything happens in one transaction that is rolled back, so it may run on any installation. Files and rows are made up.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from statistics import median

from django.db import connection, transaction

from marketdata import clock, partitions
from marketdata.importing import import_file
from marketdata.models import Asset, Exchange, Instrument
from marketdata.staging import KLINE_TABLE

START = datetime(2001, 1, 1, tzinfo=UTC)
MINUTE_MS = 60_000
CHUNK = 1 << 18

COLUMNS = "instrument_id, interval, open_time, open, high, low, close, volume"


def measure(rows: int = 200_000, repeat: int = 5) -> dict[str, float]:
    """Rows a second of raw COPY and of imports where all rows are new, the same, a tenth changed, all changed; ratios to raw COPY.

    Interleaved, medians of `repeat`.
    """
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, _rolled_back() as instrument:
        files = {name: _file(Path(folder) / f"{name}.csv", rows, every) for name, every in _CHANGES.items()}
        raw = _raw_rows(files["first"], instrument.pk)
        for _ in range(repeat):
            for name, work in _works(instrument, files, raw).items():
                started_ns = clock.monotonic_ns()
                work()
                seconds.setdefault(name, []).append((clock.monotonic_ns() - started_ns) / 1e9)
            _clear(instrument)
    rates = {name: rows / median(times) for name, times in seconds.items() if name != "clear"}
    ratios = {f"{name}_ratio": rate / rates["raw_copy"] for name, rate in rates.items() if name != "raw_copy"}
    return {"rows": rows, **rates, **ratios}


_CHANGES = {"first": 0, "tenth": 10, "all": 1}  # every n-th bar has another volume than in the first file


def _works(instrument: Instrument, files: dict[str, Path], raw: bytes) -> dict[str, Callable[[], object]]:
    def load(name: str) -> Callable[[], object]:
        return lambda: import_file(files[name], instrument, "1m")

    return {
        "raw_copy": lambda: _copy(raw),
        "clear": lambda: _clear(instrument),
        "new": load("first"),
        "same": load("first"),
        "tenth_changed": load("tenth"),
        "all_changed": load("all"),
    }


@contextmanager
def _rolled_back() -> Iterator[Instrument]:
    with transaction.atomic():
        asset = Asset.objects.create(code="BENCHMARK")
        exchange = Exchange.objects.create(name="benchmark", source=Exchange.Source.REPLAY)
        step = Decimal("0.01")
        instrument = Instrument.objects.create(
            exchange=exchange, symbol="A/B", base=asset, quote=asset, settle=asset, tick_size=step, lot_size=step
        )
        partitions.ensure_months(KLINE_TABLE, START.date(), date(START.year + 1, 12, 1))
        yield instrument
        transaction.set_rollback(True)


def _file(path: Path, rows: int, changed_every: int) -> Path:
    chance = random.Random(1)  # noqa: S311 - prices, not secrets
    price, first_ms = 6_400_000, clock.to_ms(START)
    with path.open("w") as file:
        file.write("open_time,open,high,low,close,volume\n")
        for number in range(rows):
            opened, price = price, price + chance.randint(-500, 500)
            high, low = max(opened, price) + chance.randint(0, 300), min(opened, price) - chance.randint(0, 300)
            volume = chance.randint(1, 10**9) + (changed_every > 0 and number % changed_every == 0)
            cents = (f"{value / 100:.2f}" for value in (opened, high, low, price))
            file.write(f"{first_ms + number * MINUTE_MS},{','.join(cents)},{volume / 10**6:.6f}\n")
    return path


def _raw_rows(path: Path, instrument_id: int) -> bytes:
    lines = []
    for line in path.read_text().splitlines()[1:]:
        opens, rest = line.split(",", 1)
        lines.append(f"{instrument_id},1m,{clock.from_ms(int(opens)).isoformat()},{rest}\n")
    return "".join(lines).encode()


def _copy(raw: bytes) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {KLINE_TABLE} ({COLUMNS}) FROM STDIN (FORMAT csv)") as copy:
        for start in range(0, len(raw), CHUNK):
            copy.write(raw[start : start + CHUNK])


def _clear(instrument: Instrument) -> None:
    with connection.cursor() as cursor:
        for month in partitions.months(START.date(), date(START.year + 1, 12, 1)):
            cursor.execute(f"TRUNCATE {partitions.partition_name(KLINE_TABLE, month)}")
