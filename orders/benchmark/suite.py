"""`make bench`: the core on every stream, beside its limits and its peers; what each part costs; and whether it is right.

    python -m orders.benchmark.suite STREAM... --out FILE

Ratios count, taken in one run; absolute figures vary with the machine and with what else it does. The peers live in an
environment of their own (build/bench/venv), never in the product's.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from orders.benchmark import generate, run

ROOT = Path(__file__).parents[2]
BENCH = ROOT / "build" / "bench"
PEERS = {"bourse": "bourse", "order-book": "order-book"}  # name -> package
PEER_STREAMS = ("s1", "s64")
LEFT_OUT = {"whole": 0, "risk": 1, "positions": 2, "reports": 4}  # see LEAVE_OUT in orders/core/straight.c
FLAGS = ["-std=c11", "-O3", "-flto=auto", "-fno-tree-vectorize", "-fipa-pta", "-fstack-protector-strong"]
FLAGS += ["-march=native", "-fvisibility=hidden"]
ROUNDS = 7
CHECKED = {  # seed and shape of streams the slow book of generate.py judges
    101: generate.Shape(1, 300),
    102: generate.Shape(40, 60),
    103: generate.Shape(3, 200, 4000.0, 400, 3_000_000),
    104: generate.Shape(2, 150, 2000.0, 20_000, 20_000_000),
    105: generate.Shape(1, 100, 60.0, 50, 1_000),
}
Result = dict[str, Any]


def judged() -> Result:
    """Whether the core comes to what the slow book found, on streams made now."""
    right: Result = {}
    with tempfile.TemporaryDirectory() as folder:
        for seed, shape in CHECKED.items():
            path = Path(folder) / str(seed)
            said = generate.generate(path, shape, seed=seed, commands=20_000)
            found = run.measure(run.read(path), repeat=1)
            wanted = said | {key: f"{said[key]:016x}" for key in ("hash", "positions")}
            right[str(seed)] = {key: found[key] for key in wanted} == wanted
    return right


def peer_environment() -> tuple[Path, dict[str, str]]:
    """The interpreter of the peers' environment, and why those that are missing are."""
    python = BENCH / "venv" / "bin" / "python"
    missing: dict[str, str] = {}
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(BENCH / "venv")], check=True)
    for name, package in PEERS.items():
        words = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", package]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            missing[name] = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
    return python, missing


def peers(paths: list[Path]) -> Result:
    python, missing = peer_environment()
    result: Result = {name: {"missing": why} for name, why in missing.items()}
    for name in PEERS:
        for path in paths:
            if name in missing or path.name not in PEER_STREAMS:
                continue
            words = [str(python), str(Path(__file__).with_name("peers.py")), name, str(path)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            told = json.loads(done.stdout) if done.returncode == 0 else {"missing": done.stderr.strip()[-200:]}
            result.setdefault(name, {})[path.name] = told
    return result


def parts(path: Path) -> Result:
    """Nanoseconds a command of the core without Python, whole and with one part left out of plain orders each time."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return {"missing": "no C compiler"}
    core = sorted(
        str(source)
        for source in (ROOT / "orders" / "core").glob("*.c")
        if not source.name.startswith(("module.", "bind_"))
    )
    own = [str(ROOT / "orders" / "benchmark" / name) for name in ("bare.c", "parts/parts.c")]
    result: Result = {}
    for name, bits in LEFT_OUT.items():
        program = BENCH / f"parts-{name}"
        subprocess.run([compiler, *FLAGS, f"-DLEAVE_OUT={bits}", *own, *core, "-o", str(program)], check=True)
        done = subprocess.run([str(program), str(path), str(ROUNDS)], capture_output=True, text=True, check=True)
        result[name] = json.loads(done.stdout)
    whole = result["whole"]["core_ns"]
    result["cost_ns"] = {name: round(whole - result[name]["core_ns"], 1) for name in LEFT_OUT if name != "whole"}
    return result


def ratio(a: float | None, b: float | None) -> str:
    return f"{a / b:.2f}" if a and b else "-"


def table(streams: dict[str, Result], others: Result) -> list[str]:
    """The figures as the README shows them."""
    lines = [
        "| stream | batch, ns | bare book | ratio | call, ns | no-op call | ratio | p99, ns | bare | ratio | memory, MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, r in streams.items():
        lines.append(
            f"| {name} | {r['batch_ns']} | {r['limit_ns'] or '-'} | {ratio(r['batch_ns'], r['limit_ns'])}"
            f" | {r['call_ns']} | {r['noop_ns']} | {ratio(r['call_ns'], r['noop_ns'])}"
            f" | {r['p99_ns']} | {r['limit_p99_ns'] or '-'} | {ratio(r['p99_ns'], r['limit_p99_ns'])} | {r['memory_mb']} |"
        )
    for name, told in others.items():
        for stream, r in told.items():
            if stream in streams:
                lines.append(
                    f"{name} on {stream}: {r['ns']} ns, {ratio(r['ns'], streams[stream]['call_ns'])}x of a call here"
                )
            elif stream == "missing":
                lines.append(f"{name}: not installed: {r}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("streams", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, default=BENCH / "core.json")
    parser.add_argument("--repeat", type=int, default=5)
    a = parser.parse_args()
    BENCH.mkdir(parents=True, exist_ok=True)
    streams: dict[str, Result] = {}
    for path in a.streams:
        print(f"{path.name} ...", flush=True)
        streams[path.name] = run.measure(run.read(path), repeat=a.repeat)
    result: Result = {"streams": streams, "peers": peers(a.streams), "parts": parts(a.streams[0]), "judged": judged()}
    result["idle_instrument_bytes"] = run.idle_instrument_bytes()
    a.out.write_text(json.dumps(result, indent=1) + "\n")
    print("\n".join(table(streams, result["peers"])))
    wrong = [name for name, r in streams.items() if not all(r["expected"].values())]
    wrong += [f"seed {seed}" for seed, right in result["judged"].items() if not right]
    print(f"an idle instrument: {result['idle_instrument_bytes'] // 1024} KB")
    print(f"what each part costs of {a.streams[0].name}, ns a command: {result['parts'].get('cost_ns')}")
    print("every stream came to its published outcome" if not wrong else f"WRONG: {', '.join(wrong)}")
    print(f"all of it: {a.out}")


if __name__ == "__main__":
    main()
