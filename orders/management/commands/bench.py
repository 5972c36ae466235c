"""`manage.py bench core --stream FILE [--json]`: the core against the bare book, after `make build` alone."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.benchmark import run


class Command(BaseCommand):
    help = "Measure the core on a command stream: no server, no database, no .env."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["core"])
        parser.add_argument("--stream", type=Path, required=True)
        parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
        parser.add_argument("--repeat", type=int, default=5, help="interleaved runs whose median counts")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            stream = run.read(options["stream"])
        except (OSError, run.StreamError) as error:
            raise CommandError(str(error)) from error
        result = run.measure(stream, repeat=max(1, options["repeat"]))
        if options["json"]:
            self.stdout.write(json.dumps(result))
            return
        for key, value in result.items():
            self.stdout.write(f"{key:12} {value}")
