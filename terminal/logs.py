"""What is not worth a line in the log. Loaded by the logging configuration, so before the apps."""

from __future__ import annotations

import logging


class NotAProbe(logging.Filter):
    """Keeps a 503 of `/readyz` out of the log: it is an answer, asked for ten times a second while we start."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/readyz"
