"""Places at which a test lets a process die, to prove that it may die anywhere.

MERIDIAN_FAILPOINT names one, with `*3` for the third time it is passed: the process kills itself there with SIGKILL, as a
power cut would, or as `:SEGV` after it says. Without the variable a point costs one comparison.

POINTS is the whole list; STAGES says which of them stand in each stage of an order's way (docs/flow.md).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

POINTS = {
    "door.admitted": "a request was read and admitted, nothing of it has left the web process",
    "door.answered": "the engine's answer has come, the client has not got it",
    "caller.adds": "commands are about to be put on the stream",
    "caller.added": "they are on the stream",
    "engine.read": "a batch was read from the stream, no transaction is open",
    "engine.begun": "the lease is renewed in an open transaction, nothing is decided",
    "core.fills": "the core is between two steps of an execution; it counts these itself",
    "engine.decided": "the core has decided, no row is written",
    "engine.written": "all rows are written, not committed",
    "engine.committed": "they are durable, nobody was told",
    "engine.told": "answers and news are on the bus",
    "checkpoint.forked": "a checkpoint is being packed in its fork",
    "checkpoint.packed": "its bytes are whole, its row is not written",
    "recovery.leased": "the shard is taken under a new epoch, nothing is rebuilt",
    "recovery.rebuilt": "checkpoint and journal are replayed and agree with the rows",
    "recovery.begun": "the new epoch is in the journal, the old stream is not drained",
    "recovery.drained": "the old stream is drained, the new one does not exist",
    "poll.found": "a poll has found what a report had not told, the engine does not know",
    "poll.sent": "the engine was told what the poll found",
    "fanout.heard": "a web process has heard of a change of an account, no browser has",
    "fanout.sent": "the change is on its way to a browser",
    "event.begin": "a strategy's event was read, its transaction is open",
    "event.told": "the strategy has decided, nothing is written",
    "event.written": "state, cursor and wishes are written, not committed",
    "event.committed": "they are durable, nothing is sent",
    "send.begin": "a strategy's next wish is about to leave",
    "send.answered": "it was answered, the answer is not written",
    "send.recorded": "the answer is durable",
}

STAGES = {
    "P1": ("door.admitted",),
    "P2": ("caller.adds", "caller.added"),
    "P3": ("engine.read", "engine.begun", "core.fills", "engine.decided"),
    "P4": ("engine.written", "engine.committed"),
    "P5": ("engine.told", "door.answered"),
    "P6": (),  # bytes to an exchange: there is no gateway yet
    "P7": (),
    "P8": (),
    "P9": ("poll.found", "poll.sent"),
    "P10": ("engine.decided", "engine.written", "engine.committed"),  # what a poll found takes the way of every command
    "P11": ("engine.told", "fanout.heard"),
    "P12": ("fanout.sent",),
}

_name, _, _rest = os.environ.get("MERIDIAN_FAILPOINT", "").partition("*")
_nth, _, _signal = _rest.partition(":")
_left = int(_nth or 1)
_ends_with = signal.Signals[f"SIG{_signal or 'KILL'}"]


def hand_on(arm: Callable[[str, int], None]) -> None:
    """Let the core count a point of its own; `arm` is its fail_at."""
    if _name.startswith("core."):
        arm(_name, _left)


def reach(name: str) -> None:
    """Die here if this is the point, and the time, that was asked for."""
    global _left
    if not _name or name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), _ends_with)
