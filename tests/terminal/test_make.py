"""What the build lacks is told in a sentence: no compiler, no headers, no npm, no Python, no place to write."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("bash", "sh", "env", "find", "mkdir", "touch", "rm", "sed", "expand", "make", "cat", "tee")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone whose Python packages are installed and nothing else is built."""
    for name in ("Makefile", "requirements.txt", "package.json", "package-lock.json"):
        shutil.copy2(ROOT / name, tmp_path / name)
    venv = tmp_path / ".venv"
    (venv / "stamps").mkdir(parents=True)
    (venv / "stamps" / "packages").touch()
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "setup.py").touch()
    return tmp_path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with what every Debian has, and neither compiler nor npm nor Python."""
    made = tmp_path / "bin"
    made.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None, tool
        (made / tool).symlink_to(found)
    return made


def _make(clone: Path, path: Path, *words: str, before: tuple[str, ...] = ()) -> str:
    env = {**os.environ, "PATH": str(path)}
    ran = subprocess.run([*before, "make", *words], cwd=clone, env=env, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    said = ran.stdout + ran.stderr
    assert "Traceback" not in said
    return said


def test_a_missing_compiler(clone: Path, path: Path) -> None:
    said = _make(clone, path, ".venv/stamps/extension")
    assert "No C compiler (cc) was found, and the core is C. On Debian: apt-get install gcc" in said


def test_missing_headers_of_python(clone: Path, path: Path) -> None:
    (path / "cc").symlink_to("/bin/true")
    python = clone / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\nexit 1\n")  # the probe for Python.h finds none
    python.chmod(0o755)
    said = _make(clone, path, ".venv/stamps/extension")
    assert "Python's C headers (Python.h) were not found. On Debian: apt-get install python3-dev" in said


def test_missing_npm(clone: Path, path: Path) -> None:
    said = _make(clone, path, "node_modules/.stamp")
    assert "npm was not found; it fetches the chart library and the font. On Debian: apt-get install npm" in said


def test_missing_python(clone: Path, path: Path) -> None:
    shutil.rmtree(clone / ".venv")
    said = _make(clone, path, "build")
    assert "Meridian needs Python 3.11 or newer. On Debian: apt-get install python3" in said


def test_a_core_that_does_not_compile(clone: Path, path: Path) -> None:
    (path / "cc").symlink_to("/bin/true")
    (clone / "setup.py").write_text("raise SystemExit('error: command cc failed')\n")
    assert "The C extension did not compile; the reason is above." in _make(clone, path, ".venv/stamps/extension")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a read-only directory")
def test_a_clone_that_cannot_be_written(clone: Path, path: Path) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no mount namespaces")
    shutil.rmtree(clone / ".venv")
    (path / "python3").symlink_to(sys.executable)
    shell = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && PATH=$1 && shift && exec "$@"'
    unshare = shutil.which("unshare") or "unshare"
    for tool in ("mount", "sh"):
        found = shutil.which(tool)
        assert found is not None
        if not (path / tool).exists():
            (path / tool).symlink_to(found)
    said = _make(clone, path, "build", before=(unshare, "-m", "sh", "-c", shell, str(clone), str(path)))
    assert "cannot be written, and the build puts .venv and build/ there" in said
