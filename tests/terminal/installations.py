"""Helpers of the `up` tests: start one, wait for what it says, see which processes belong to it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STUB = [str(ROOT / "tests" / "terminal" / "up_stub.py")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would point at the tests' own servers."""
    hidden = {"DATABASE_URL", "REDIS_URL", "DATA", "SECRET_KEY"}
    ours = {name: value for name, value in os.environ.items() if name not in hidden}
    return {**ours, "PYTHONPATH": str(ROOT), **more}


class Up:
    """A running `up`: the stub's unless `argv` names another."""

    def __init__(
        self,
        data: Path,
        argv: list[str] | None = None,
        env: dict[str, str] | None = None,
        before: list[str] | None = None,
        port: int | None = None,
    ) -> None:
        self.data, self.port = data, port or free_port()
        words = argv or [sys.executable, *STUB, str(data), str(self.port)]
        self.process = subprocess.Popen(
            [*(before or []), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=env or environment(),
            process_group=0,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, text: str, limit_s: float = 60) -> None:
        """Until it says so; fails with all it said when it ends or stays silent."""
        deadline = time.monotonic() + limit_s
        while text not in self.output:
            ended = self.process.poll() is not None
            if ended:
                self._reader.join(2)
            assert text in self.output or not ended, f"up ended with {self.process.returncode}:\n{self.output}"
            assert time.monotonic() < deadline, f"up never said {text!r}:\n{self.output}"
            time.sleep(0.02)

    def ended(self, limit_s: float = 60) -> int:
        """Its exit code."""
        code = self.process.wait(limit_s)
        self._reader.join(2)
        return code

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> float:
        """Stop it; how many seconds that took."""
        began = time.monotonic()
        self.process.send_signal(with_signal)
        assert self.ended() == 0, self.output
        return time.monotonic() - began

    def kill(self) -> None:
        """The end of every test: whatever is left goes."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in processes_of(self.data):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    @property
    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.data / "installation.json").read_text())
        return found

    def pid(self, name: str) -> int:
        return int(self.facts["processes"][name][0])


def processes_of(data: Path) -> dict[int, str]:
    """Every process that names the directory in its command or environment: the children, and theirs."""
    found = {}
    wanted = os.fsencode(data)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            command, variables = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state != "Z" and int(entry.name) != os.getpid() and (wanted in command or b"DATA=" + wanted in variables):
            found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found
