"""manage.py import_klines: files of klines into the table, with a progress bar and a summary."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from marketdata import clock, importing, intervals, services
from marketdata.files import FileTrouble, column_names
from marketdata.importing import Summary
from marketdata.models import Instrument
from marketdata.services import InstrumentUnknown

GAPS_SHOWN = 5


class Command(BaseCommand):
    """Each file is imported wholly or not at all; a bad one does not keep the others out, and makes the exit code 1."""

    help = (
        "Import klines from CSV files (plain, .gz, .zip): Binance Vision's layout with header or without, "
        "open_time,open,high,low,close,volume, or any other with --columns."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--exchange", required=True)
        parser.add_argument("--symbol", required=True, help="As BTC/USDT.")
        parser.add_argument("--interval", required=True, help=f"One of {', '.join(intervals.INTERVALS)}.")
        parser.add_argument("--columns", help="The columns in the files' order, as ts,open,close,high,low,volume.")
        parser.add_argument(
            "--create",
            action="store_true",
            help="Make exchange and instrument when they are missing, steps from the file.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files: list[Path] = options["files"]
        interval = options["interval"]
        try:
            intervals.length_ms(interval)
            columns = column_names(options["columns"]) if options["columns"] else None
            instrument = self._instrument(options, files[0], columns)
        except (ValueError, FileTrouble) as error:
            raise CommandError(f"Nothing was imported: {error}") from error
        started_ns = clock.monotonic_ns()
        summary, troubles = Summary(), []
        quiet = options["verbosity"] == 0 or not sys.stderr.isatty()
        total = sum(path.stat().st_size for path in files if path.is_file())
        with tqdm(total=total, unit="B", unit_scale=True, disable=quiet, file=sys.stderr) as bar:
            for path in files:
                bar.set_description(path.name)
                before = bar.n
                try:
                    summary.stored += importing.import_file(
                        path,
                        instrument,
                        interval,
                        columns,
                        lambda consumed, before=before: bar.update(before + consumed - bar.n),
                    )
                    summary.files += 1
                except FileTrouble as error:
                    troubles.append(f"{error} Nothing of this file was imported.")
        importing.finish(instrument, interval, summary)
        self._report(instrument, interval, summary, (clock.monotonic_ns() - started_ns) / 1e9)
        if troubles:
            raise CommandError("\n".join(troubles))

    def _instrument(self, options: dict[str, Any], sample: Path, columns: tuple[str, ...] | None) -> Instrument:
        exchange, symbol = options["exchange"], options["symbol"]
        try:
            return services.find_instrument(exchange, symbol)
        except InstrumentUnknown as error:
            if not options["create"]:
                raise CommandError(
                    f"Nothing was imported: {error} Seed it (manage.py seed FILE.yaml), or add --create to make "
                    f"{symbol} on {exchange} now, with its steps taken from {sample}."
                ) from error
            instrument = importing.create_instrument(exchange, symbol, sample, columns)
            self.stdout.write(f"Created {instrument}: tick {instrument.tick_size:f}, lot {instrument.lot_size:f}.")
            return instrument

    def _report(self, instrument: Instrument, interval: str, summary: Summary, seconds: float) -> None:
        stored = summary.stored
        self.stdout.write(
            f"{instrument} {interval}: {summary.files} file{'s' if summary.files != 1 else ''}, {stored.rows:,} rows "
            f"in {seconds:.1f} s: {stored.new:,} new, {stored.updated:,} updated, {stored.unchanged:,} unchanged, "
            f"{stored.duplicates:,} duplicates."
        )
        if stored.first is not None and stored.last is not None:
            self.stdout.write(f"From {stored.first:%Y-%m-%d %H:%M} to {stored.last:%Y-%m-%d %H:%M} UTC.")
        if not summary.gaps:
            self.stdout.write("No gaps.")
            return
        largest = summary.largest
        assert largest is not None
        self.stdout.write(
            f"{len(summary.gaps):,} gaps, {summary.missing:,} bars missing; the largest: "
            f"{importing.describe_gap(largest, interval)}. The first:"
        )
        for gap in summary.gaps[:GAPS_SHOWN]:
            self.stdout.write(f"  {importing.describe_gap(gap, interval)}")
