"""The engine: the single writer of a shard, as a service of the engine worker.

Read what arrived while the last commit ran; decide it; make it durable in one transaction; then answer and publish. Anything
unexpected ends the process: memory that may differ from PostgreSQL is thrown away and built again.
"""

from __future__ import annotations

import faulthandler
import gc
import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgspec
import psycopg
from django.conf import settings
from django.db import connection as django_connection
from psycopg.conninfo import make_conninfo

from marketdata import bus as buses
from marketdata import channels, clock, failpoints, partitions
from marketdata.server_clock import ServerClock
from marketdata.service import Service
from orders import messages
from orders._core import Core
from orders.engine import copying, equity, journal, ledger, moving, recovery, stops, trips, world
from orders.engine import lease as leases
from orders.engine import orders as books_of_orders
from orders.engine.batch import Batch
from orders.engine.checkpoint import EVERY_ENTRIES, EVERY_S, Checkpointer
from orders.engine.decide import Decider
from orders.engine.drain import Drain
from orders.engine.far import FRONT_PPM
from orders.engine.fold import Books, Fold
from orders.engine.market import Market
from orders.engine.reading import ReadLane
from orders.engine.recorder import Recorder
from orders.engine.reports import unpack as unpack_reports
from orders.engine.tail import Seal
from orders.engine.teller import Teller
from orders.engine.urgent import Urgent
from orders.engine.valuing import Valuer
from orders.flight.recording import Recording

log = logging.getLogger(__name__)

BATCH_MAX = 512  # commands of a batch, give or take those of its last entry
IDLE_NS = 250_000_000  # how often an idle engine renews its lease and looks for halts
LOOK_S = 0.25  # between two looks of a candidate at the shard's owner
STEP_MS = 20  # the simulator's beat, and so the longest wait for commands
SWITCH_INTERVAL_S = 0.0005
AGE_UNKNOWN_MS = 2**31
MINUTE_NS = 60_000_000_000


class EngineService(Service):
    """One shard's engine. `run` is the whole life: lease, recovery, loop, clean stop."""

    name = "engine"

    def __init__(self, shard: int = 0) -> None:
        super().__init__(shard)
        self.bus: buses.Bus = buses.HastyBus(settings.REDIS_URL)
        self.clock = clock.SteadyClock()
        self.server_clock = ServerClock(self.bus)
        self.core = Core()
        self.orders = books_of_orders.Orders()
        self.books = Books()
        self.fold = Fold(shard, self.orders, self.books)
        self.world = world.World()
        self.control_version = -1
        self.reads: ReadLane | None = None
        self.last_id = b"0-0"
        self.arrived: deque[buses.Entry] = deque()  # read after last_id, not decided yet
        self.stream = ""  # '' while commands of the owner before may wait somewhere, or the bus is away
        self.last_txn_ns = 0
        self.kept_ns = 0
        self.ids_lie = False  # the bus server's clock was set back
        self.last_minute = 0
        self.batches = 0

    # -- life -----------------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """See Service.run."""
        faulthandler.enable()
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        owned = self._wait_for_shard()
        if owned is None:
            return
        connection, self.lease = owned
        with connection:
            partitions.ensure_ahead(clock.now().date())
            self._recover(connection)
            gc.collect()
            gc.freeze()
            self.reads = ReadLane(self.bus, self.shard, self.core, self.chain, lambda: self.world)
            self.reads.start()
            log.info("shard %d, epoch %d: recovered at journal seq %d", self.shard, self.lease.epoch, self.chain.seq)
            while not self.stopping.is_set():
                self._turn(connection)
            self._end(connection)

    def detail(self) -> dict[str, Any]:
        """See Service.detail."""
        chain = getattr(self, "chain", None)
        market = getattr(self, "market", None)
        return {
            "acting": chain is not None,
            "seq": chain.seq if chain else 0,
            "batches": self.batches,
            "clock_unsafe": self.clock.unsafe,
            "market_records": market.far.taken if market else 0,
        }

    def _wait_for_shard(self) -> tuple[psycopg.Connection[Any], leases.Lease] | None:
        """Stand by until the shard is ours; None when asked to stop meanwhile. PostgreSQL may be away."""
        candidate, connection, told = leases.Candidate(self.shard), None, False
        while not self.stopping.is_set():
            try:
                if connection is None:
                    connection = psycopg.connect(database(), autocommit=True, connect_timeout=2)
                lease = candidate.take(connection)
                if lease is not None:
                    return connection, lease
                candidate.wait(self.stopping, LOOK_S)
            except psycopg.OperationalError as error:
                if not told:
                    log.warning("PostgreSQL is away; shard %d waits for it: %s", self.shard, error)
                told = True
                candidate.forget()
                if connection is not None:
                    connection.close()
                connection = None
                self.stopping.wait(LOOK_S)
        return None

    def _recover(self, connection: psycopg.Connection[Any]) -> None:
        failpoints.reach("recovery.leased")
        copying.prepare(connection)
        found = recovery.rebuild(connection, self.core, self.shard)
        self.chain, self.seal = found.chain, Seal(self.shard)
        self.flights = Recording(self.shard, self.chain)
        with connection.transaction(), connection.cursor() as cursor:
            self.world = world.read(cursor, self.shard)
            recovery.load_rows(cursor, self.world, self.shard, self.core, self.orders, self.books)
        recovery.compare(self.core, self.world, self.orders, self.books)
        failpoints.reach("recovery.rebuilt")
        self.core.rebuild_books()
        failpoints.hand_on(self.core.fail_at)
        for order_no, arrival, ahead in found.extra.get("queues", []):
            self.core.set_queue(order_no, arrival, ahead)
        self.core.reports()
        self.market = Market(self.core, self.bus, self.world, self.shard)
        self.recorder = Recorder(self.shard, self.core, self.chain, self.world, self.orders, self.fold)
        self.decider = Decider(self.recorder, self.market.exchanges)
        self.teller = Teller(self.core, self.chain, self.orders, self.fold)
        self.valuer = Valuer(self.teller)
        self.urgent = Urgent(self.shard, self.recorder)
        self.urgent.listen(connection)
        self.recorder.sweeps.resumed(self.world.resumed)
        self.checkpointer = Checkpointer(database(), self.shard)
        self.checkpoint_seq, self.checkpoint_ns = found.checkpoint_seq, clock.monotonic_ns()
        told = world.World(halts=found.halts, limits={place: {} for place in found.limits})
        self._transact(connection, [], lambda batch, cursor: self._begin_epoch(batch, told))
        failpoints.reach("recovery.begun")
        self.market.open(found.extra.get("simulator"))
        self._open_stream(connection)
        self.urgent.ready = True

    def _begin_epoch(self, batch: Batch, told: world.World) -> None:
        payload = journal.told_payload("epoch", [self.lease.epoch], {})
        batch.journal.append(journal.append(self.chain, batch.at_ns, journal.EPOCH, payload))
        self.teller.obey(batch, told, self.world)
        self.valuer.open_day(batch, self.world)  # over a midnight nobody saw, from the last marks before it
        for sentence in self.world.wrong:
            log.error("instrument left out: %s", sentence)

    def _open_stream(self, connection: psycopg.Connection[Any]) -> None:
        """Decide what the owner before left, then take commands on a stream of our own. While the bus is away neither is
        possible: the engine goes on without (`stream` is ''), and tries again.
        """

        def transact(entries: list[buses.Entry], more: Any, until: bytes | None) -> None:
            self._transact(connection, entries, more, until)

        try:
            self.server_clock.look()
            self.last_id = self.lease.last_command_id.encode()
            if self.lease.stream_epoch != self.lease.epoch:
                Drain(self.bus, self.lease, transact, BATCH_MAX).run(connection)
            failpoints.reach("recovery.drained")
            # an owner that died before it got here left the stream before its own: callers would add to it for ever
            self.bus.delete_streams(channels.commands_of(self.shard))
            stream = channels.commands(self.shard, self.lease.epoch)
            self.bus.create_stream(stream)
        except buses.BusDown as error:
            log.warning("shard %d takes no commands yet: %s", self.shard, error)
            self.lease = replace(self.lease, last_command_id=self.last_id.decode())
            return
        leases.own_stream(connection, self.lease)
        self.lease = replace(self.lease, stream_epoch=self.lease.epoch)
        self.stream, self.last_id = stream, b"0-0"
        leases.set_ready(connection, self.lease, ready=True)
        log.info("shard %d takes commands under epoch %d", self.shard, self.lease.epoch)

    def _end(self, connection: psycopg.Connection[Any]) -> None:
        """A clean stop: say so, keep the state, let go."""
        leases.set_ready(connection, self.lease, ready=False)
        if self.reads is not None:
            self.reads.stop()
        self.checkpointer.now(self.core, self.chain.seq, self._extra())
        leases.release(connection, self.lease, self.seal.of(self.chain))
        log.info("shard %d: stopped at journal seq %d", self.shard, self.chain.seq)

    # -- the loop -------------------------------------------------------------------------------------------------------------

    def _turn(self, connection: psycopg.Connection[Any]) -> None:
        """One round: commands, market, commit, answers, news."""
        entries = self._read()
        now_ns = self.clock.now_ns()
        self.core.time(now_ns)  # orders that stand only for a time end by it
        self.market.step(now_ns)
        market = self.core.reports()
        minute = now_ns // MINUTE_NS
        due = clock.monotonic_ns() - self.last_txn_ns >= IDLE_NS
        urgent = self.urgent.due(connection, now_ns)
        if entries or market or due or urgent or self.market.far.turns:
            self._transact(connection, entries, lambda batch, cursor: self._market(batch, cursor, market, minute))
            self.last_txn_ns = clock.monotonic_ns()
        self.market.publish()
        if clock.monotonic_ns() - self.kept_ns >= IDLE_NS:
            self.kept_ns = clock.monotonic_ns()
            self._keep(connection)

    def _read(self) -> list[buses.Entry]:
        """The entries of the next batch: it ends with the one that makes BATCH_MAX commands; what was read beyond waits its turn."""
        if not self.arrived:
            try:
                wait_ms = 0 if self.market.far.behind else STEP_MS
                if not self.stream:
                    raise buses.BusDown("there is no stream to read")
                self.arrived.extend(self.bus.read({self.stream: self.last_id}, BATCH_MAX, wait_ms).get(self.stream, []))
            except buses.BusDown:
                self.stopping.wait(STEP_MS / 1000)
        entries: list[buses.Entry] = []
        commands = 0
        while self.arrived and commands < BATCH_MAX:
            entries.append(self.arrived.popleft())
            commands += messages.count(entries[-1].payload)
        return entries

    def _transact(
        self, connection: psycopg.Connection[Any], entries: list[buses.Entry], more: Any, until: bytes | None = None
    ) -> None:
        """Decide entries and whatever `more` adds, durably; then say it. Any failure in here must end the process. `until`
        is how far the stream then is decided, where that is not the last entry.
        """
        at_ns = self.clock.now_ns()
        batch = Batch(at_ns, clock.from_ns(at_ns))
        if entries or until:
            self.last_id = until or entries[-1].id
        commands = [(entry.ms, raw, command) for entry in entries for raw, command in _commands(entry)]
        if entries:
            failpoints.reach("engine.read")
        self.flights.begin()
        with _transaction(connection) as cursor:
            version = self._begin(connection, cursor, [command for _, _, command in commands])
            failpoints.reach("engine.begun")
            if more is not None:  # first: these reports were made before anything is told, and under the old steps
                more(batch, cursor)
            self.core.time(at_ns)  # what was to expire by now does, whether or not anybody trades
            self._fold_market(batch, self.core.reports())
            due = at_ns >= self.world.due_ns
            if due:
                stops.expire(cursor, batch.at)
            moved = bool(self.world.leaving or self.world.arriving)
            if due or moved or (version != self.control_version and self.control_version >= 0):
                self._obey(batch, cursor)
            self.control_version = version
            closed = self.urgent.step(cursor, batch)
            for added_ms, raw, command in commands:
                before = self.chain.seq
                self.decider.decide(cursor, batch, raw, command, self._age_ms(added_ms, command))
                self.flights.decided(command, added_ms, before)
            if commands or closed:
                self._refill(batch)
            trips.write(cursor, batch, self.teller, self.world)
            failpoints.reach("engine.decided")
            self.flights.write(cursor, batch)
            ledger.write(cursor, self.lease, batch)
        self.flights.committed()
        failpoints.reach("engine.committed")
        ledger.mark_stored(batch)
        self.batches += 1
        self._say(batch)
        self.flights.answered()
        failpoints.reach("engine.told")

    def _age_ms(self, added_ms: int, command: messages.Command) -> int:
        """By the bus server's clock. An age nobody knows is too old; then the ids mean nothing, and a new stream is due."""
        age_ms = self.server_clock.age_ms(added_ms, command.sent_ms)
        if age_ms is None:
            self.ids_lie = True
            return AGE_UNKNOWN_MS
        return age_ms

    def _begin(
        self, connection: psycopg.Connection[Any], cursor: psycopg.Cursor[Any], commands: list[messages.Command]
    ) -> int:
        """BEGIN, the lease, and what is known of these requests, in one round trip. The control version, locked."""
        identity = self.recorder.identity
        with connection.pipeline(), connection.cursor() as known:
            connection.execute("BEGIN")
            leases.ask_to_renew(cursor, self.lease, self.last_id.decode(), self.seal.of(self.chain))
            if identity.prepare(known, commands):
                identity.read(known)
            return leases.renewed(cursor, self.lease)

    def _refill(self, batch: Batch) -> None:
        """The market keeps its depth at all times; agents that come back may meet an order of ours."""
        self.market.simulator.ensure_depth(batch.at_ns)
        self._fold_market(batch, self.core.reports())

    def _market(self, batch: Batch, cursor: psycopg.Cursor[Any], market: bytes, minute: int) -> None:
        self._fold_market(batch, market)
        self._turn_markets(batch)
        valued = self.valuer.step(batch, self.world)
        if (
            valued and minute != self.last_minute and not batch.ledger
        ):  # money that moves in this very batch is told by the next one
            self.last_minute = minute
            if not equity.is_told(cursor, clock.from_ns(minute * MINUTE_NS)):
                equity.points(cursor, batch, self.core, self.world)

    def _turn_markets(self, batch: Batch) -> None:
        """Instruments whose market is elsewhere from now on, or here again; the core is told either, and it is journalled."""
        turns, self.market.far.turns = self.market.far.turns, {}
        for instrument_id, on in turns.items():
            spec = self.world.instruments.get(instrument_id)
            if spec is None:
                continue
            if on:
                self.market.leave(instrument_id, batch.at_ns)
                self._fold_market(batch, self.core.reports())
            words = {"on": on, "front_ppm": FRONT_PPM, "at_ns": batch.at_ns}
            self.teller.tell(batch, ("set_mirror", [instrument_id], words))
            self._fold_market(batch, self.core.reports())
            if not on:
                self.market.come_back(spec, batch.at_ns)
                self._fold_market(batch, self.core.reports())
            log.info("%s: its market is %s", spec.symbol, "told from elsewhere" if on else "simulated here")

    def _fold_market(self, batch: Batch, reports: bytes) -> None:
        if not reports:
            return
        entry = journal.append(self.chain, batch.at_ns, journal.MARKET, reports)
        batch.journal.append(entry)
        for report in unpack_reports(reports):
            self.fold.report(batch, report, entry.seq)

    def _obey(self, batch: Batch, cursor: psycopg.Cursor[Any]) -> None:
        """Rows that engines must obey changed: tell the core before anything else is decided."""
        new = world.read(cursor, self.shard)
        arrived = None
        if new.arriving:
            new = moving.settle(cursor, new, self.shard)

            def arrived(account: world.AccountSpec) -> None:
                moving.take(cursor, batch, self.teller, account)

        old, self.world = self.world, new
        self.recorder.world = new
        self.recorder.sweeps.resumed(new.resumed)
        self.market.withdraw_changed(old, new, batch.at_ns)
        self.teller.obey(batch, old, new, arrived)
        moving.let_go(cursor, batch, self.teller, new)
        self.market.obey(old, new, batch.at_ns)

    # -- after the commit -----------------------------------------------------------------------------------------------------

    def _say(self, batch: Batch) -> None:
        """Answers and news. A bus that is away costs a caller a look in PostgreSQL, nothing more."""
        said = [(channel, _pack(replies)) for channel, replies in batch.replies.items()]
        if batch.news:
            said.append((channels.ACCOUNT, channels.encode_account(batch.news)))
        if said:
            try:
                self.bus.publish_many(said)
            except buses.BusDown as error:
                log.warning("answers not delivered: %s", error)

    def _keep(self, connection: psycopg.Connection[Any]) -> None:
        """What an idle moment is for: checkpoints, and a stream that vanished."""
        if not self.checkpointer.busy and self.chain.seq > self.checkpoint_seq:
            old = clock.monotonic_ns() - self.checkpoint_ns > EVERY_S * 1_000_000_000
            if old or self.chain.seq - self.checkpoint_seq > EVERY_ENTRIES:
                self.checkpoint_seq, self.checkpoint_ns = self.chain.seq, clock.monotonic_ns()
                self.checkpointer.start(self.core, self.chain.seq, self._extra())
                # orders by the hundred thousand are no garbage; without this each full collection would look at all of them
                gc.collect(1)
                gc.freeze()
        try:
            self.market.far.follow()
            self.server_clock.look()
            if not self.stream:
                self._open_stream(connection)
            elif self.ids_lie or not self.bus.stream_exists(self.stream):
                self._new_epoch(connection)
            else:
                self.bus.trim(self.stream, self.last_id)
        except buses.BusDown:
            return

    def _new_epoch(self, connection: psycopg.Connection[Any]) -> None:
        """Our stream is gone, or its ids tell no age: what was on it and is lost will be answered so."""
        self.lease = leases.next_epoch(connection, self.lease)
        log.warning("the bus lost the command stream; shard %d goes on under epoch %d", self.shard, self.lease.epoch)
        self.stream, self.ids_lie = "", False
        self.arrived.clear()  # what the old stream still holds is read again
        self._open_stream(connection)

    # -- small things ---------------------------------------------------------------------------------------------------------

    def _extra(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the core."""
        return {
            "simulator": self.market.simulator.state(),
            "queues": self.core.queues(),
            "halts": [[scope, key, state] for (scope, key), state in self.world.halts.items()],
            "limits": [[scope, key] for scope, key in self.world.limits],
        }


@contextmanager
def _transaction(connection: psycopg.Connection[Any]) -> Iterator[psycopg.Cursor[Any]]:
    """A transaction that its first round trip begins and its last one ends (`_begin`, `ledger.write`)."""
    try:
        with connection.cursor() as cursor:
            yield cursor
    except BaseException:
        connection.rollback()
        raise


_pack = msgspec.msgpack.Encoder().encode


def database() -> str:
    """Where PostgreSQL is, as psycopg wants it: the engine keeps connections of its own, outside Django's pool."""
    known = django_connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port", "sslmode", "options")
    return make_conninfo("", **{name: known[name] for name in names if known.get(name)})


def _commands(entry: buses.Entry) -> list[tuple[bytes, messages.Command]]:
    """The commands of an entry; what is none is logged and skipped, it can have come from nobody who waits."""
    if not entry.payload:
        return []
    try:
        return messages.decode_entry(entry.payload)
    except msgspec.MsgspecError as error:
        log.error("stream entry %s is no command: %s", entry.id.decode(), error)
        return []
