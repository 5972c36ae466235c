"""Signed requests of the load account's key, as api.md says."""

from __future__ import annotations

import hmac
from hashlib import sha256

from marketdata import clock


class Key:
    """A trading key."""

    def __init__(self, key: str, secret: str) -> None:
        self.key = key
        self._secret = secret.encode()

    def sign(self, method: str, target: str, body: bytes = b"") -> tuple[str, str]:
        """(timestamp, signature)."""
        timestamp = str(clock.now_ms())
        text = timestamp + method + target + sha256(body).hexdigest()
        return timestamp, hmac.new(self._secret, text.encode(), sha256).hexdigest()
