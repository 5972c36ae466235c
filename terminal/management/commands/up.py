"""`manage.py up`: everything Meridian needs, started, watched and stopped."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from terminal.checks import check_settings
from terminal.up.supervisor import Supervisor


class Command(BaseCommand):
    help = "Start PostgreSQL and Valkey (unless DATABASE_URL and REDIS_URL name others) and every process of Meridian."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="Address the web server listens on.")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--data", default=str(settings.DATA), help="Directory of the installation.")

    def handle(self, *args: Any, **options: Any) -> None:
        wrong = [
            one for one in check_settings() if one.is_serious() and one.id != "terminal.E001"
        ]  # it makes its own key
        if wrong:
            print(*(error.msg for error in wrong), "Nothing was started.", sep="\n")
            sys.exit(1)
        built = importlib.util.find_spec("orders._core") and (settings.STATIC_ROOT / "staticfiles.json").exists()
        if not built:
            print(
                "Meridian is not built here: the C extension or the static files are missing. Run `make build` first."
            )
            sys.exit(1)
        data = Path(options["data"]).absolute()
        sys.exit(Supervisor(settings.ROOT, data, options["host"], options["port"], settings.ENGINE_SHARDS).run())
