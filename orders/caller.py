"""The way to an engine and back, for any process: put a command on its stream, wait for the answer.

Two threads a process: one writes whatever came since its last write in one round trip, one listens for answers. Nothing is
ever written twice: a command whose fate is not known ends in `NoAnswer`, and whoever asked looks in PostgreSQL.
"""

from __future__ import annotations

import asyncio
import itertools
import queue
import threading
import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache

import msgspec
from django.db import Error, connection

from marketdata import bus as buses
from marketdata import channels, clock
from orders import messages
from orders.models import Lease

ANSWER_S = 2.0  # no decision seen in this time: look in PostgreSQL
OWNER_WAIT_S = 1.0  # how long a shard may be without an owner before a command is refused
BATCH_MAX = 256

_replies: msgspec.msgpack.Decoder[list[tuple[int, int, dict[str, str], bytes]]] = msgspec.msgpack.Decoder(
    list[tuple[int, int, dict[str, str], bytes]]
)


class NotAccepted(Exception):
    """Surely nothing was accepted: no engine owns the shard, or the bus refused the connection. Try again later."""


class NoAnswer(Exception):
    """Handed over, or perhaps handed over, and no decision seen in time. Look by request_id; never send again under another."""


@dataclass(slots=True)
class _Parcel:
    shard: int
    payload: bytes
    reply_id: int
    answer: Future[messages.Reply]
    deadline_ns: int


class Caller:
    """One process's line to the engines. Safe to use from any thread and from event loops."""

    def __init__(self, bus: buses.Bus) -> None:
        self._bus = bus
        self._channel = channels.replies(uuid.uuid4().hex)
        self._ids = itertools.count(1)
        self._out: queue.SimpleQueue[_Parcel] = queue.SimpleQueue()
        self._waiting: dict[int, Future[messages.Reply]] = {}
        self._epochs: dict[int, int] = {}
        self._listening = threading.Event()
        for name, run in (("caller-writes", self._write), ("caller-listens", self._listen)):
            threading.Thread(target=run, name=name, daemon=True).start()

    def submit(self, message: messages.Command, shard: int = 0) -> Future[messages.Reply]:
        """Hand a command over; the future ends in a Reply or in NotAccepted. It is the caller's to give up waiting."""
        reply_id = next(self._ids)
        answer: Future[messages.Reply] = Future()
        self._waiting[reply_id] = answer
        payload = messages.encode(msgspec.structs.replace(message, reply_to=self._channel, reply_id=reply_id))
        deadline_ns = clock.monotonic_ns() + int(OWNER_WAIT_S * 1e9)
        self._out.put(_Parcel(shard, payload, reply_id, answer, deadline_ns))
        answer.add_done_callback(lambda _: self._waiting.pop(reply_id, None))
        return answer

    def send(self, message: messages.Command, shard: int = 0, timeout_s: float = ANSWER_S) -> messages.Reply:
        """Hand over and wait. Raises NotAccepted or NoAnswer."""
        answer = self.submit(message, shard)
        try:
            return answer.result(timeout_s)
        except TimeoutError:
            self._give_up(answer, shard)
            raise NoAnswer from None

    async def ask(self, message: messages.Command, shard: int = 0, timeout_s: float = ANSWER_S) -> messages.Reply:
        """The same from an event loop."""
        answer = self.submit(message, shard)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(answer), timeout_s)
        except TimeoutError:
            self._give_up(answer, shard)
            raise NoAnswer from None

    def read(self, message: messages.Command, shard: int = 0, timeout_s: float = ANSWER_S) -> messages.Reply:
        """Ask the read lane and wait. Raises NotAccepted when nobody listens or answers: a question may be asked again."""
        if not self._listening.wait(OWNER_WAIT_S):
            raise NotAccepted("the bus does not answer")
        reply_id = next(self._ids)
        answer: Future[messages.Reply] = Future()
        self._waiting[reply_id] = answer
        payload = messages.encode(msgspec.structs.replace(message, reply_to=self._channel, reply_id=reply_id))
        try:
            if self._bus.publish(channels.reads(shard), payload):
                return answer.result(timeout_s)
        except (buses.BusDown, TimeoutError):
            answer.cancel()
        finally:
            self._waiting.pop(reply_id, None)
        raise NotAccepted("no engine answers questions about this shard at the moment")

    def _give_up(self, answer: Future[messages.Reply], shard: int) -> None:
        """Nobody answered: perhaps nobody reads that stream any more, so the next command asks again who owns the shard."""
        answer.cancel()
        self._epochs.pop(shard, None)

    # -- the writing thread ---------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        self._listening.wait(OWNER_WAIT_S)  # an answer must find its listener
        while True:
            parcels = [self._out.get()]
            while len(parcels) < BATCH_MAX and not self._out.empty():
                parcels.append(self._out.get())
            for shard in {parcel.shard for parcel in parcels}:
                self._write_shard(shard, [parcel for parcel in parcels if parcel.shard == shard])

    def _write_shard(self, shard: int, parcels: list[_Parcel]) -> None:
        epoch = self._epochs.get(shard) or self._read_epoch(shard)
        if epoch == 0:
            return self._put_back(shard, parcels)
        try:
            entries = self._bus.add_many(channels.commands(shard, epoch), [parcel.payload for parcel in parcels])
        except buses.BusDown:
            if not self._bus.ping():
                for parcel in parcels:
                    _refuse(parcel, "the bus does not answer")
            return None  # perhaps written: the answer comes, or the wait ends in NoAnswer
        lost = [parcel for parcel, entry in zip(parcels, entries, strict=True) if entry is None]
        if lost:
            self._epochs.pop(shard, None)
            self._put_back(shard, lost)
        return None

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
                answer = self._waiting.get(reply_id)
                if answer is not None and answer.set_running_or_notify_cancel():
                    answer.set_result(messages.Reply(status, headers, body))


_pause = threading.Event()  # never set: a bounded rest between two looks for an owner


def _refuse(parcel: _Parcel, why: str) -> None:
    if parcel.answer.set_running_or_notify_cancel():
        parcel.answer.set_exception(NotAccepted(why))


@cache
def default() -> Caller:
    """This process's caller, made on first use (after any fork)."""
    return Caller(buses.default())
