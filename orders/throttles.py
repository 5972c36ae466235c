"""How fast one key or user may ask, counted in this process: a guard for the web, not a risk limit (those are the core's)."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Hashable

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from marketdata import clock
from orders.identity import Identity

REQUESTS_PER_SECOND = 200
REQUESTS_BURST = 1000
BUCKETS_MAX = 10_000
FAILED_LOGINS_MAX = 5
FAILED_LOGINS_WINDOW_NS = 15 * 60 * 1_000_000_000


class Buckets:
    """Token buckets by name; the one touched longest ago goes when there are too many."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, int]] = {}  # name -> tokens, when they were counted
        self._lock = threading.Lock()

    def wait_s(self, name: Hashable, per_second: float, burst: float) -> float:
        """Takes one token and returns 0, or returns after how many seconds there will be one."""
        now_ns = clock.monotonic_ns()
        with self._lock:
            tokens, counted_ns = self._kept.pop(name, (burst, now_ns))
            tokens = min(burst, tokens + (now_ns - counted_ns) / 1e9 * per_second)
            taken = tokens >= 1
            if len(self._kept) >= BUCKETS_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = (tokens - 1 if taken else tokens, now_ns)
        return 0.0 if taken else (1 - tokens) / per_second

    def clear(self) -> None:
        """Everybody has a full bucket again."""
        self._kept.clear()


class FailedLogins:
    """Wrong passwords of the last quarter of an hour, by name and address."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, deque[int]] = {}
        self._lock = threading.Lock()

    def wait_s(self, name: Hashable) -> float:
        """0, or after how many seconds another try is let through."""
        with self._lock:
            failed = self._recent(name)
            return (
                0.0
                if len(failed) < FAILED_LOGINS_MAX
                else (failed[0] + FAILED_LOGINS_WINDOW_NS - clock.monotonic_ns()) / 1e9
            )

    def note(self, name: Hashable) -> None:
        """One more wrong password."""
        with self._lock:
            failed = self._recent(name)
            failed.append(clock.monotonic_ns())
            while len(self._kept) >= BUCKETS_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = failed

    def forget(self, name: Hashable) -> None:
        """The password was right."""
        with self._lock:
            self._kept.pop(name, None)

    def clear(self) -> None:
        """Nobody was wrong."""
        self._kept.clear()

    def _recent(self, name: Hashable) -> deque[int]:
        failed = self._kept.get(name) or deque(maxlen=FAILED_LOGINS_MAX)
        while failed and clock.monotonic_ns() - failed[0] > FAILED_LOGINS_WINDOW_NS:
            failed.popleft()
        return failed


buckets = Buckets()
failed_logins = FailedLogins()


class Requests(BaseThrottle):
    """Every REST request of an identity; a key's own rate, where it has one, is obeyed too.

    What is deleted is mostly an order, and has a bucket of its own: who asked too much can still cancel.
    """

    def allow_request(self, request: Request, view: object) -> bool:
        """False with `wait()` saying how long."""
        identity = request.auth
        if not isinstance(identity, Identity):
            return True
        rate = min(identity.rate_per_second or REQUESTS_PER_SECOND, REQUESTS_PER_SECOND)
        burst = max(1, rate * 2) if identity.rate_per_second else REQUESTS_BURST
        name = (identity.bucket, "cancels") if request.method == "DELETE" else identity.bucket
        self._wait_s = buckets.wait_s(name, rate, burst)
        return self._wait_s == 0

    def wait(self) -> float:
        return self._wait_s
