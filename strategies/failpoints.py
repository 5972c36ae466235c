"""Places at which a test lets the strategy worker die, to prove that it may die anywhere.

MERIDIAN_FAILPOINT names one, with `*3` for the third time it is passed: the process kills itself there with SIGKILL,
as a power cut would. Without the variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

STEPS = (
    "event.begin",  # an event was read, its transaction is open
    "event.told",  # the strategy has decided, nothing is written
    "event.written",  # state, cursor and wishes are written, not committed
    "event.committed",  # they are durable, nothing is sent
    "send.begin",  # the next wish is about to leave
    "send.answered",  # it was answered, the answer is not written
    "send.recorded",  # the answer is durable
)

_step, _, _nth = os.environ.get("MERIDIAN_FAILPOINT", "").partition("*")
_left = int(_nth or 1)


def reach(step: str) -> None:
    """Die here if this is the step, and the time, that was asked for."""
    global _left
    if not _step or step != _step:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
