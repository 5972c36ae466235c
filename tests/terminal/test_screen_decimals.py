"""The page's own arithmetic (static/js/decimal.js, format.js) against Python's Decimal: exact, or refused."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from decimal import ROUND_DOWN, Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest

JS = Path(__file__).resolve().parents[2] / "static" / "js"
NODE = shutil.which("node")

pytestmark = pytest.mark.skipif(not NODE, reason="no node here")

SCRIPT = """
import * as decimal from "{js}/decimal.js";
import * as format from "{js}/format.js";
const cases = JSON.parse(process.argv[1]);
const run = new Function("d", "f", "args", "return (" + process.argv[2] + ")(...args)");
console.log(JSON.stringify(cases.map((args) => run(decimal, format, args) ?? null)));
"""


def _js(function: str, cases: list[list[Any]]) -> list[Any]:
    script = SCRIPT.replace("{js}", JS.as_uri())
    words = [str(NODE), "--input-type=module", "--eval", script, json.dumps(cases), function]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=30)
    answer: list[Any] = json.loads(done.stdout)
    return answer


def _numbers(count: int) -> list[str]:
    dice = random.Random(7)
    return [f"{dice.randrange(10 ** dice.randrange(1, 12))}.{dice.randrange(10**9):09d}" for _ in range(count)]


def test_products_are_exact_to_18_places() -> None:
    pairs = [list(pair) for pair in zip(_numbers(200), reversed(_numbers(200)), strict=True)]
    with localcontext(prec=80):
        expected = [
            str((Decimal(a) * Decimal(b)).quantize(Decimal(1).scaleb(-18), ROUND_DOWN).normalize().__format__("f"))
            for a, b in pairs
        ]
    assert _js("(a, b) => d.text(d.mul(d.parse(a), d.parse(b)))", pairs) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("64,230.50", "64230.5"),
        (".25", "0.25"),
        ("1.", "1"),
        ("−3", "-3"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("1e5", None),
        ("", None),
        ("many", None),
        ("1.2.3", None),
        ("0.0000000000000000001", None),
    ],
)
def test_a_field_is_read_as_a_plain_decimal_or_not_at_all(text: str, value: str | None) -> None:
    assert _js("(a) => { const n = d.parse(a); return n === null ? null : d.text(n) }", [[text]]) == [value]


@pytest.mark.parametrize(
    ("value", "step", "floor"), [("1.2345", "0.01", "1.23"), ("7", "5", "5"), ("0.3", "0.1", "0.3")]
)
def test_snapping_goes_down_to_the_step(value: str, step: str, floor: str) -> None:
    assert _js("(a, b) => d.text(d.floorTo(d.parse(a), d.parse(b)))", [[value, step]]) == [floor]


def test_numbers_look_as_the_server_writes_them() -> None:
    from terminal.templatetags import format as show

    amounts = ["80775.6226", "0.3", "0.00012345", "0", "-0.5", "99.995"]
    assert _js("(a) => f.value(d.parse(a))", [[one] for one in amounts]) == [show.amount(one) for one in amounts]
    assert _js("(a) => f.signed(d.parse(a))", [["1.005"], ["-3"], ["0"]]) == [
        show.signed(one) for one in ("1.005", "-3", "0")
    ]
    assert _js("(a, b) => f.fixed(a, b)", [["64250.5", 2], ["1042000000", 0]]) == ["64,250.50", "1,042,000,000"]
