"""Where the servers' files lie: for root and for ordinary users, under a 0700 home, on a long path."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from terminal.up import places
from terminal.up.installation import CannotStart
from tests.terminal.installations import ROOT, STUB, Up, environment, free_port, processes_of

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def closed_home(place: Path) -> Iterator[Path]:
    """A home nobody but its owner may enter."""
    home = place / "home"
    home.mkdir()
    home.chmod(0o700)
    yield home
    for data in home.iterdir():
        pointer = data / places.POINTER
        if pointer.exists():
            shutil.rmtree(pointer.read_text().strip())


@as_root
def test_root_starts_it_under_a_closed_home_and_finds_its_data_again(closed_home: Path) -> None:
    data = closed_home / "data"
    for _ in range(2):
        up = Up(data)
        try:
            up.wait_for("Ctrl-C stops it")
            elsewhere = Path((data / places.POINTER).read_text().strip())
            assert elsewhere.parent == places.SYSTEM_HOME
            assert (elsewhere / "postgres" / "PG_VERSION").exists()
            assert (elsewhere / "postgres").owner() == "nobody"
            assert Path(f"/proc/{up.pid('postgres')}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
            up.stop()
            assert processes_of(elsewhere) == {}
        finally:
            up.kill()


@as_root
def test_programs_the_servers_user_cannot_reach_are_copied_to_where_it_can(
    closed_home: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = closed_home / "site-packages" / "some_server"
    (wheel / "bin").mkdir(parents=True)
    program = wheel / "bin" / "server"
    program.write_text("#!/bin/sh\necho served\n")
    program.chmod(0o700)
    monkeypatch.syspath_prepend(str(wheel.parent))
    monkeypatch.setattr(places, "SYSTEM_HOME", place / "system")
    monkeypatch.setattr(places, "version", lambda package: "1.2")
    user = places.servers_user()
    assert user is not None

    found = places.programs("some_server", "bin", user)

    assert found == place / "system" / "programs" / "some_server-1.2" / "some_server" / "bin"
    ran = subprocess.run(
        [str(found / "server")], user=user.uid, group=user.gid, capture_output=True, text=True, check=True
    )
    assert ran.stdout == "served\n"


def test_sockets_lie_in_a_short_directory_when_the_path_is_long(place: Path) -> None:
    data = place / ("a-name-of-thirty-two-characters-" * 3) / "data"
    found = places.prepare(data)
    try:
        assert len(os.fsencode(found.sockets)) + len(places.SOCKET_NAME) <= places.SOCKET_PATH_MAX
        assert stat.S_IMODE(found.sockets.stat().st_mode) == 0o700
        assert places.prepare(data).sockets == found.sockets
    finally:
        shutil.rmtree(found.sockets)


def test_a_short_directory_made_by_somebody_else_is_refused(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = place / ("a-name-of-thirty-two-characters-" * 3) / "data"
    found = places.prepare(data)
    found.sockets.rmdir()
    found.sockets.symlink_to(place)
    try:
        with pytest.raises(CannotStart, match="belongs to somebody else"):
            places.prepare(data)
    finally:
        found.sockets.unlink()


def _python_for(user: str) -> list[str] | None:
    """A Python of our version that this user can run, with our packages; None when there is none."""
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        words = [
            "setpriv",
            f"--reuid={user}",
            "--regid=nogroup",
            "--clear-groups",
            "env",
            f"PYTHONPATH={packages}:{ROOT}",
            python,
        ]
        if (
            subprocess.run(
                [*words, "-c", "import psycopg, django, redis"], capture_output=True, cwd="/", check=False
            ).returncode
            == 0
        ):
            return words
    return None


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_an_ordinary_user_starts_it_under_a_closed_home(place: Path) -> None:
    python = _python_for("nobody")
    if python is None:
        pytest.skip("no Python here can be run by another user")
    home = place / "home"
    home.mkdir()
    shutil.chown(home, "nobody", "nogroup")
    home.chmod(0o700)
    data, port = home / "data", free_port()
    up = Up(data, argv=[*python, *STUB, str(data), str(port)], env=environment(), port=port)
    try:
        up.wait_for("Ctrl-C stops it")
        assert {Path(f"/proc/{pid}").owner() for pid in processes_of(data)} == {"nobody"}
        assert (data / "postgres" / "PG_VERSION").exists()
        assert not (data / places.POINTER).exists()
        up.stop()
        assert processes_of(data) == {}
    finally:
        up.kill()


def test_the_directories_belong_to_the_servers_alone(place: Path) -> None:
    found = places.prepare(place / "data")
    owner = "nobody" if os.geteuid() == 0 else getpass.getuser()
    for directory in (found.postgres, found.valkey, found.sockets):
        assert directory.owner() == owner
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
