"""`manage.py up`: start the servers and every process, restart what dies, stop it all cleanly.

One thread: the kernel ties the children to the thread that starts them. Signals only set a flag; every wait looks at it.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg

from terminal.up import installation, migrations, places, processes, valkey
from terminal.up.child import Child, started_ticks
from terminal.up.installation import CannotStart
from terminal.up.postgres import Postgres
from terminal.up.valkey import Valkey

TICK_S = 0.05
# 10 s in all: nobody waits longer for Ctrl-C
STOP_WEB_S = 2.5
STOP_WORKERS_S = 4.0
STOP_VALKEY_S = 1.0
STOP_POSTGRES_S = 2.0

Commands = Callable[[str, int, int], dict[str, list[str]]]


class Stopped(Exception):
    """Somebody asked us to stop while we were still starting."""


def say(line: str) -> None:
    """Tell the person at the terminal, who may have closed it."""
    try:
        print(line, flush=True)
    except OSError:
        pass


class Supervisor:
    """Everything `up` runs on one data directory."""

    def __init__(
        self, root: Path, data: Path, host: str, port: int, shards: int, commands: Commands = processes.commands
    ) -> None:
        """`root` is the repository; `commands` names the processes, and tests give shorter ones."""
        self.root, self.data, self.host, self.port, self.shards = root, data, host, port, shards
        self.commands = commands
        self.asked_to_stop = False
        self.began = time.monotonic()
        self.postgres: Child | None = None
        self.valkey: Child | None = None
        self.workers: list[Child] = []
        self.env: dict[str, str] = dict(os.environ)
        self.facts: dict[str, Any] = {}
        self.waiting = True
        self.told: dict[str, tuple[str, float]] = {}

    @property
    def url(self) -> str:
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(self.host, self.host)
        return f"http://{shown}:{self.port}"

    # --- the whole -----------------------------------------------------------------------------------------------
    def run(self) -> int:
        """Until somebody stops it. The exit code: 0 after a clean stop, 1 when it could not start."""
        self._catch_signals()
        lock = None
        try:
            self.places = places.prepare(self.data)
            lock = installation.lock(self.data)
            self._end_leftovers()
            self._port_is_free()
            installation.make_secret_key(self.data)
            self._start_servers()
            self._migrate()
            self._first_start()
            self._start_processes()
            self._look()
            self._welcome()
            while not self.asked_to_stop:
                self._look()
                time.sleep(TICK_S)
            return 0
        except Stopped:
            return 0
        except CannotStart as refusal:
            say(str(refusal))
            return 1
        finally:
            self._stop()
            if lock is not None:
                installation.remove(self.data)
                lock.close()

    def _catch_signals(self) -> None:
        def asked(signum: int, frame: FrameType | None) -> None:
            self.asked_to_stop = True

        for wanted in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(wanted) is not signal.SIG_IGN or wanted is not signal.SIGHUP:  # nohup stays nohup
                signal.signal(wanted, asked)

    # --- starting ------------------------------------------------------------------------------------------------
    def _step(self, what: str) -> None:
        say(f"{time.monotonic() - self.began:6.1f} s  {what}")

    def _wait(self, ready: Callable[[], bool], child: Child | None, what: str, slow_s: float = 5.0) -> None:
        """Until ready; says so when it takes long, raises when the child dies or somebody stops us."""
        shown = time.monotonic() + slow_s
        while not ready():
            if self.asked_to_stop:
                raise Stopped
            if child is not None and not child.alive:
                raise CannotStart(
                    "\n".join([f"{what} died at its start. Its last words ({child.log}):", *child.tail()])
                )
            if time.monotonic() > shown:
                self._step(f"{what} is not there yet, still waiting ...")
                shown = time.monotonic() + 10
            time.sleep(TICK_S)

    def _end_leftovers(self) -> None:
        """Children of a supervisor that was killed: tethered, so gone, unless one could not hear its signal."""
        for pid, ticks in installation.read(self.data).get("processes", {}).values():
            if ticks and started_ticks(pid) == ticks:
                os.kill(pid, signal.SIGKILL)

    def _port_is_free(self) -> None:
        try:
            family, kind, proto, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, proto) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
        except OSError as error:
            raise CannotStart(
                f"Port {self.port} on {self.host or 'this machine'} cannot be used ({error.strerror or error}). Nothing was started. "
                f"Stop what uses it, or take another: make run PORT={self.port + 1}."
            ) from None

    def _start_servers(self) -> None:
        self.env.update(DATA=str(self.data), PYTHONUNBUFFERED="1", DJANGO_SETTINGS_MODULE="terminal.settings")
        self.env["PUBLIC_URL"] = self.env.get("PUBLIC_URL") or self.url
        self.env["ALLOWED_HOSTS"] = self.env.get("ALLOWED_HOSTS") or ",".join(self._hosts())
        database, bus = self.env.get("DATABASE_URL", ""), self.env.get("REDIS_URL", "")
        if database:
            self._step("PostgreSQL: the server of DATABASE_URL")
            self._must_connect(database)
        else:
            server = Postgres(self.places)
            self._step(
                "PostgreSQL: making its files" if not (self.places.postgres / "PG_VERSION").exists() else "PostgreSQL"
            )
            server.prepare()
            self.postgres = server.child()
            self.postgres.start()
        if bus:
            self._step("Valkey: the server of REDIS_URL")
            if not valkey.answers(bus):
                raise CannotStart(
                    "The server of REDIS_URL does not answer, so nothing was started. Start it, or unset REDIS_URL."
                )
        else:
            self._step("Valkey")
            store = Valkey(self.places)
            store.prepare()
            self.valkey = store.child()
            self.valkey.start()
            bus = store.url
            self._wait(store.answers, self.valkey, "Valkey")
        if self.postgres is not None:
            self._wait(server.answers, self.postgres, "PostgreSQL")
            database = server.url
        self.env.update(DATABASE_URL=database, REDIS_URL=bus)
        self.facts = {"pid": os.getpid(), "url": self.url, "database_url": database, "redis_url": bus, "processes": {}}
        self._write_facts()

    def _hosts(self) -> list[str]:
        """Names a browser may call us by: this machine's, not any, or a foreign page could talk to us through its own."""
        return sorted(
            {"127.0.0.1", "localhost", "[::1]", self.host or "127.0.0.1", socket.gethostname()} - {"0.0.0.0", "::"}
        )

    def _must_connect(self, database: str) -> None:
        try:
            psycopg.connect(database, connect_timeout=5).close()
        except psycopg.Error as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise CannotStart(f"The server of DATABASE_URL does not answer, so nothing was started: {reason}") from None

    def _manage(self, *words: str, what: str) -> None:
        """Run one of our own commands to its end; its output goes to a log and, when it fails, to the screen."""
        child = Child(
            name=words[0],
            argv=[sys.executable, str(self.root / "manage.py"), *words],
            log=self.places.log / f"{words[0]}.log",
            env=self.env,
            cwd=self.root,
            stop_signal=signal.SIGTERM,
        )
        child.start()
        try:
            while child.alive:
                if self.asked_to_stop:
                    raise Stopped
                time.sleep(TICK_S)
            assert child.process is not None
            if child.process.returncode:
                raise CannotStart(
                    "\n".join([f"{what} failed, so Meridian was not started ({child.log}):", *child.tail(25)])
                )
        finally:
            child.ask_to_stop()
            child.make_stop(time.monotonic() + 2)

    def _migrate(self) -> None:
        if migrations.all_applied(self.env["DATABASE_URL"], self.root):
            return
        self._step("database tables")
        self._manage("migrate", "--noinput", "--verbosity", "1", what="Making the database tables")

    def _first_start(self) -> None:
        """The demo: only in a database nobody has used yet."""
        demo = self.data / "demo.json"
        seeds = self.root / "marketdata" / "seeds" / "demo.yaml"
        part = installation.demo_part(demo)
        if not demo.exists() and part.exists() and not self._is_unused():
            part.replace(demo)  # the first start ended between the commit and this
        if not demo.exists() and self._is_unused() and seeds.exists():
            self._step("first start: the demo's exchanges, instruments and accounts")
            self._manage("seed", str(seeds), what="Seeding the demo")
            self._manage("demo", what="Making the demo's users")
        elif demo.exists():
            known = json.loads(demo.read_text())
            if known.get("url") != self.url:
                installation.write_private(demo, json.dumps({**known, "url": self.url}, indent=1))

    def _is_unused(self) -> bool:
        with psycopg.connect(self.env["DATABASE_URL"]) as link:
            return link.execute("SELECT 1 FROM auth_user LIMIT 1").fetchone() is None

    def _start_processes(self) -> None:
        """What an order needs first; the others as soon as it would be taken, so that they do not slow its start."""
        self._step("web, engine, feed" if self.shards == 1 else f"web, {self.shards} engines, feed")
        for name, words in self.commands(self.host, self.port, self.shards).items():
            child = Child(
                name=name,
                argv=[sys.executable, *words],
                log=self.places.log / f"{name}.log",
                env=self.env,
                cwd=self.root,
            )
            if name.startswith(processes.FIRST):
                child.start()
            self.workers.append(child)
        self._write_facts()
        self._wait_until_ready()
        self._step("strategies, tasks, standby, beat")
        self.waiting = False

    def _write_facts(self) -> None:
        children = [child for child in (self.postgres, self.valkey, *self.workers) if child is not None and child.pid]
        self.facts["processes"] = {child.name: [child.pid, started_ticks(child.pid or 0)] for child in children}
        installation.write(self.data, self.facts)

    def _wait_until_ready(self) -> None:
        shown, reason = time.monotonic() + 5, ""
        while True:
            if self.asked_to_stop:
                raise Stopped
            self._look()
            ready, reason = self._readiness()
            if ready:
                return
            if time.monotonic() > shown:
                self._step(f"not ready yet: {reason}")
                shown = time.monotonic() + 10
            time.sleep(0.1)

    def _readiness(self) -> tuple[bool, str]:
        host = self.url.removeprefix("http://").rsplit(":", 1)[0].strip("[]")
        link = http.client.HTTPConnection(host, self.port, timeout=2)
        try:
            link.request("GET", "/readyz")
            answer = link.getresponse()
            body = json.loads(answer.read())
            return answer.status == 200, str(body.get("reason", ""))
        except (OSError, ValueError, http.client.HTTPException):
            return False, "web does not answer yet"
        finally:
            link.close()

    def _welcome(self) -> None:
        self._step("ready")
        say(f"\nMeridian: {self.url}")
        try:
            demo = json.loads((self.data / "demo.json").read_text())
            say(f"Log in as {demo['username']} with {demo['password']}   (also in {self.data / 'demo.json'})")
        except (OSError, ValueError, KeyError):
            pass
        say("Ctrl-C stops it; everything is kept.\n")

    # --- watching ------------------------------------------------------------------------------------------------
    def _look(self) -> None:
        """Restart what died, when its time has come."""
        changed = False
        for child in (self.postgres, self.valkey, *self.workers):
            if child is None:
                continue
            code = child.died()
            if code is not None:
                self._tell_death(child, code)
            held_back = self.waiting and not child.started and not child.name.startswith(processes.FIRST)
            if child.process is None and not held_back and time.monotonic() >= child.restart_at:
                child.start()
                changed = True
            if child in self.workers and child.stands_still():
                self._step(f"{child.name} stood still and is killed; it is started again")
                child.kill()
            child.bound_log()
        if changed:
            self._write_facts()

    def _tell_death(self, child: Child, code: int) -> None:
        """Say which process died and its last words; one that dies of the same cause again and again is told once a minute."""
        last = child.tail(8) if code > 0 else []
        told, at = self.told.get(child.name, ("", 0.0))
        cause = last[-1] if last else str(code)
        if cause == told and time.monotonic() - at < 60:
            return
        self.told[child.name] = (cause, time.monotonic())
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        self._step(f"{child.name} {how}; it is started again. Its log: {child.log}")
        for line in last:
            say(f"            {line}")

    # --- stopping ------------------------------------------------------------------------------------------------
    def _stop(self) -> None:
        """Web, workers, Valkey, PostgreSQL, in this order: nothing is stopped while something that uses it still runs."""
        running = [child for child in (*self.workers, self.valkey, self.postgres) if child is not None and child.alive]
        if not running:
            return
        self._step("stopping")
        # a standby goes first, or it would take over from the engine that stops
        web = [child for child in self.workers if child.name.startswith(("web", processes.STANDBY))]
        rest = [child for child in self.workers if child not in web]
        for group, allowed_s in (
            (web, STOP_WEB_S),
            (rest, STOP_WORKERS_S),
            ([self.valkey], STOP_VALKEY_S),
            ([self.postgres], STOP_POSTGRES_S),
        ):
            present = [child for child in group if child is not None]
            for child in present:
                child.ask_to_stop()
            deadline = time.monotonic() + allowed_s
            for child in present:
                if not child.make_stop(deadline):
                    self._step(
                        f"{child.name} did not stop in time and was killed; what was acknowledged is in PostgreSQL"
                    )
        self._step("stopped")
