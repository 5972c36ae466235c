"""A setting that is wrong is an error in words, never a default."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from terminal import environment

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("value", ["1", "true", "on", "ON", "True", "yes"])
def test_a_switch_is_on(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LIVE_TRADING", value)
    assert environment.switch("LIVE_TRADING") is True


@pytest.mark.parametrize("value", ["0", "false", "off", ""])
def test_a_switch_is_off(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("LIVE_TRADING", value)
    assert environment.switch("LIVE_TRADING") is False


def test_a_typing_error_in_a_switch_stops_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVE_TRADING", "maybe")
    with pytest.raises(ImproperlyConfigured, match="LIVE_TRADING is 'maybe'"):
        environment.switch("LIVE_TRADING")


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("LIVE_TRADING", "maybe", "LIVE_TRADING is 'maybe'"),
        ("ENGINE_SHARDS", "0", "ENGINE_SHARDS is '0'"),
        ("DATABASE_URL", "sqlite:///db", "Meridian runs on nothing else"),
    ],
)
def test_a_command_says_which_setting_is_wrong(name: str, value: str, sentence: str) -> None:
    ran = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert sentence in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_command_without_a_database_says_so(tmp_path: Path) -> None:
    env = {**os.environ, "DATA": str(tmp_path), "DATABASE_URL": ""}
    ran = subprocess.run(
        [sys.executable, "manage.py", "migrate"], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert "PostgreSQL does not answer, so nothing was changed" in ran.stderr
    assert "Traceback" not in ran.stderr
