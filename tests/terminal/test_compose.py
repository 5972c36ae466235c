"""docker-compose.yml and .env.example name what `up` starts and what settings read."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from terminal.up import processes

ROOT = Path(__file__).resolve().parents[2]


def test_compose_starts_every_process_with_the_command_up_uses() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    ours = {name: service["command"] for name, service in services.items() if service.get("image") == "meridian"}
    ours.pop("migrate")
    assert ours == processes.commands("0.0.0.0", 8000, 1)  # noqa: S104


def test_the_example_environment_names_every_process_with_its_command() -> None:
    text = (ROOT / ".env.example").read_text()
    for name, words in processes.commands("127.0.0.1", 8000, 1).items():
        line = next(line for line in text.splitlines() if line.startswith(f"#   {name} "))
        said = line.split("python ", 1)[1].split(" ... ")
        command = " ".join(words)
        assert all(part.rstrip(" .") in command for part in said), line


def test_the_example_environment_names_every_setting() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "terminal" / "settings.py").read_text()))
    read |= {"DATABASE_URL", "REDIS_URL"}
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert read - named == set()
    assert named - read == {"POSTGRES_PASSWORD"}


def test_the_example_environment_is_accepted_as_it_is() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []
