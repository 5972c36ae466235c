"""Every process of Meridian and the command that starts it.

docker-compose.yml uses the same commands; a test holds them together.
"""

from __future__ import annotations

# Name prefixes of the processes an order needs.
FIRST = ("web", "engine", "feed")


STANDBY = "standby"


def service(name: str, number: int = 1, node: str = "") -> list[str]:
    """A Celery worker that hosts one long-lived service, with a control queue of its own."""
    node = f"{node or name}-{number}"
    return [
        *("-m", "celery", "-A", "terminal", "worker", "--service", name, "-n", f"{node}@%h", "--pool=solo"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", f"ctl.{node}"),
    ]


def commands(host: str, port: int, shards: int) -> dict[str, list[str]]:
    """Process name -> what `python` is given, in the order they start."""
    found = {"web": ["-m", "terminal.web", "-b", host, "-p", str(port)]}
    for number in range(1, shards + 1):
        found[f"engine-{number}"] = service("engine", number)
    found["feed-1"] = service("feed")
    found["strategies-1"] = service("strategies")
    found["tasks-1"] = [
        *("-m", "celery", "-A", "terminal", "worker", "-n", "tasks-1@%h", "--pool=solo"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "-Q", "celery"),
    ]
    for number in range(1, shards + 1):  # a second engine each, which waits for the end of the first
        found[f"{STANDBY}-{number}"] = service("engine", number, STANDBY)
    found["beat"] = ["-m", "celery", "-A", "terminal", "beat", "--pidfile="]
    return found
