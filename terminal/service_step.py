"""The bootstep that hosts a service in a Celery worker.

It belongs to the worker's own blueprint, not the consumer's: consumer steps restart at every broker reconnect, and
an engine must not. Celery starts it, stops it and answers remote control beside it; no broker can lose or repeat it.
"""

from __future__ import annotations

import re
from typing import Any

from celery import bootsteps
from django.utils.module_loading import import_string

SERVICES = {
    "engine": "orders.engine.service.EngineService",
    "feed": "marketdata.feeds.service.FeedService",
    "strategies": "strategies.service.StrategyService",
}


def shard_of(hostname: str) -> int:
    """The shard a worker's node name means: `engine-1@host` is shard 0."""
    found = re.match(r"[a-z]+-(\d+)@", hostname)
    if found is None:
        raise ValueError(f"A worker with --service is named <service>-<n>@<host>; this one is named {hostname}.")
    return int(found.group(1)) - 1


class ServiceStep(bootsteps.StartStopStep):
    """Starts the service named by `--service` after the pool and stops it before."""

    requires = {"celery.worker.components:Pool"}

    def __init__(self, worker: Any, service: str | None = None, **options: Any) -> None:
        self.enabled = service is not None
        self.name_of_service = service
        self.service: Any = None

    def include_if(self, worker: Any) -> bool:
        return bool(self.enabled)

    def start(self, worker: Any) -> None:
        if self.name_of_service not in SERVICES:
            raise SystemExit(f"There is no service {self.name_of_service!r}; there are {', '.join(sorted(SERVICES))}.")
        self.service = import_string(SERVICES[self.name_of_service])(shard=shard_of(worker.hostname))
        self.service.process = worker.hostname.partition("@")[0]  # engine-1 and standby-1 are of one shard
        self.service.start()

    def stop(self, worker: Any) -> None:
        if self.service is not None:
            self.service.stop()

    terminate = stop
