"""The base of the long-lived services that Celery workers host: engine, feed, strategies.

Crash-only: a service whose thread dies takes its process with it, at once and without cleaning up, and a fresh
process recovers by the same code that starts it. Half a service is worse than none.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from django.db import Error, close_old_connections, connection

from marketdata import clock

log = logging.getLogger(__name__)

STOP_S = 5.0
BEAT_S = 1.0

_BEAT = """
INSERT INTO marketdata_heartbeat (process, service, pid, started_at, beat_at, detail)
VALUES (%s, %s, %s, %s, clock_timestamp(), %s)
ON CONFLICT (process) DO UPDATE SET
    service = EXCLUDED.service, pid = EXCLUDED.pid, started_at = EXCLUDED.started_at,
    beat_at = EXCLUDED.beat_at, detail = EXCLUDED.detail
"""


class Service(ABC):
    """A thread of its own inside a worker, from `start()` to `stop()`."""

    name: ClassVar[str]

    def __init__(self, shard: int = 0) -> None:
        self.shard = shard
        self.stopping = threading.Event()
        self.process = f"{self.name}-{shard + 1}"
        self._started_at = clock.now()
        self._thread = threading.Thread(target=self._guarded, name=self.name, daemon=True)
        self._heart = threading.Thread(target=self._beat, name=f"{self.name} heartbeat", daemon=True)

    @abstractmethod
    def run(self) -> None:
        """The service itself. Returns soon after `self.stopping` is set, and only then."""

    def detail(self) -> dict[str, Any]:
        """What the heartbeat tells about it: JSON, small."""
        return {}

    def start(self) -> None:
        """Start the threads and return at once."""
        self._thread.start()
        self._heart.start()

    def stop(self) -> None:
        """Ask it to end and wait until it has, at most 5 s; what is left then is for the next start to recover."""
        self.stopping.set()
        self._thread.join(STOP_S)
        if self._thread.is_alive():
            log.error("%s did not stop within %g s; its process ends without it", self.process, STOP_S)
            _die(1)

    def _guarded(self) -> None:
        try:
            self.run()
        except BaseException:
            log.exception("%s failed; its process ends now and is started again", self.process)
            _die(1)
        if not self.stopping.is_set():
            log.error("%s ended without being asked to; its process ends now and is started again", self.process)
            _die(1)

    def _beat(self) -> None:
        """Say once a second that we live. PostgreSQL being away is no reason to die here: the service itself decides."""
        away = False
        while not self.stopping.wait(BEAT_S):
            try:
                close_old_connections()
                with connection.cursor() as cursor:
                    cursor.execute(
                        _BEAT, (self.process, self.name, os.getpid(), self._started_at, json.dumps(self.detail()))
                    )
                away = False
            except Error as error:
                if not away:
                    log.warning("heartbeat of %s not written: %s", self.process, error)
                away = True
        connection.close()


def _die(code: int) -> None:
    logging.shutdown()
    os._exit(code)
