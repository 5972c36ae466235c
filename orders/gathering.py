"""Commands of every socket of this event loop, gathered for one turn of it and sent as one entry of the stream.

No timer: what came in one turn travels together, so an idle loop sends at once and a busy one sends few, long entries. No thread:
the bus is written to and heard in the loop itself. The rules are the caller's (caller.py): nothing is sent twice, a command
whose fate is not known ends as None, and whoever asked looks in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from weakref import WeakKeyDictionary

import msgspec
from django.conf import settings

from marketdata import channels, clock, failpoints
from marketdata.bus_line import BusLine
from orders import messages, owners, replies
from orders.caller import ANSWER_S, OWNER_WAIT_S
from orders.messages import Command, Reply

TOGETHER_MAX = 512  # commands of one entry
PLACES_MAX = 8192  # commands of this process that wait for answers: more places are refused
PLACES_WHILE_LATE = 512  # so many when the oldest has waited for long: a cancel stands in the same line, and must not
LATE_NS = 200_000_000
CANCELS_MAX = 16384  # and more of anything
LOOK_S = 0.02
OWNER_REST_S = 0.02

Hear = Callable[[Reply | None], None]  # None: handed over, and no answer was heard in time

log = logging.getLogger(__name__)
_replies: msgspec.msgpack.Decoder[list[tuple[int, int, dict[str, str], bytes]]] = msgspec.msgpack.Decoder(
    list[tuple[int, int, dict[str, str], bytes]]
)


class _Asked:
    """Commands that travel together."""

    __slots__ = ("commands", "deadline_ns", "first", "hears", "shard")

    def __init__(self, shard: int, commands: list[bytes], hears: list[Hear]) -> None:
        self.shard, self.commands, self.hears = shard, commands, hears
        self.deadline_ns = clock.monotonic_ns() + int(OWNER_WAIT_S * 1e9)
        self.first = 0


class Gathering:
    """One event loop's. Not thread-safe: the loop owns it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._channel = channels.replies(uuid.uuid4().hex)
        self._line = BusLine(settings.REDIS_URL, self._channel, self._heard)
        self._gathered: dict[int, _Asked] = {}
        self._due = False
        self._next_id = 1
        self.backlog = 0  # commands that are not answered yet
        self.late = False  # the oldest of them has waited for long
        self._waiting: dict[int, Hear] = {}
        self._travelling: deque[tuple[int, int, _Asked]] = deque()  # (given up at, how many, what), oldest first
        self._epochs: dict[int, int] = {}
        self._looking = False
        self._homeless: deque[_Asked] = deque()
        self._seeking: asyncio.Task[None] | None = None

    def ask(self, shard: int, command: Command, hear: Hear) -> None:
        """Hand a command over at the end of this turn; `hear` is called once, in the loop."""
        most = PLACES_WHILE_LATE if self.late else PLACES_MAX
        if self.backlog >= most and (self.backlog >= CANCELS_MAX or not _lowers_risk(command)):
            hear(replies.overloaded())
            return
        asked = self._gathered.get(shard)
        if asked is None or len(asked.commands) >= TOGETHER_MAX:
            if asked is not None:
                self._send(asked)
            asked = self._gathered[shard] = _Asked(shard, [], [])
        asked.commands.append(messages.encode(command))
        asked.hears.append(hear)
        self.backlog += 1
        if not self._due:
            self._due = True
            self._loop.call_soon(self._flush)

    async def answers(self, shard: int, commands: Sequence[Command]) -> list[Reply | None]:
        """The same for whoever awaits: all answers, in the order of the commands."""
        if not commands:
            return []
        told: list[Reply | None] = [None] * len(commands)
        left = len(commands)
        done: asyncio.Future[None] = self._loop.create_future()

        def hear(place: int, reply: Reply | None) -> None:
            nonlocal left
            told[place] = reply
            left -= 1
            if not left and not done.done():  # whoever asked may have gone
                done.set_result(None)

        for place, command in enumerate(commands):
            self.ask(shard, command, partial(hear, place))
        await done
        return told

    def _flush(self) -> None:
        self._due = False
        gathered, self._gathered = self._gathered, {}
        for asked in gathered.values():
            self._send(asked)

    def _send(self, asked: _Asked) -> None:
        epoch = self._epochs.get(asked.shard)
        if epoch is None or not self._line.ready:
            self._wait_for_owner(asked)
            return
        asked.first = self._next_id
        self._next_id += len(asked.commands)
        for number, hear in enumerate(asked.hears, asked.first):
            self._waiting[number] = hear
        until_ns = clock.monotonic_ns() + int(ANSWER_S * 1e9)
        self._travelling.append((until_ns, len(asked.commands), asked))
        self._look_soon()
        failpoints.reach("caller.adds")
        payload = messages.encode_many(asked.commands, self._channel, asked.first, self._line.clock.now_ms() or 0)
        self._line.add(
            channels.commands(asked.shard, epoch), payload, lambda written: self._written(asked, epoch, written)
        )

    def _written(self, asked: _Asked, epoch: int, written: bool | None) -> None:
        """On the stream; or surely not, and then there may be a new owner; or nobody knows: the answer comes, or it does not."""
        if written is not False:
            failpoints.reach("caller.added")
            return
        if self._epochs.get(asked.shard) == epoch:
            del self._epochs[asked.shard]
        for number in range(asked.first, asked.first + len(asked.commands)):
            self._waiting.pop(number, None)
        self._wait_for_owner(asked)

    def _heard(self, payload: bytes) -> None:
        """An engine's answers."""
        for number, status, headers, body in _replies.decode(payload):
            hear = self._waiting.pop(number, None)
            if hear is not None:
                self._tell(hear, Reply(status, headers, body))

    def _tell(self, hear: Hear, reply: Reply | None) -> None:
        """One answer; whoever cannot hear it keeps it from nobody else."""
        self.backlog -= 1
        try:
            hear(reply)
        except Exception:
            log.exception("an answer was not passed on")

    # -- what is not answered -------------------------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        if not self._looking:
            self._looking = True
            self._loop.call_later(LOOK_S, self._look)

    def _look(self) -> None:
        """Give up what is too old, oldest first."""
        self._looking = self.late = False
        now_ns = clock.monotonic_ns()
        while self._travelling:
            until_ns, many, asked = self._travelling[0]
            silent = [number for number in range(asked.first, asked.first + many) if number in self._waiting]
            if silent and until_ns > now_ns:
                self.late = now_ns - until_ns > LATE_NS - int(ANSWER_S * 1e9)
                self._look_soon()
                return
            self._travelling.popleft()
            if silent:  # perhaps nobody reads that stream any more
                self._epochs.pop(asked.shard, None)
            for number in silent:
                self._tell(self._waiting.pop(number), None)

    # -- who owns a shard -----------------------------------------------------------------------------------------------------

    def _wait_for_owner(self, asked: _Asked) -> None:
        """Nothing is written: until the deadline there may be an owner."""
        self._homeless.append(asked)
        if self._seeking is None:
            self._seeking = self._loop.create_task(self._seek())

    async def _seek(self) -> None:
        try:
            while self._homeless:
                homeless, self._homeless = self._homeless, deque()
                for shard in {asked.shard for asked in homeless}:
                    epoch = await asyncio.to_thread(owners.epoch_of, shard) if self._line.ready else 0
                    if epoch:
                        self._epochs[shard] = epoch
                for asked in homeless:
                    if clock.monotonic_ns() > asked.deadline_ns:
                        for hear in asked.hears:
                            self._tell(hear, replies.not_accepted())
                    elif self._line.ready and asked.shard in self._epochs:
                        self._send(asked)
                    else:
                        self._homeless.append(asked)
                await asyncio.sleep(OWNER_REST_S)
        finally:
            self._seeking = None


def _lowers_risk(command: Command) -> bool:
    return isinstance(command, (messages.Cancel, messages.CancelAll))


_gatherings: WeakKeyDictionary[asyncio.AbstractEventLoop, Gathering] = WeakKeyDictionary()


def gathering() -> Gathering:
    """This event loop's."""
    loop = asyncio.get_running_loop()
    found = _gatherings.get(loop)
    if found is None:
        found = _gatherings[loop] = Gathering()
    return found
