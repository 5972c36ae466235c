"""Commands of every socket of this event loop, gathered for one turn of it and sent as one entry of the stream.

No timer: what came in one turn travels together, so an idle loop sends at once and a busy one sends few, long entries.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from weakref import WeakKeyDictionary

from orders import caller, services
from orders.messages import Command, Reply

TOGETHER_MAX = 512  # commands of one entry

Hear = Callable[[Reply | None], None]  # None: handed over, and no answer was heard in time

log = logging.getLogger(__name__)


class Gathering:
    """One event loop's. Not thread-safe: the loop owns it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._gathered: dict[int, list[tuple[Command, Hear]]] = {}
        self._due = False
        self._travelling: set[asyncio.Task[None]] = set()

    def ask(self, shard: int, command: Command, hear: Hear) -> None:
        """Hand a command over at the end of this turn; `hear` is called once, in the loop."""
        self._gathered.setdefault(shard, []).append((command, hear))
        if not self._due:
            self._due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._due = False
        gathered, self._gathered = self._gathered, {}
        for shard, asked in gathered.items():
            for begin in range(0, len(asked), TOGETHER_MAX):
                task = self._loop.create_task(self._send(shard, asked[begin : begin + TOGETHER_MAX]))
                self._travelling.add(task)
                task.add_done_callback(self._travelling.discard)

    async def _send(self, shard: int, asked: list[tuple[Command, Hear]]) -> None:
        answers: caller.Answers
        try:
            answers = await caller.default().ask_many([command for command, _ in asked], shard)
        except caller.NotAccepted:
            answers = [services.not_accepted()] * len(asked)
        except Exception:
            log.exception("%d commands were perhaps not sent; whoever asked looks them up", len(asked))
            answers = [None] * len(asked)
        for (_, hear), answer in zip(asked, answers, strict=True):
            hear(answer)


_gatherings: WeakKeyDictionary[asyncio.AbstractEventLoop, Gathering] = WeakKeyDictionary()


def gathering() -> Gathering:
    """This event loop's."""
    loop = asyncio.get_running_loop()
    found = _gatherings.get(loop)
    if found is None:
        found = _gatherings[loop] = Gathering()
    return found
