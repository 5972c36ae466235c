"""A key's own rate at the door of orders; the account's is the core's to judge. Cancels have a bucket of their own."""

from __future__ import annotations

from orders import throttles
from orders.errors import ApiError
from orders.identity import Identity


def take(who: Identity, kind: str) -> None:
    """Count one of `orders` or `cancels`. Raises ApiError 429 when the key is too fast."""
    if who.rate_per_second:
        wait_s = throttles.buckets.wait_s((who.bucket, kind), who.rate_per_second, who.rate_per_second)
        if wait_s:
            message = f"This key may send {who.rate_per_second} {kind} a second; this was one more and nothing was done. Try again shortly."
            raise ApiError(429, "RATE_KEY", message, headers={"Retry-After": str(max(1, round(wait_s)))})
