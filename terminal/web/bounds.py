"""What one client may make the web server keep or wait for. Pure; docs/limits.md names them all."""

from __future__ import annotations

DEADLINE_S = 10.0  # for a whole request, headers and body, however slowly it comes
IDLE_S = 60.0  # between two requests of a connection
LINGER_S = 5.0  # a refused body is still read, and thrown away, for this long: or the refusal would never be seen

BODY_BYTES_MAX = 64 * 1024
BATCH_BODY_BYTES_MAX = 256 * 1024
BATCH_PATHS = frozenset({b"/api/v1/orders/batch", b"/api/v1/orders/batch/"})

FRAME_BYTES_MAX = 256 * 1024
SMALL_FRAME_BYTES_MAX = 16 * 1024
SMALL_FRAME_PATHS = frozenset({"/ws/market", "/ws/account"})

INBOX_FRAMES = 256  # frames waiting for a socket's consumer, above which its line is not read
INBOX_BYTES = 512 * 1024

PING_S = 5
PONG_S = 10  # a browser that says nothing for this long after a ping is gone
SOCKET_S = 12 * 3600  # then it is closed, and comes back with its session looked at again
CLOSE_S = 2  # for a consumer to end after its socket did


def body_bytes_max(path: bytes) -> int:
    """How large a body may be that is sent to this path."""
    return BATCH_BODY_BYTES_MAX if path.split(b"?", 1)[0] in BATCH_PATHS else BODY_BYTES_MAX


def frame_bytes_max(path: str) -> int:
    """How large a message may be on this socket."""
    return SMALL_FRAME_BYTES_MAX if path.split("?", 1)[0].rstrip("/") in SMALL_FRAME_PATHS else FRAME_BYTES_MAX
