"""`manage.py bench core --stream FILE [--json]`: the core against the bare book, after `make build` alone.

`manage.py bench path [--mode M] [--seconds N]`: the order path of the installation that runs on DATA.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from orders.benchmark import run
from orders.benchmark.path import run as path


class Command(BaseCommand):
    help = "Measure the core on a command stream: no server, no database, no .env."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["core", "path"])
        parser.add_argument("--stream", type=Path, help="of core: the file of commands")
        parser.add_argument("--mode", choices=path.MODES, default="bus", help="of path: which door")
        parser.add_argument("--seconds", type=float, default=10.0)
        parser.add_argument("--batch", type=int, default=1, help="commands written together")
        parser.add_argument("--window", type=int, default=256, help="commands under way at most")
        parser.add_argument("--rate", type=float, default=0.0, help="commands a second; 0: as many as are answered")
        parser.add_argument("--lines", type=int, default=1, help="connections")
        parser.add_argument("--url", default="", help="of the application that empty and echo ask")
        parser.add_argument("--fills", action="store_true", help="orders that meet the market instead of resting")
        parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
        parser.add_argument("--repeat", type=int, default=5, help="interleaved runs whose median counts")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] == "path":
            plan = path.Plan(*(options[name] for name in path.Plan._fields))
            self.stdout.write(json.dumps(path.measure(plan)))
            return
        if options["stream"] is None:
            raise CommandError("bench core needs --stream FILE")
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
