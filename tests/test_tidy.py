"""The repository keeps its own rules (CONTRIBUTING.md), those of them that a program can check. Exceptions stand
here, each with its reason.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from orders import _core, limits, sentences

ROOT = Path(__file__).resolve().parent.parent
APPS = ("terminal", "strategies", "orders", "marketdata")
CORE = ROOT / "orders" / "core"

LINES_MAX = 600
FUNCTION_LINES_MAX = 70

AT_THE_ROOT = {
    *APPS, "templates", "static", "tests", "docs", "deploy", ".ci",
    "manage.py", "requirements.txt", "docker-compose.yml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE",
    "Makefile", "pyproject.toml", "setup.py", "package.json", "package-lock.json", ".env.example", ".gitignore",
    ".clang-format",
}  # fmt: skip

# Modules that read the time themselves, or import inside a function, and why they may.
TIME_READERS = {
    "marketdata/clock.py": "it is the clock",
    "orders/benchmark/run.py": "it measures the core with nothing of ours in between",
    "orders/benchmark/peers.py": "it measures the peers, and imports nothing of ours",
    "terminal/up/child.py": "the supervisor runs without Django and the apps",
    "terminal/up/supervisor.py": "the supervisor runs without Django and the apps",
}
LATE_IMPORTS = {
    "manage.py": "Django may be missing, and says so in a sentence",
}
# Larger than the limit, with the reason why it is one idea all the same.
LARGE: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}
# Where colours are written as numbers; everywhere else they have names.
PALETTES = {
    "static/css/tokens.css": "it gives them their names",
    "static/css/admin.css": "the console has names of its own, and does not load the screens' tokens",
}


class Source(NamedTuple):
    """A Python file: where it is, its text, its tree."""

    name: str
    text: str
    tree: ast.Module


@cache
def tracked() -> tuple[str, ...]:
    """Every file of the repository; files not added yet count too, those ignored do not."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so nobody knows which files are the repository's")
    return tuple(sorted(name for name in listed.stdout.splitlines() if (ROOT / name).is_file()))


@cache
def sources() -> tuple[Source, ...]:
    """The Python files of the apps, migrations left out."""
    found = []
    for name in tracked():
        if name.endswith(".py") and "/migrations/" not in name and name.startswith((*APPS, "manage.py")):
            text = (ROOT / name).read_text()
            found.append(Source(name, text, ast.parse(text)))
    return tuple(found)


def c_sources(under: str = "orders/") -> Iterator[tuple[str, str]]:
    """(name, text without comments and texts) of C files."""
    for name in tracked():
        if name.startswith(under) and name.endswith((".c", ".h")):
            text = re.sub(
                r"/\*.*?\*/", lambda match: "\n" * match[0].count("\n"), (ROOT / name).read_text(), flags=re.S
            )
            yield name, re.sub(r'//.*|"(?:\\.|[^"\\])*"', "", text)


def lines_with(pattern: str, text: str, name: str) -> list[str]:
    looked_for = re.compile(pattern)
    return [f"{name}:{n}: {line.strip()}" for n, line in enumerate(text.splitlines(), 1) if looked_for.search(line)]


# --- C ---------------------------------------------------------------------------------------------------------------

# What knows Python, by its name; what builds the core without it (setup.py, the C tests, the benchmark) goes by that too.
BINDING = re.compile(r"/(module\.c|bind_\w+\.c|binding\.h)$")


def test_only_a_binding_knows_python() -> None:
    pattern = re.compile(r"#\s*include\s*[<\"](\.\./core/)?(Python|binding)\.h|\bPy[A-Z]\w+")
    knowing = [name for name, _ in c_sources() if pattern.search((ROOT / name).read_text())]
    assert [name for name in knowing if not BINDING.search(name)] == []


def test_a_binding_knows_the_core_by_its_page_alone() -> None:
    allowed = {"binding.h", "core.h", "histogram.h"}
    found = []
    for name, _ in c_sources("orders/core/"):
        if BINDING.search(name):
            included = re.findall(r'#\s*include\s*"([^"]+)"', (ROOT / name).read_text())
            found += [f"{name}: {header}" for header in included if header not in allowed]
    assert found == []


def test_the_core_counts_in_whole_numbers() -> None:
    found = [line for name, text in c_sources("orders/core/") for line in lines_with(r"\b(float|double)\b", text, name)]
    assert found == []


def test_the_core_takes_memory_in_one_place() -> None:
    pattern = r"\b(malloc|calloc|realloc|free|strdup|alloca|aligned_alloc|mmap)\s*\("
    found = [line for name, text in c_sources("orders/core/") for line in lines_with(pattern, text, name)]
    assert [line for line in found if not line.startswith("orders/core/pool.c:")] == []


def test_the_core_does_nothing_but_compute() -> None:
    pattern = r"\b(clock_gettime|gettimeofday|time|rand|random|getrandom|printf|fprintf|fopen|read|write|socket)\s*\("
    found = [line for name, text in c_sources("orders/core/") for line in lines_with(pattern, text, name)]
    measuring = "orders/core/bind_measure.c"  # it says how long calls took; nothing of it goes back into the core
    assert [line for line in found if not (line.startswith(measuring) and "CLOCK_MONOTONIC_RAW" in line)] == []


# --- Python ----------------------------------------------------------------------------------------------------------

TIME_CALLS = {
    ("time", name)
    for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "gmtime", "localtime")
} | {("datetime", name) for name in ("now", "utcnow", "today")} | {("date", "today"), ("timezone", "now")}  # fmt: skip


def test_one_file_reads_the_time() -> None:
    found = []
    for source in sources():
        if source.name in TIME_READERS:
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute):
                owner = node.value
                of = owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
                if (of, node.attr) in TIME_CALLS:
                    found.append(f"{source.name}:{node.lineno}: {of}.{node.attr}")
            elif isinstance(node, ast.ImportFrom) and node.module == "time":
                found.append(f"{source.name}:{node.lineno}: from time import")
    assert found == []


def test_money_is_never_a_float() -> None:
    """Where money is counted, no fraction is written as a float and nothing is made one."""
    money = re.compile(
        r"orders/(engine/(?!service)|valuation|portfolio|pnl|limits|shapes|intake|reconcile|ids|messages)"
    )
    found = []
    for source in sources():
        if not money.match(source.name):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
                found.append(f"{source.name}:{node.lineno}: float()")
            elif isinstance(node, ast.Constant) and isinstance(node.value, float):
                found.append(f"{source.name}:{node.lineno}: {node.value}")
    assert found == []


def test_nothing_happens_by_a_signal() -> None:
    pattern = r"from django\.(core|db\.models|dispatch|test)\S* import .*\b(receiver|post_save|pre_save|post_delete|request_\w+)\b"
    pattern += r"|^\s*@receiver\b|import signals"
    found = [line for source in sources() for line in lines_with(pattern, source.text, source.name)]
    assert found == []


def test_imports_stand_at_the_top() -> None:
    found = []
    for source in sources():
        if source.name in LATE_IMPORTS:
            continue
        for function in ast.walk(source.tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                late = [node for node in ast.walk(function) if isinstance(node, ast.Import | ast.ImportFrom)]
                found += [f"{source.name}:{node.lineno}: in {function.name}" for node in late]
    assert found == []


def test_every_module_is_named_for_its_idea() -> None:
    empty = re.compile(r"(^|/)_?(utils?|helpers?|common|misc|managers?|tools)(\.py|\.js|\.c|\.h|/)")
    assert [name for name in tracked() if empty.search(name)] == []


def test_every_module_is_one_idea_of_readable_size() -> None:
    """300 lines are a good size and 600 are too many."""
    kinds = (".py", ".c", ".h", ".js", ".css", ".html")
    sizes = {
        name: len((ROOT / name).read_text().splitlines())
        for name in tracked()
        if name.endswith(kinds) and "/migrations/" not in name
    }
    assert {name: size for name, size in sizes.items() if size > LINES_MAX and name not in LARGE} == {}


def test_every_function_fits_on_a_screen() -> None:
    found = []
    for source in sources():
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                place = f"{source.name}:{node.name}"
                if lines > FUNCTION_LINES_MAX and place not in LONG_FUNCTIONS:
                    found.append(f"{place}: {lines} lines")
    assert found == []


def test_exceptions_are_still_needed() -> None:
    names = {source.name for source in sources()}
    assert {*TIME_READERS, *LATE_IMPORTS} - names == set()
    assert PALETTES.keys() - set(tracked()) == set()
    assert [name for name in LARGE if len((ROOT / name).read_text().splitlines()) <= LINES_MAX] == []


# --- what people are told ----------------------------------------------------------------------------------------------


def test_every_reason_of_the_core_has_a_sentence() -> None:
    assert sorted(set(_core.REASONS.values()) - sentences.SENTENCES.keys()) == []


def test_every_code_taken_from_the_sentences_is_one() -> None:
    found = []
    for source in sources():
        for pattern in (
            r'SENTENCES\["(\w+)"\]',
            r'refusal\("(\w+)"',
            r'reason_shape\("(\w+)"',
            r'"code": "(\w+)", \*\*words',
        ):
            found += [(source.name, code) for code in re.findall(pattern, source.text)]
    assert len(found) > 8
    assert [place for place in found if place[1] not in sentences.SENTENCES] == []


def test_a_sentence_says_what_it_means_for_their_money() -> None:
    meaning = re.compile(
        r"placed|done|changed|open orders stay|will be|decision|looked up|canceled|as it was", re.IGNORECASE
    )
    assert [code for code, text in sentences.SENTENCES.items() if not meaning.search(text)] == []
    assert [code for code, text in sentences.SENTENCES.items() if not text.endswith(".")] == []


def test_every_limit_has_a_meaning_and_is_in_every_profile() -> None:
    assert all(limit.meaning.endswith(".") for limit in limits.LIMITS.values())
    assert all(set(profile) == set(limits.LIMITS) for profile in limits.PROFILES.values())


# --- pages -------------------------------------------------------------------------------------------------------------


def test_colours_have_names() -> None:
    found = []
    for name in tracked():
        if name.startswith("static/css/") and name not in PALETTES:
            text = re.sub(r"/\*.*?\*/", "", (ROOT / name).read_text(), flags=re.S)
            found += lines_with(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)|\b(rgba?|hsla?|oklch)\(", text, name)
    assert found == []


def test_pages_hold_no_scripts_or_styles_of_their_own() -> None:
    pattern = r"<script(?![^>]*\bsrc=)(?![^>]*\btype=\"application/json\")|<style\b|\sstyle=|\son[a-z]+=|javascript:"
    found = []
    for name in tracked():
        if name.endswith(".html"):
            found += lines_with(pattern, (ROOT / name).read_text(), name)
    assert found == []


def test_scripts_make_no_html_out_of_text() -> None:
    pattern = r"\.(innerHTML|outerHTML)\s*=|insertAdjacentHTML|document\.write|\beval\(|new Function\("
    found = []
    for name in tracked():
        if name.startswith("static/js/"):
            found += lines_with(pattern, (ROOT / name).read_text(), name)
    assert found == []


# --- the repository ----------------------------------------------------------------------------------------------------


def test_the_root_holds_what_it_should() -> None:
    assert {name.split("/")[0] for name in tracked()} - AT_THE_ROOT == set()


def test_the_lock_file_names_contents_and_no_addresses() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    fetched = {name: facts for name, facts in packages.items() if name}
    assert fetched
    assert [name for name, facts in fetched.items() if not facts.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, facts in fetched.items() if "resolved" in facts] == []


def test_every_python_package_is_pinned() -> None:
    for name in ("requirements.txt", "tests/requirements.txt"):
        lines = [line.split("#")[0].strip() for line in (ROOT / name).read_text().splitlines()]
        loose = [line for line in lines if line and not line.startswith("-r") and not re.search(r"==\d", line)]
        assert loose == [], name


def test_nothing_third_party_or_large_lies_in_the_repository() -> None:
    assert [name for name in tracked() if (ROOT / name).stat().st_size > 512 * 1024] == []


def test_every_text_ends_with_one_newline_and_has_no_tabs_or_blanks_at_line_ends() -> None:
    found = []
    for name in tracked():
        if name.endswith((".py", ".pyi", ".c", ".h", ".md", ".js", ".css", ".html", ".yaml", ".yml", ".toml", ".txt")):
            text = (ROOT / name).read_text()
            if text and (not text.endswith("\n") or text.endswith("\n\n")):
                found.append(f"{name}: its end")
            found += lines_with(r"[ \t]$|^\t" if not name.endswith("Makefile") else r"[ \t]$", text, name)
    assert found == []
