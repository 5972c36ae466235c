"""The documentation says what is there: messages that are printed, settings that are read, words that are used,
links that lead somewhere.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("terminal", "strategies", "orders", "marketdata")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("orders/**/*.md")])
SOURCES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts)


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


@cache
def said() -> tuple[str, ...]:
    """Every text in the source as it is printed, with … for what is filled in."""
    pages = [*(ROOT / "static" / "js").glob("*.js"), *(ROOT / "templates").rglob("*.html")]
    found = [(ROOT / "Makefile").read_text().replace("$${CC:-cc}", "…")]
    found += [re.sub(r"\$\{[^{}\n]*\}", "…", path.read_text()) for path in sorted(pages)]
    for path in [*SOURCES, ROOT / "manage.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(re.sub(r"\{\w+\}|%[sdg]", "…", node.value))
            elif isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values))
    return tuple(found)


@pytest.mark.parametrize("heading", re.findall(r"^### (.+)$", page("troubleshooting.md"), re.MULTILINE))
def test_a_message_in_troubleshooting_is_one_the_product_prints(heading: str) -> None:
    assert any(heading in text for text in said()), f"nobody says: {heading}"


def read_settings() -> set[str]:
    """The names that settings read from the environment."""
    text = (ROOT / "terminal" / "settings.py").read_text()
    return set(re.findall(r'env\.(?:text|switch|number|words|database)\(\s*"([A-Z_]+)"', text))


def test_every_setting_that_is_read_is_in_the_example_and_the_manual() -> None:
    example = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    manual = set(re.findall(r"^\| `([A-Z_]+)` \|", page("running.md"), re.MULTILINE))
    assert len(read_settings()) > 10
    assert read_settings() <= example
    assert example == manual


def test_every_file_that_flow_names_is_there() -> None:
    named = set()
    for cell in re.findall(r"`([a-z_]+/[\w./]*)`", page("flow.md")):
        named.add(cell.rstrip("/"))
    assert len(named) > 40
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_the_words_of_the_vocabulary_are_the_words_of_the_code() -> None:
    code = "\n".join(path.read_text().lower() for path in SOURCES)
    code += "\n".join(path.read_text().lower() for path in (ROOT / "orders" / "core").glob("*.[ch]"))
    words = [
        word
        for row in re.findall(r"^\| (`[^|]+) \|", page("vocabulary.md"), re.MULTILINE)
        for word in re.findall(r"`([^`]+)`", row)
    ]
    assert len(words) > 50
    assert [word for word in words if word.lower() not in code] == []


def test_words_we_never_say_are_not_said() -> None:
    never = re.search(r"^Never in the code.*?: (.+?)\.$", page("vocabulary.md"), re.MULTILINE | re.DOTALL)
    assert never
    words = re.findall(r"`(\w+)`", never[1])
    assert len(words) > 5
    found = []
    for path in [*SOURCES, *(ROOT / "orders" / "core").glob("*.[ch]")]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            plain = re.sub(r"\.cancelled\(|CancelledError", "", line)  # Python's own spelling
            found += [
                f"{path.relative_to(ROOT)}:{number}: {w}" for w in words if re.search(rf"\b_?{w}s?\b", plain, re.I)
            ]
    assert found == []


def test_every_link_to_a_file_leads_somewhere() -> None:
    broken = []
    for source in PAGES:
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", source.read_text()):
            if "://" not in target and not (source.parent / target).exists():
                broken.append(f"{source.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_decision_is_listed_and_says_context_decision_and_price() -> None:
    listed = page("decisions/README.md")
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [path.name[:4] for path in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for path in pages:
        text = path.read_text()
        assert f"({path.name})" in listed
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Price paid"], path.name


def test_every_command_that_is_documented_exists() -> None:
    commands = {path.stem for app in APPS for path in (ROOT / app).glob("management/commands/[a-z]*.py")}
    django = {"migrate", "check", "shell", "help", "collectstatic"}
    later = set(re.findall(r"^`manage\.py (\w+)` and `(\w+)`.*later release", page("running.md"), re.MULTILINE)[0])
    named = {word for source in PAGES for word in re.findall(r"manage\.py ([a-z_]+)\b(?!\.)", source.read_text())}
    assert named - commands - django - later == set()


def test_every_make_target_that_is_documented_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for source in PAGES for word in re.findall(r"`make ([a-z]+)", source.read_text())}
    assert named - targets == set()


def test_the_changelog_says_the_version() -> None:
    newest = re.search(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    version = re.search(r'^version = "([^"]+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert newest and version
    assert newest[1] == version[1]


def test_every_picture_is_shown_by_a_page() -> None:
    pictures = [path.name for path in (ROOT / "docs").rglob("*.png")]
    assert pictures
    text = "".join(source.read_text() for source in PAGES)
    assert [name for name in pictures if name not in text] == []
