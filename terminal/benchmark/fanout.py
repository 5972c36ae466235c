"""Market data to a hundred browsers at a thousand changes a second: ours, and Channels' group_send, in turn in one run.

A change is told when a frame with it, or of a later state with it, was heard. The ratios are of changes told to browsers, and of
changes told for each second of the web process's processor time. Prints a table, writes build/bench/fanout.json.
"""

from __future__ import annotations

import argparse
import json
import socket
import statistics
import subprocess
from typing import Any

from marketdata import clock
from terminal.benchmark.stand import ROOT, START_NS, Stand, cpu_s, rss_mb, stand

OUT = ROOT / "build" / "bench" / "fanout.json"
BOOK = "book:bench:BTC/USDT"
CHANNELS = [BOOK, "trades:bench:BTC/USDT", "ticker:bench:BTC/USDT"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(web: subprocess.Popen[str], port: int) -> None:
    began_ns = clock.monotonic_ns()
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            if web.poll() is not None or clock.monotonic_ns() - began_ns > START_NS:
                raise SystemExit("the web process did not start") from None


def measure(here: Stand, kind: str, browsers: int, rate: int, seconds: float) -> dict[str, Any]:
    """One arm: its own web process, its browsers, its source."""
    port = _free_port()
    web = here.start("terminal.web", "-p", port) if kind == "ours" else here.start("terminal.benchmark.stock", port)
    source = crowd = None
    try:
        _wait_for(web, port)
        if kind == "ours":
            here.start("terminal.benchmark.source", "blocks", 10, 0.3, here.instrument_id, here.spec_version).wait()
        crowd = _crowd(here, port, browsers, CHANNELS if kind == "ours" else [BOOK])
        before_s, began_ns = cpu_s(web.pid), clock.monotonic_ns()
        words = ("blocks" if kind == "ours" else "group", rate, seconds, here.instrument_id, here.spec_version)
        source = here.start("terminal.benchmark.source", *words)
        told = [int(word) for word in source.communicate()[0].split()]
        spent_s = (clock.monotonic_ns() - began_ns) / 1e9
        cpu = cpu_s(web.pid) - before_s
        heard = json.loads(crowd.communicate("\n")[0].splitlines()[-1])
        return _figures(kind, browsers, seconds, told[0], cpu, spent_s, heard) | {"rss_mb": round(rss_mb(web.pid), 1)}
    finally:
        for process in (source, crowd, web):
            if process is not None and process.poll() is None:
                process.kill()
                process.wait()


def _crowd(here: Stand, port: int, browsers: int, channels: list[str]) -> subprocess.Popen[str]:
    crowd = here.start("terminal.benchmark.browsers", port, browsers, "/ws/market", here.session, *channels)
    assert crowd.stdout is not None
    if "listening" not in crowd.stdout.readline():
        raise SystemExit("the browsers could not listen")
    return crowd


def _figures(
    kind: str, browsers: int, seconds: float, told: int, cpu: float, spent_s: float, heard: dict[str, Any]
) -> dict[str, Any]:
    if heard["closed"]:
        raise SystemExit(f"{heard['closed']} sockets of {kind} were closed on the way: this measures nothing")
    # every frame is the whole of what was before it, when none is missing
    reached = told * browsers if kind == "ours" and heard["frames"] and not heard["missed"] else heard["messages"]
    return {
        "told": told,
        "reached": reached,
        "reached_share": round(reached / (told * browsers), 3),
        "reached_per_s": round(reached / seconds),
        "reached_per_cpu_s": round(reached / cpu) if cpu else 0,
        "web_cpu_share": round(cpu / spent_s, 3),
        "frames_per_s": {name: round(count / heard["seconds"], 1) for name, count in heard["frames_each"].items()},
        **{name: heard[name] for name in heard if name.endswith("_ms") or name in ("missed", "snapshots", "closed")},
    }


def main() -> None:
    """Both arms in turn, so often; the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browsers", type=int, default=100)
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--repeat", type=int, default=5)
    a = parser.parse_args()
    runs: dict[str, list[dict[str, Any]]] = {"ours": [], "stock": []}
    with stand() as here:
        for _ in range(a.repeat):
            for kind, done in runs.items():
                done.append(measure(here, kind, a.browsers, a.rate, a.seconds))
                print(kind, json.dumps(done[-1]), flush=True)
    middle = {kind: _middle(done) for kind, done in runs.items()}
    ours, stock = middle["ours"], middle["stock"]
    ratios = {name: round(ours[name] / max(stock[name], 1), 1) for name in ("reached_per_s", "reached_per_cpu_s")}
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"asked": vars(a), "median": middle, "ratios": ratios, "runs": runs}, indent=1) + "\n")
    print(f"\n{a.browsers} browsers, {a.rate} changes/s; medians of {a.repeat}")
    print(
        "| | changes reached a browser | of all | per second of web's CPU | web CPU | newest change p50/p99, ms | missed |"
    )
    print("|---|---|---|---|---|---|---|")
    for kind, r in middle.items():
        print(
            f"| {kind} | {r['reached_per_s']:,}/s | {r['reached_share']:.0%} | {r['reached_per_cpu_s']:,} |"
            f" {r['web_cpu_share']:.0%} | {r['age_p50_ms']:.1f} / {r['age_p99_ms']:.1f} | {r['missed']} |"
        )
    print(f"ours is {ratios['reached_per_s']}x in changes, {ratios['reached_per_cpu_s']}x per CPU second;")
    print(
        f"a change waits {ours['wait_p50_ms']:.0f} / {ours['wait_p99_ms']:.0f} ms (p50/p99) from the source to the browser, "
    )
    print(f"frames a second: {ours['frames_per_s']}")
    print(f"all of it: {OUT}")


def _middle(done: list[dict[str, Any]]) -> dict[str, Any]:
    """The median of each figure."""
    found: dict[str, Any] = {}
    for name, value in done[0].items():
        if isinstance(value, dict):
            found[name] = {key: statistics.median(one[name][key] for one in done) for key in value}
        else:
            found[name] = statistics.median(one[name] for one in done)
    return found


if __name__ == "__main__":
    main()
