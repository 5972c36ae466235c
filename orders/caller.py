"""The way to an engine and back, for any process: put a command on its stream, wait for the answer.

Two threads a process: one writes whatever came since its last write in one round trip, one listens for answers. Nothing is
ever written twice: a command whose fate is not known ends in `NoAnswer`, and whoever asked looks in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache

import msgspec
from django.conf import settings
from django.db import Error, connection

from marketdata import bus as buses
from marketdata import channels, clock, failpoints
from marketdata.server_clock import ServerClock
from orders import messages
from orders.models import Lease

ANSWER_S = 2.0  # no decision seen in this time: look in PostgreSQL
OWNER_WAIT_S = 1.0  # how long a shard may be without an owner before a command is refused
BATCH_MAX = 256
HEARD_NS = 250_000_000  # the bus is asked again whether it is there, and what time it has

_replies: msgspec.msgpack.Decoder[list[tuple[int, int, dict[str, str], bytes]]] = msgspec.msgpack.Decoder(
    list[tuple[int, int, dict[str, str], bytes]]
)


class NotAccepted(Exception):
    """Surely nothing was accepted: no engine owns the shard, or the bus refused the connection. Try again later."""


class NoAnswer(Exception):
    """Handed over, or perhaps handed over, and no decision seen in time. Look by request_id; never send again under another."""


Answers = list[messages.Reply | None]  # in the order of the commands; None where no answer was heard in time


@dataclass(slots=True)
class _Parcel:
    """One stream entry on its way: a command, or several that travel together."""

    shard: int
    payload: bytes
    answer: Future[Answers]
    deadline_ns: int
    heard: Answers
    left: int


class Caller:
    """One process's line to the engines. Safe to use from any thread and from event loops."""

    def __init__(self, bus: buses.Bus) -> None:
        self._bus = bus
        self._server_clock = ServerClock(bus)
        self._heard_ns = -HEARD_NS
        self._channel = channels.replies(uuid.uuid4().hex)
        self._next_id = 1
        self._ids = threading.Lock()
        self._out: queue.SimpleQueue[_Parcel] = queue.SimpleQueue()
        self._waiting: dict[int, tuple[_Parcel, int]] = {}  # reply_id -> whose it is, which of its commands
        self._reading: dict[int, Future[messages.Reply]] = {}
        self._epochs: dict[int, int] = {}
        self._listening = threading.Event()
        for name, run in (("caller-writes", self._write), ("caller-listens", self._listen)):
            threading.Thread(target=run, name=name, daemon=True).start()

    def send(self, message: messages.Command, shard: int = 0, timeout_s: float = ANSWER_S) -> messages.Reply:
        """Hand over and wait. Raises NotAccepted or NoAnswer."""
        return _only(self.send_many([message], shard, timeout_s))

    async def ask(self, message: messages.Command, shard: int = 0, timeout_s: float = ANSWER_S) -> messages.Reply:
        """The same from an event loop."""
        return _only(await self.ask_many([message], shard, timeout_s))

    def send_many(self, wanted: list[messages.Command], shard: int = 0, timeout_s: float = ANSWER_S) -> Answers:
        """Hand several over as one stream entry and wait. Raises NotAccepted when surely none was."""
        if not wanted:
            return []
        parcel, first = self._hand_over(wanted, shard)
        try:
            return parcel.answer.result(timeout_s)
        except TimeoutError:
            return self._give_up(parcel)
        finally:
            self._forget(first, len(wanted))

    async def ask_many(self, wanted: list[messages.Command], shard: int = 0, timeout_s: float = ANSWER_S) -> Answers:
        """The same from an event loop."""
        if not wanted:
            return []
        parcel, first = self._hand_over(wanted, shard)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(parcel.answer), timeout_s)
        except TimeoutError:
            return self._give_up(parcel)
        finally:
            self._forget(first, len(wanted))

    def _hand_over(self, wanted: list[messages.Command], shard: int) -> tuple[_Parcel, int]:
        """On its way; with the reply_id of the first command, the others' follow."""
        with self._ids:
            first = self._next_id
            self._next_id += len(wanted)
        sent_ms = self._server_clock.now_ms() or 0
        if len(wanted) == 1:
            addressed = msgspec.structs.replace(wanted[0], reply_to=self._channel, reply_id=first, sent_ms=sent_ms)
            payload = messages.encode(addressed)
        else:
            payload = messages.encode_many([messages.encode(one) for one in wanted], self._channel, first, sent_ms)
        deadline_ns = clock.monotonic_ns() + int(OWNER_WAIT_S * 1e9)
        parcel = _Parcel(shard, payload, Future(), deadline_ns, [None] * len(wanted), len(wanted))
        for place in range(len(wanted)):
            self._waiting[first + place] = (parcel, place)
        self._out.put(parcel)
        return parcel, first

    def _forget(self, first: int, many: int) -> None:
        for reply_id in range(first, first + many):
            self._waiting.pop(reply_id, None)

    def _give_up(self, parcel: _Parcel) -> Answers:
        """Not all answered: perhaps nobody reads that stream any more, so the next command asks again who owns the shard."""
        parcel.answer.cancel()
        self._epochs.pop(parcel.shard, None)
        return list(parcel.heard)

    def read(self, message: messages.Command, shard: int = 0, timeout_s: float = ANSWER_S) -> messages.Reply:
        """Ask the read lane and wait. Raises NotAccepted when nobody listens or answers: a question may be asked again."""
        if not self._listening.wait(OWNER_WAIT_S):
            raise NotAccepted("the bus does not answer")
        with self._ids:
            reply_id = self._next_id
            self._next_id += 1
        answer: Future[messages.Reply] = Future()
        self._reading[reply_id] = answer
        payload = messages.encode(msgspec.structs.replace(message, reply_to=self._channel, reply_id=reply_id))
        try:
            if self._bus.publish(channels.reads(shard), payload):
                return answer.result(timeout_s)
        except (buses.BusDown, TimeoutError):
            answer.cancel()
        finally:
            self._reading.pop(reply_id, None)
        raise NotAccepted("no engine answers questions about this shard at the moment")

    # -- the writing thread ---------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        self._listening.wait(OWNER_WAIT_S)  # an answer must find its listener
        while True:
            parcels = [self._out.get()]
            while len(parcels) < BATCH_MAX and not self._out.empty():
                parcels.append(self._out.get())
            parcels = [parcel for parcel in parcels if not _is_late(parcel)]
            for shard in {parcel.shard for parcel in parcels}:
                self._write_shard(shard, [parcel for parcel in parcels if parcel.shard == shard])

    def _write_shard(self, shard: int, parcels: list[_Parcel]) -> None:
        epoch = self._epochs.get(shard) or self._read_epoch(shard)
        if epoch == 0:
            return self._put_back(shard, parcels)
        if not self._hears():
            for parcel in parcels:
                _refuse(parcel, "the bus does not answer")
            return None
        failpoints.reach("caller.adds")
        try:
            entries = self._bus.add_many(channels.commands(shard, epoch), [parcel.payload for parcel in parcels])
        except buses.BusDown:
            self._heard_ns = -HEARD_NS
            return None  # perhaps written: the answer comes, or the wait ends in NoAnswer
        failpoints.reach("caller.added")
        lost = [parcel for parcel, entry in zip(parcels, entries, strict=True) if entry is None]
        if lost:
            self._epochs.pop(shard, None)
            self._put_back(shard, lost)
        return None

    def _hears(self) -> bool:
        """Whether the bus answered just now: asked before anything is written to one that may be away, because of what
        was written nobody can say that it was not.
        """
        now_ns = clock.monotonic_ns()
        if now_ns - self._heard_ns > HEARD_NS:
            try:
                self._server_clock.look()
            except buses.BusDown:
                return False
            self._heard_ns = now_ns
        return True

    def _put_back(self, shard: int, parcels: list[_Parcel]) -> None:
        """No stream, so nothing was written: try the new owner's, until the deadline."""
        for parcel in parcels:
            if clock.monotonic_ns() > parcel.deadline_ns:
                _refuse(parcel, "no engine owns this shard at the moment")
            else:
                self._out.put(parcel)
        _pause.wait(0.02)
        self._epochs.pop(shard, None)

    def _read_epoch(self, shard: int) -> int:
        """The epoch whose stream is read now; 0 when nobody reads one, or when PostgreSQL cannot say."""
        try:
            epoch = Lease.objects.filter(shard=shard, ready=True).values_list("epoch", flat=True).first() or 0
        except Error:  # this thread must outlive it: nothing is placed any more without it
            epoch = 0
        finally:
            connection.close()
        if epoch:
            self._epochs[shard] = epoch
        return epoch

    # -- the listening thread -------------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        listener = self._bus.listener(self._channel)
        while True:
            if not self._listening.is_set() and listener.open():
                self._listening.set()
            news = listener.get(1.0)
            if news is None:
                continue
            for reply_id, status, headers, body in _replies.decode(news[1]):
                self._hear(reply_id, messages.Reply(status, headers, body))

    def _hear(self, reply_id: int, reply: messages.Reply) -> None:
        """One answer; whoever waits goes on when it was the last of theirs."""
        answer = self._reading.get(reply_id)
        if answer is not None:
            if answer.set_running_or_notify_cancel():
                answer.set_result(reply)
            return
        waiting = self._waiting.pop(reply_id, None)
        if waiting is None:
            return
        parcel, place = waiting
        parcel.heard[place] = reply
        parcel.left -= 1
        if not parcel.left and parcel.answer.set_running_or_notify_cancel():
            parcel.answer.set_result(parcel.heard)


_pause = threading.Event()  # never set: a bounded rest between two looks for an owner


def _only(answers: Answers) -> messages.Reply:
    """The answer to the one command there was. Raises NoAnswer."""
    if answers[0] is None:
        raise NoAnswer
    return answers[0]


def _is_late(parcel: _Parcel) -> bool:
    """Nobody waits for it any more, or it waited for a bus that stands still: it was surely not written, and is not now."""
    if clock.monotonic_ns() > parcel.deadline_ns:
        _refuse(parcel, "it waited too long for the bus")
    return parcel.answer.done()


def _refuse(parcel: _Parcel, why: str) -> None:
    if parcel.answer.set_running_or_notify_cancel():
        parcel.answer.set_exception(NotAccepted(why))


@cache
def default() -> Caller:
    """This process's caller, made on first use (after any fork)."""
    return Caller(buses.HastyBus(settings.REDIS_URL))
