"""manage.py bench_klines: kline ingest against a raw COPY of the same rows."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from marketdata import benchmark


class Command(BaseCommand):
    """Changes nothing: all of it is rolled back."""

    help = (
        "Measure kline ingest beside a raw COPY of the same rows into the same table, in one transaction rolled back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rows", type=int, default=200_000)
        parser.add_argument("--repeat", type=int, default=5, help="Interleaved runs whose median counts.")
        parser.add_argument("--json", action="store_true", help="One JSON object as the last line.")

    def handle(self, *args: Any, **options: Any) -> None:
        result = benchmark.measure(options["rows"], max(1, options["repeat"]))
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        for name, value in result.items():
            shown = (
                f"{value:.2f}"
                if name.endswith("_ratio")
                else f"{value:,.0f} rows/s"
                if name != "rows"
                else f"{value:,}"
            )
            self.stdout.write(f"{name:22} {shown}")
