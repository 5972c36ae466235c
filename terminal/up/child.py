"""One process under the supervisor: started tethered to us, watched, restarted, stopped."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from terminal.up.places import User

RESTART_FIRST_S = 0.1
RESTART_MAX_S = 5.0
# a child that lived this long had recovered: its next death counts as the first again
HEALTHY_S = 10.0
# a stopped child serves nobody, and its callers wait
STOPPED_S = 3.0
LOG_BYTES_MAX = 64 * 1024 * 1024

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def _tether(death_signal: int) -> Callable[[], None]:
    """What the child does between fork and exec: ask the kernel for `death_signal` when we die.

    The kernel counts the death of the *thread* that forked, so only the supervisor's main thread may start children.
    """
    parent = os.getpid()

    def tether() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
            if os.getppid() != parent:  # we died before the call; nobody would tell the child
                os._exit(1)

    return tether


@dataclass
class Child:
    """A process and how it is to be treated. `stop_signal` asks it to end, `death_signal` reaches it when we die."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    user: User | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    stop_s: float = 5.0
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    deaths: int = field(default=0, init=False)
    started: float = field(default=0.0, init=False)
    restart_at: float = field(default=0.0, init=False)
    stopped_since: float = field(default=0.0, init=False)

    def start(self) -> None:
        """Start it in a process group of its own, so that a Ctrl-C at the terminal reaches only us."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(self.argv),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.env) if self.env is not None else None,
                cwd=self.cwd,
                process_group=0,
                user=self.user.uid if self.user else None,
                group=self.user.gid if self.user else None,
                extra_groups=[] if self.user else None,
                umask=0o077,
                # runs after the change of user, which would clear the tether again
                preexec_fn=_tether(self.death_signal),
            )
        self.started = time.monotonic()

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process else None

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def died(self) -> int | None:
        """Its exit code if it has died since we last looked; its restart is then due at `restart_at`."""
        if self.process is None or self.process.poll() is None:
            return None
        code = self.process.returncode
        now = time.monotonic()
        self.deaths = 1 if now - self.started >= HEALTHY_S else self.deaths + 1
        self.restart_at = now + min(RESTART_FIRST_S * 2 ** (self.deaths - 1), RESTART_MAX_S)
        self._kill_group()
        self.process = None
        return code

    def stands_still(self) -> bool:
        """Stopped (SIGSTOP) for STOPPED_S, seen by looks a good deal more often than that."""
        if self.process is None or process_state(self.process.pid) not in ("T", "t"):
            self.stopped_since = 0.0
            return False
        self.stopped_since = self.stopped_since or time.monotonic()
        return time.monotonic() - self.stopped_since >= STOPPED_S

    def kill(self) -> None:
        """End it, stopped or not; `died` tells of it afterwards."""
        if self.process is not None:
            self._kill_group()

    def ask_to_stop(self) -> None:
        if self.alive and self.process is not None:
            self.process.send_signal(self.stop_signal)

    def make_stop(self, deadline: float) -> bool:
        """Wait until `deadline` (monotonic), then kill. False when it had to be killed."""
        if self.process is None:
            return True
        try:
            self.process.wait(max(0.0, deadline - time.monotonic()))
            return True
        except subprocess.TimeoutExpired:
            return False
        finally:
            self._kill_group()
            self.process.wait()
            self.process = None

    def _kill_group(self) -> None:
        """Nothing a child started may outlive it."""
        assert self.process is not None
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass

    def tail(self, lines: int = 12) -> list[str]:
        """The last lines of its log: what it said before it died."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - 8192))
                return file.read().decode(errors="replace").splitlines()[-lines:]
        except OSError:
            return []

    def bound_log(self) -> None:
        """Keep one old log of bounded size. The child appends, so cutting the file under it is safe."""
        try:
            if self.log.stat().st_size > LOG_BYTES_MAX:
                old = self.log.with_suffix(".log.1")
                old.write_bytes(self.log.read_bytes())
                os.truncate(self.log, 0)
        except OSError:
            pass


def process_state(pid: int) -> str:
    """The kernel's letter for what a process does; '' if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (OSError, IndexError):
        return ""


def started_ticks(pid: int) -> int:
    """When a process started, in clock ticks since boot; 0 if there is none. With the pid it names a process for ever."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19])
    except (OSError, ValueError, IndexError):
        return 0
