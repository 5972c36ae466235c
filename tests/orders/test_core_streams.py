"""The benchmark's streams: made the same everywhere, and run to the results their maker found."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from orders.benchmark import generate, run

ROOT = Path(__file__).parents[2]
KNOWN = {  # whole streams of the benchmark page, run in full by `make bench`
    "trades": 67_086,
    "quantity": 1_393_036,
    "live": 5_064,
    "hash": "43f442c77cf7da27",
    "positions": "c141c6dc3d68f390",
}


@pytest.mark.parametrize(
    "shape",
    [
        generate.Shape(1, 500),
        generate.Shape(16, 100),
        generate.Shape(1, 500, 2000.0, 20_000, 20_000_000),
        generate.Shape(300, 50),
    ],
)
def test_the_core_comes_to_what_the_maker_of_the_stream_found(shape, tmp_path):
    path = tmp_path / "stream"
    said = generate.generate(path, shape, seed=11, commands=20_000)
    result = run.measure(run.read(path), repeat=1)
    assert result["expected"] == {"trades": True, "quantity": True, "live": True, "hash": True}
    assert result["trades"] == said["trades"] > 0
    assert result["checks"] >= 8 * 20_000 * 0.5


def test_the_wide_stream_gives_the_published_figures(tmp_path):
    path = tmp_path / "wide"
    generate.generate(path, generate.Shape(1, 5000, 4000.0, 400, 3_000_000), seed=5, commands=500_000)
    assert {key: run.measure(run.read(path), repeat=1)[key] for key in KNOWN} == KNOWN


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    digests = set()
    for name in ("a", "b"):
        generate.generate(tmp_path / name, generate.Shape(2, 50), seed=3, commands=2000)
        digests.add(sha256((tmp_path / name).read_bytes()).hexdigest())
    assert len(digests) == 1


def test_the_command_needs_no_server_and_prints_its_object_last(tmp_path):
    path = tmp_path / "stream"
    generate.generate(path, generate.Shape(1, 100), seed=1, commands=3000)
    words = [sys.executable, str(ROOT / "manage.py"), "bench", "core", "--stream", str(path), "--json", "--repeat", "1"]
    done = subprocess.run(
        words, capture_output=True, text=True, check=True, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}
    )
    result = json.loads(done.stdout.splitlines()[-1])
    wanted = [
        "trades",
        "quantity",
        "live",
        "hash",
        "positions",
        "checks",
        "batch_ns",
        "call_ns",
        "limit_ns",
        "p50_ns",
        "p99_ns",
        "p999_ns",
        "rss_mb",
    ]
    assert set(wanted) <= set(result)


def test_a_file_that_is_no_stream_is_refused_with_a_sentence(tmp_path):
    path = tmp_path / "other"
    path.write_bytes(b"not a stream")
    with pytest.raises(run.StreamError, match="shorter"):
        run.read(path)
