"""Which process is meant by a pid, whether it still runs, and how to end it for certain.

A pid is used again; together with the machine and the moment it started it names one process for ever. A machine is a
host name and a pid namespace: two containers that share a name do not see each other's processes.
"""

from __future__ import annotations

import os
import select
import signal
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path

DIED_S = 2.0  # a killed process is gone long before


@cache
def machine() -> str:
    """Where the pids that we see mean what we think they mean."""
    try:
        namespace = os.readlink("/proc/self/ns/pid")
    except OSError:
        namespace = ""
    return f"{socket.gethostname()[:60]}/{''.join(filter(str.isdigit, namespace))}"


@dataclass(frozen=True, slots=True)
class Process:
    """One process, for ever: `started_ticks` counts clock ticks since the machine's boot."""

    machine: str
    pid: int
    started_ticks: int

    @property
    def is_here(self) -> bool:
        """On this machine, so that we can see and end it."""
        return self.machine == machine()

    @property
    def is_me(self) -> bool:
        """This very process."""
        return self.is_here and self.pid == os.getpid()

    @property
    def state(self) -> str:
        """The kernel's letter for what it does (R runs, S sleeps, T stopped, ...); '' when it is gone. Only when it is here."""
        state, ticks = _stat(self.pid)
        return "" if ticks != self.started_ticks or state in ("Z", "X") else state

    @property
    def is_alive(self) -> bool:
        """It has not ended, though it may be stopped."""
        return bool(self.state)

    @property
    def is_stopped(self) -> bool:
        """It stands still and may be woken at any moment."""
        return self.state in ("T", "t")

    def handle(self) -> int | None:
        """A file that becomes readable when the process ends; None when it has ended. To be closed."""
        try:
            opened = os.pidfd_open(self.pid)
        except OSError:
            return None
        if self.is_alive:  # of the pid's owner now, not of whoever had it before
            return opened
        os.close(opened)
        return None

    def end(self) -> bool:
        """Kill it, stopped or not, and wait until it is gone. False when it would not go."""
        opened = self.handle()
        if opened is None:
            return True
        try:
            signal.pidfd_send_signal(opened, signal.SIGKILL)
            return ended(opened, DIED_S)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        finally:
            os.close(opened)


def me() -> Process:
    """This process. Asked anew each time: a fork is another one."""
    return Process(machine(), os.getpid(), _stat(os.getpid())[1] or 0)


def ended(handle: int, wait_s: float) -> bool:
    """Whether the process of this handle ended, now or within the time given."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(wait_s * 1000))


def _stat(pid: int) -> tuple[str, int | None]:
    """(state, start in clock ticks since boot); ('', None) when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return "", None
