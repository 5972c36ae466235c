"""What stops `up` from starting is told in a sentence, with exit code 1 and no traceback."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from terminal.up import places
from tests.terminal.installations import Up, environment, processes_of


def _refused(up: Up, *sentences: str) -> None:
    assert up.ended() == 1
    for sentence in sentences:
        assert sentence in up.output
    assert "Traceback" not in up.output
    assert processes_of(up.data) == {}


def test_a_second_up_on_the_same_data(place: Path) -> None:
    first = Up(place / "data")
    try:
        first.wait_for("Ctrl-C stops it")
        second = Up(place / "data")
        assert second.ended() == 1
        assert "already runs on" in second.output
        assert f"process {first.process.pid}" in second.output
        assert "Traceback" not in second.output
        # and the first did not notice
        assert first.process.poll() is None
        assert first.facts["pid"] == first.process.pid
    finally:
        first.kill()


def test_a_taken_port(place: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        _refused(Up(place / "data", port=port), f"Port {port}", f"make run PORT={port + 1}")


def test_a_data_directory_that_cannot_be_made(place: Path) -> None:
    (place / "file").write_text("in the way")
    _refused(Up(place / "file" / "data"), "cannot be written", "--data")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a read-only directory")
def test_a_read_only_directory(place: Path) -> None:
    # root writes through permission bits, so the directory is read-only in a mount namespace of its own
    data = place / "data"
    data.mkdir()
    shell = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    if os.system("unshare -m true 2>/dev/null") != 0:  # noqa: S605
        pytest.skip("this machine allows no mount namespaces")
    _refused(
        Up(data, before=["unshare", "-m", "sh", "-c", shell, str(data)]), "cannot be written (Read-only file system)"
    )


@pytest.mark.parametrize(
    ("name", "address"),
    [("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none"), ("REDIS_URL", "redis://127.0.0.1:1/0")],
)
def test_a_server_of_the_environment_that_does_not_answer(place: Path, name: str, address: str) -> None:
    up = Up(place / "data", env=environment(**{name: address}))
    _refused(up, f"The server of {name} does not answer, so nothing was started")


def test_a_cluster_of_another_postgresql(place: Path) -> None:
    cluster = places.prepare(place / "data").postgres
    (cluster / "PG_VERSION").write_text("14\n")
    _refused(Up(place / "data"), "was made by PostgreSQL 14", "Nothing was changed")
