"""Where the embedded servers keep their files, as whom they run, and whether that user can get there.

An ordinary user's servers run as that user, with everything in the data directory. PostgreSQL refuses to run as
root, so root's servers run as `nobody`; where `nobody` cannot reach the data directory or the servers' programs
(a 0700 home), their files live under /var/lib/meridian and the data directory holds a pointer to them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from terminal.up.installation import CannotStart

# A socket's address holds 108 bytes; PostgreSQL appends its own name and asks for some room.
SOCKET_PATH_MAX = 100
SOCKET_NAME = "/.s.PGSQL.5432"
SYSTEM_HOME = Path("/var/lib/meridian")
POINTER = "servers-are-in"


@dataclass(frozen=True)
class User:
    """Whom the servers run as, when not as ourselves."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True)
class Places:
    """Everything the servers need to know about where they are."""

    data: Path  # what the person named; ours
    home: Path  # the servers' files; equals data unless the servers' user cannot get there
    sockets: Path  # 0700, the servers' user's; short enough for a socket's address
    log: Path
    user: User | None

    @property
    def postgres(self) -> Path:
        return self.home / "postgres"

    @property
    def valkey(self) -> Path:
        return self.home / "valkey"

    def fresh(self, prefix: str) -> Path:
        """A new empty directory of the servers' user beside their files; those that killed starts left are removed.
        Each has a name of its own: what such a start was running may still be writing."""
        for left in self.home.glob(f"{prefix}*"):
            shutil.rmtree(left, ignore_errors=True)
        place = Path(tempfile.mkdtemp(prefix=prefix, dir=self.home))
        _give(place, self.user)
        return place


def prepare(data: Path) -> Places:
    """Make the directories. Raises CannotStart with a sentence when one cannot be made or written."""
    user = servers_user()
    try:
        made = not data.exists()
        data.mkdir(parents=True, exist_ok=True)
        if made:
            # the servers' user must pass through, and sees nothing: every file of ours in it is 0600
            data.chmod(0o711 if user else 0o700)
        with tempfile.TemporaryFile(dir=data):
            pass
        log = data / "log"
        log.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CannotStart(
            f"The data directory {data} cannot be written ({error.strerror}). Nothing was started. "
            "Give another one with --data (make run DATA=…), or mend its permissions."
        ) from None
    try:
        home = _home(data, user)
        for place in (home / "postgres", home / "valkey"):
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _give(place, user)
        sockets = _sockets(home, user)
    except OSError as error:
        raise CannotStart(
            f"{error.filename}: {error.strerror}, so the servers have no place for their files."
        ) from None
    return Places(data=data, home=home, sockets=sockets, log=log, user=user)


def servers_user() -> User | None:
    """`nobody` when we are root, else None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise CannotStart(
            "PostgreSQL refuses to run as root and this machine has no user `nobody` to run it as. "
            "Start Meridian as an ordinary user, or set DATABASE_URL and REDIS_URL."
        ) from None
    return User("nobody", entry.pw_uid, entry.pw_gid)


def _home(data: Path, user: User | None) -> Path:
    """Where the servers' files are: where they were, else in the data directory, else where their user can get."""
    pointer = data / POINTER
    if pointer.exists():
        return Path(pointer.read_text().strip())
    if user is None or reaches(user, data):
        return data
    home = SYSTEM_HOME / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    pointer.write_text(f"{home}\n")
    return home


def _sockets(home: Path, user: User | None) -> Path:
    """A directory for sockets: beside the servers' files, or a short one when that path is too long."""
    place = home / "run"
    if len(os.fsencode(place)) + len(SOCKET_NAME) > SOCKET_PATH_MAX:
        digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
        base = Path("/run") if user else Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")  # noqa: S108
        if not os.access(base, os.W_OK):
            base = Path("/tmp")  # noqa: S108
        place = base / f"meridian-{os.geteuid()}-{digest}"
    place.mkdir(mode=0o700, exist_ok=True)
    facts = place.lstat()
    # in a shared directory somebody else may have made that name first
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid not in {os.geteuid(), user.uid if user else os.geteuid()}:
        raise CannotStart(
            f"{place} belongs to somebody else, so sockets in it could be theirs. Remove it and start again."
        )
    _give(place, user)
    return place


def _give(place: Path, user: User | None) -> None:
    place.chmod(0o700)
    if user:
        os.chown(place, user.uid, user.gid)


def reaches(user: User, path: Path, mode: str = "-x") -> bool:
    """Whether that user can pass through (`-x`) or read (`-r`) the path, asked of the kernel as that user."""
    asked = subprocess.run(
        ["/usr/bin/test", mode, str(path)], user=user.uid, group=user.gid, extra_groups=[], cwd="/", check=False
    )
    return asked.returncode == 0


def programs(package: str, inside: str, user: User | None) -> Path:
    """The directory `inside` an installed wheel, or a copy of it where the servers' user can run it."""
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise CannotStart(
            f"The package {package} is not installed for {sys.platform}. Run `make build`, or set DATABASE_URL and REDIS_URL "
            "to servers of your own."
        )
    root = Path(next(iter(found.submodule_search_locations)))
    if user is None or (reaches(user, root / inside) and reaches(user, root / inside, "-r")):
        return root / inside
    return _copy(root, version(package)) / inside


def _copy(root: Path, release: str) -> Path:
    """Copy a wheel's files (and the libraries beside it) to a place everyone can read; once per release."""
    target = SYSTEM_HOME / "programs" / f"{root.name}-{release}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=target.parent))
        for part in (root, root.with_name(f"{root.name}.libs")):
            if part.exists():
                shutil.copytree(part, fresh / part.name, symlinks=True)
        for path in (fresh, *fresh.rglob("*")):
            if not path.is_symlink():
                path.chmod(
                    0o755 if path.is_dir() or (os.access(path, os.X_OK) and path.stat().st_mode & 0o100) else 0o644
                )
        try:
            fresh.rename(target)
        except OSError:  # another start was faster; its copy is as good
            shutil.rmtree(fresh)
    return target / root.name
