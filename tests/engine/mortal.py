"""An engine that may die at any passage of its I/O: before a statement or a bus call takes effect, or after it, unheard.

One thread, one seed: the engine, its recovery, a real PostgreSQL and a real Valkey. Every exchange of bytes with either is a
passage; `Fate` counts them and ends the life at the one it was told. What was sent stays sent; what was not committed is gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import psycopg

from marketdata import bus, channels
from orders import messages
from orders.engine import checkpoint
from orders.engine.service import database
from tests.engine import hand

Answer = tuple[int, bytes]  # status, body


class Died(BaseException):
    """What a process feels of SIGKILL."""


class Fate:
    """Counts the passages of one life; `dies_at` is its last."""

    def __init__(self) -> None:
        self.passed = self.dies_at = 0
        self.living = self.dead = False

    @contextmanager
    def life(self, dies_at: int = 0) -> Iterator[None]:
        """Passages count in here. 0 = it lives on."""
        self.passed, self.dies_at, self.living, self.dead = 0, dies_at, True, False
        try:
            yield
        finally:
            self.living = False

    def passage(self) -> None:
        """One more; raises Died at the last, and at every one after it: the dead do nothing more."""
        if not self.living:
            return
        if not self.dead:
            self.passed += 1
            self.dead = self.passed == self.dies_at
        if self.dead:
            raise Died


def connections(fate: Fate) -> type[psycopg.Connection[Any]]:
    """A psycopg connection whose every conversation with the server is two passages."""

    class Mortal(psycopg.Connection[Any]):
        def wait(self, *args: Any, **kwargs: Any) -> Any:
            fate.passage()
            result = super().wait(*args, **kwargs)
            fate.passage()
            return result

    return Mortal


class MortalBus:
    """The bus, whose every call is two passages. Keeps the answers that got as far as the bus."""

    def __init__(self, real: bus.Bus, fate: Fate, heard: dict[int, Answer]) -> None:
        self._real, self._fate, self._heard = real, fate, heard

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._real, name)

        def passing(*args: Any, **kwargs: Any) -> Any:
            self._fate.passage()
            result = call(*args, **kwargs)
            if name == "publish_many":
                self._hear(*args)
            self._fate.passage()
            return result

        return passing

    def _hear(self, said: list[tuple[str, bytes]]) -> None:
        for channel, payload in said:
            if channel == channels.replies("hand"):
                for reply_id, status, _, body in msgspec.msgpack.decode(payload):
                    self._heard[reply_id] = (status, body)


class MortalEngine(hand.Engine):
    """The engine by hand, with a fate. `heard` are the answers its callers got, by the number of what they sent."""

    def __init__(self, cast: hand.Cast) -> None:
        self.fate = Fate()
        self.heard: dict[int, Answer] = {}
        self.deaths = 0
        super().__init__(cast)

    @contextmanager
    def mortal_checkpoints(self) -> Iterator[None]:
        """Checkpoints are written over connections with the same fate."""
        real = checkpoint.psycopg.connect
        checkpoint.psycopg.connect = connections(self.fate).connect  # type: ignore[assignment]
        try:
            yield
        finally:
            checkpoint.psycopg.connect = real

    def make(self) -> None:
        """See hand.Engine.make."""
        super().make()
        self.service.bus = MortalBus(bus.default(), self.fate, self.heard)  # type: ignore[assignment]

    def connect(self) -> psycopg.Connection[Any]:
        """See hand.Engine.connect."""
        return connections(self.fate).connect(database(), autocommit=True)

    def send(self, commands: list[messages.Command]) -> list[int]:
        """Put commands on the stream; the numbers their answers will carry."""
        numbers = [next(self._ids) for _ in commands]
        payloads = [
            messages.encode(hand.addressed(command, number)) for command, number in zip(commands, numbers, strict=True)
        ]
        assert all(bus.default().add_many(self.service.stream, payloads))
        return numbers

    def live(self, rounds: int, dies_at: int = 0) -> int:
        """So many rounds of the loop, and a checkpoint; the passages lived through. It may die on the way."""
        try:
            with self.fate.life(dies_at):
                for _ in range(rounds):
                    self.turn()
                with self.mortal_checkpoints():
                    self.service.checkpointer.now(self.core, self.service.chain.seq, self.service._extra())
        except Died:
            self.die()
        return self.fate.passed

    def come_back(self, dies_at: int = 0) -> int:
        """A fresh process after a death; the passages of its start. It may die on the way."""
        try:
            with self.fate.life(dies_at):
                self.start()
        except Died:
            self.die()
        return self.fate.passed

    def die(self) -> None:
        """The kernel takes the process: its sockets close, the server rolls back what was open."""
        self.deaths += 1
        self.connection.pgconn.finish()
