"""`make bench`: the order path of an installation of its own, by every door, beside its limits.

    python -m orders.benchmark.path.suite [--seconds N] [--out FILE]

Each run's load generator is a process of its own. Absolute figures vary with the machine; the processor time an order takes
hardly does, so both are printed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psycopg

from marketdata import clock
from orders.benchmark.path import limits

ROOT = Path(__file__).parents[3]
BENCH = ROOT / "build" / "bench"
START_S = 180
REST_LINES = 8
RUNS = {  # name: (arguments of `manage.py bench path`, the figure asked for, its goal)
    "batches": (["--mode=socket", "--batch=256", "--window=4"], "orders_per_s", 10_000),
    "one a frame, 10 lines": (["--mode=socket", "--lines=10", "--window=32"], "orders_per_s", 5_000),
    "filling, batches": (["--mode=socket", "--batch=128", "--window=4", "--fills"], "orders_per_s", 4_000),
    "1,000/s, p50": (["--mode=socket", "--rate=1000", "--window=256"], "p50_ms", 2.0),
    "engine alone, batches": (["--mode=bus", "--batch=128", "--window=1024"], "orders_per_s", None),
    "engine alone, 1,000/s": (["--mode=bus", "--rate=1000"], "p50_ms", None),
    "REST": (["--mode=rest", f"--lines={REST_LINES}"], "orders_per_s", None),
}
LONG = "batches"  # this one runs for the whole time, the others for a sixth of it
Result = dict[str, Any]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def child(argv: list[str], url: str, env: dict[str, str]) -> Iterator[None]:
    """A server that answers at `url`, until the end."""
    with (BENCH / "path.log").open("ab") as log:
        process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            deadline_ns = clock.monotonic_ns() + START_S * 10**9
            while not _answers(url):
                if process.poll() is not None or clock.monotonic_ns() > deadline_ns:
                    raise SystemExit(f"{argv[1:4]} did not start; see {log.name}")
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=1) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except URLError as error:
        return getattr(error, "code", 0) in (401, 403, 404, 405)
    except OSError:
        return False


def run(arguments: list[str], seconds: float, env: dict[str, str]) -> Result:
    """One run, in a process of its own."""
    argv = [sys.executable, "manage.py", "bench", "path", f"--seconds={seconds}", *arguments]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["no reason was given"])[-1]}
    made: Result = json.loads(done.stdout.strip().splitlines()[-1])
    return made


def held_against(data: Path, env: dict[str, str], seconds: float) -> Result:
    """The limits, in the same minutes on the same machine."""
    facts = json.loads((data / "installation.json").read_text())
    account = json.loads((data / "demo.json").read_text())["load"]["account"]
    with psycopg.connect(facts["database_url"]) as connection:
        row = connection.execute("SELECT id FROM orders_account WHERE name = %s", (account,)).fetchone()
    assert row is not None
    made: Result = {
        "bare COPY, 256": limits.bare_copy(facts["database_url"], row[0], 20_000, 256),
        "bare COPY, 1": limits.bare_copy(facts["database_url"], row[0], 1_000, 1),
        "8 kB and fdatasync": limits.fsync_us(data),
    }
    port = free_port()
    argv = [sys.executable, "-m", "daphne", "-p", str(port), "orders.benchmark.path.empty:application"]
    with child(argv, f"http://127.0.0.1:{port}/empty", env):
        at = f"--url=http://127.0.0.1:{port}"
        made["empty view"] = run(["--mode=empty", at, f"--lines={REST_LINES}"], seconds, env)
        made["echo"] = run(["--mode=echo", at], seconds, env)
    return made


def told(result: Result) -> list[str]:
    """The figures as people read them."""
    lines = [
        "| order path | figure | goal | p50 ms | p99 ms | verified | µs an order: engine, PostgreSQL, web, bus, generator |"
    ]
    lines.append("|---|---|---|---|---|---|---|")
    for name, (_, figure, goal) in RUNS.items():
        r = result["runs"][name]
        if "failed" in r:
            lines.append(f"| {name} | failed: {r['failed']} |")
            continue
        spent = r["us_per_command"]
        engines = sum(us for service, us in spent.items() if service.startswith("engine"))
        shares = (engines, spent["postgres"], spent["web"], spent["valkey"], spent["generator"])
        lines.append(
            f"| {name} | {r[figure]} {figure.replace('_per_s', '/s')} | {goal or '-'} | {r['p50_ms']} | {r['p99_ms']} | "
            f"{r['verified']} | {', '.join(f'{share:.0f}' for share in shares)} |"
        )
    against = result["limits"]
    lines += [f"{name}: {json.dumps(r)}" for name, r in against.items()]
    for ours, theirs in (("batches", "bare COPY, 256"), ("REST", "empty view")):
        if "failed" not in result["runs"][ours] and "failed" not in against[theirs]:
            rate = result["runs"][ours]["orders_per_s"] / max(1, against[theirs]["orders_per_s"])
            lines.append(f"{ours} / {theirs}: {rate:.2f}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--out", type=Path, default=BENCH / "path.json")
    a = parser.parse_args()
    data, port = BENCH / "data", free_port()
    shutil.rmtree(data, ignore_errors=True)
    BENCH.mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    env = kept | {"DATA": str(data), "DJANGO_SETTINGS_MODULE": "terminal.settings"}
    up = [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(data)]
    result: Result = {"load_average": os.getloadavg(), "runs": {}}
    with child(up, f"http://127.0.0.1:{port}/readyz", env):
        for name, (arguments, _, _) in RUNS.items():
            print(f"{name} ...", flush=True)
            result["runs"][name] = run(arguments, a.seconds if name == LONG else max(2.0, a.seconds / 6), env)
        result["limits"] = held_against(data, env, max(2.0, a.seconds / 6))
    a.out.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(told(result)))
    print(f"all of it: {a.out}")


if __name__ == "__main__":
    main()
