"""PostgreSQL and Valkey of a benchmark's own, and what a web process wants to find there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from marketdata import clock
from terminal.up import places
from terminal.up.child import Child
from terminal.up.postgres import Postgres
from terminal.up.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
START_NS = 60_000_000_000
TICKS_S = os.sysconf("SC_CLK_TCK")

_MAKE = """
from decimal import Decimal
from django.contrib.auth.models import User
from django.test import Client
from marketdata.models import Asset, Exchange, Instrument
exchange = Exchange.objects.create(name="bench", source="ccxt")
quote = Asset.objects.create(code="USDT")
bases = [Asset.objects.create(code=code) for code in ["BTC", *(f"C{n}" for n in range(1, 50))]]
instruments = [
    Instrument.objects.create(exchange=exchange, symbol=f"{base.code}/USDT", base=base, quote=quote, settle=quote, position=n,
                              tick_size=Decimal("0.01"), lot_size=Decimal("0.001"), stale_after_ms=60_000)
    for n, base in enumerate(bases)
]
made = instruments[0]
assert [one.pk for one in instruments] == list(range(made.pk, made.pk + 50))
client = Client()
client.force_login(User.objects.create_user("bench"))
print(made.pk, made.spec_version, client.cookies["sessionid"].value)
"""


class Stand:
    """The environment of its processes, fifty instruments (`instrument_id` is the first), and a session's cookie."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.manage("migrate", "--noinput", "--verbosity", "0")
        words = self.manage("shell", "--verbosity", "0", "-c", _MAKE).split()[-3:]
        self.instrument_id, self.spec_version, self.session = int(words[0]), int(words[1]), words[2]

    def manage(self, *words: str) -> str:
        """One of our commands, to its end."""
        argv = [sys.executable, "manage.py", *words]
        return subprocess.run(argv, cwd=ROOT, env=self.env, check=True, capture_output=True, text=True).stdout

    def start(self, module: str, *words: object) -> subprocess.Popen[str]:
        """A module as a process of its own."""
        argv = [sys.executable, "-m", module, *map(str, words)]
        pipe = subprocess.PIPE
        return subprocess.Popen(argv, cwd=ROOT, env=self.env, stdin=pipe, stdout=pipe, text=True)


@contextmanager
def stand() -> Iterator[Stand]:
    """Everything made, and all of it gone afterwards."""
    data = Path(tempfile.mkdtemp(prefix="meridian-bench-"))
    data.chmod(0o711)  # as root the servers are another user's
    here = places.prepare(data)
    servers: list[Postgres | Valkey] = [Postgres(here), Valkey(here)]
    children: list[Child] = []
    try:
        for server in servers:
            server.prepare()
            children.append(server.child())
            children[-1].start()
        began_ns = clock.monotonic_ns()
        while not all(server.answers() for server in servers):
            assert clock.monotonic_ns() - began_ns < START_NS, (
                f"the benchmark's own servers did not start; see {here.log}"
            )
        env = {**os.environ, "DATA": str(data), "DATABASE_URL": servers[0].url, "REDIS_URL": servers[1].url}
        yield Stand(
            {
                **env,
                "SECRET_KEY": "of the benchmark alone, fifty characters or more of it",
                "LOG_LEVEL": "WARNING",
                "DJANGO_SETTINGS_MODULE": "terminal.settings",
            }
        )
    finally:
        for child in reversed(children):
            child.ask_to_stop()
            child.make_stop(clock.monotonic_ns() / 1e9 + 10)
        shutil.rmtree(data, ignore_errors=True)


def cpu_s(pid: int) -> float:
    """Processor time a process has used, its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_S


def rss_mb(pid: int) -> float:
    """Memory a process has now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024
