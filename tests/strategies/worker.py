"""The strategy host in a process of its own, with the pretended engine, until it is killed."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "terminal.settings")
django.setup()

from strategies import sending  # noqa: E402
from strategies.service import StrategyService  # noqa: E402
from tests.strategies.stand import PretendEngine  # noqa: E402

if __name__ == "__main__":
    sending.services = PretendEngine()
    service = StrategyService()
    service.start()
    service.stopping.wait()
