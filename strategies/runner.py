"""Carries runs forward: one event, one transaction; wishes are sent after its commit, in order, until each is answered.

What makes a kill at any step harmless:

* The state, the cursor of the event and the wishes it caused are written in one transaction: an event counts once or
  not yet.
* The n-th wish of a run has the request_id `<run>:<n>`, written with it. It is sent until answered, and the engine
  knows a request_id for ever: a second sending finds the first one's order.
* Nothing is kept in memory but when to try again.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import Error as DatabaseError
from django.db import transaction

from marketdata import clock, failpoints, intervals
from strategies import live, sending
from strategies.base import Strategy
from strategies.desk import Desk
from strategies.domain import Report, parse_parameters
from strategies.lease import HostLease
from strategies.library import STRATEGIES
from strategies.models import Intent, Run, Signal, StrategyConfig
from strategies.sending import Fate

log = logging.getLogger(__name__)

RESUME_KLINES_MAX = 3  # after an absence, older klines than these are history, not news
SOURCE = "strategy"

Tell = Callable[[Strategy, Desk], None]


class StrategyFailed(Exception):
    """The strategy's own code raised. Its event leaves no trace."""


def begin(config: StrategyConfig, lease: HostLease) -> Run:
    """A new run of a configuration, told of its start. Raises ParametersRefused or StrategyFailed; then there is no
    run."""
    with transaction.atomic():
        lease.check()
        before = config.runs.first()
        run = Run(
            owner=config.owner,
            config=config,
            start_number=config.start_number,
            parameters=config.parameters,
            saved=before.saved if before is not None else {},
            kline_cursor=live.newest_closed(config.instrument_id, config.interval),
            report_cursor=live.newest_report(config.account_id),
            position=live.position_row(config.account_id, config.instrument_id, config.slug),
            started_at=clock.now(),
        )
        run.save()
        _tell(run, run.started_at, lambda strategy, desk: strategy.on_start(desk))
        failpoints.reach("event.written")
    failpoints.reach("event.committed")
    return run


class Runner:
    """Carries one run. Made anew whenever a host takes the run up."""

    def __init__(self, run: Run, lease: HostLease) -> None:
        self.run_id = run.pk
        self._lease = lease
        self._retry_at_ns = 0
        self._wait_s = sending.WAIT_FIRST_S
        self._last_sent = clock.now()  # a predecessor may have sent until now
        self._step_over_history(run)

    def step(self) -> bool:
        """Do the next thing there is to do; False when there is nothing (now)."""
        run = Run.objects.select_related("owner", "config__instrument__exchange", "config__account").get(pk=self.run_id)
        if run.state not in Run.LIVE:
            return False
        if self._is_unwanted(run):
            self._stop()
            return True
        return self._send_next(run) or self._hear_reports(run) or self._see_kline(run) or self._end_if_settled(run)

    # -- sending ------------------------------------------------------------------------------------------------------

    def _send_next(self, run: Run) -> bool:
        intent = run.intents.filter(answered_at=None).select_related("owner", "run__config").first()
        if intent is None or clock.monotonic_ns() < self._retry_at_ns:
            return False
        fate = sending.judge(intent, self._last_sent)
        if fate is Fate.LOST:
            self._answered(intent, sending.LOST)
            return True
        answer = None
        if fate is Fate.SEND:
            failpoints.reach("send.begin")
            self._last_sent = clock.now()
            answer = sending.send(intent)
            failpoints.reach("send.answered")
        if answer is None:
            self._note(
                run, f"Waiting for an engine to decide {intent.request_id}; it is asked again under the same id."
            )
            self._retry_at_ns = clock.monotonic_ns() + int(self._wait_s * 1e9)
            self._wait_s = min(self._wait_s * 2, sending.WAIT_MAX_S)
            return False
        self._retry_at_ns, self._wait_s = 0, sending.WAIT_FIRST_S
        self._answered(intent, answer)
        failpoints.reach("send.recorded")
        return True

    def _answered(self, intent: Intent, answer: sending.Answer) -> None:
        """Write an answer down. That an order was refused is an event for the strategy, unless its report came
        first."""
        at = clock.now()

        def change(run: Run) -> Tell | None:
            intent.refresh_from_db(from_queryset=Intent.objects.select_for_update())
            is_news = answer.refusal is not None and not intent.ended
            intent.answered_at, intent.status, intent.answer = at, answer.status, answer.refusal
            intent.ended = intent.ended or answer.refusal is not None or intent.kind == Intent.Kind.CANCEL
            intent.save()
            run.note = "" if run.ends_as != Run.State.FAILED else run.note
            if answer.refusal is None or intent.kind == Intent.Kind.CANCEL:
                return None
            run.last_refusal = {**answer.refusal, "request_id": intent.request_id, "at": clock.iso(at)}
            return _about(sending.refused_report(intent, answer.refusal, at)) if is_news else None

        self._event(at, change)

    # -- events -------------------------------------------------------------------------------------------------------

    def _hear_reports(self, run: Run) -> bool:
        heard, top = live.reports_after(run.config.account_id, run.config.slug, run.report_cursor)
        for row in heard:
            self._hear(row)
        if not heard and top > run.report_cursor:
            Run.objects.filter(pk=run.pk).update(report_cursor=top)  # others' rows only: no event, nothing to lose
        return bool(heard)

    def _hear(self, row: live.Heard) -> None:
        def change(run: Run) -> Tell | None:
            run.report_cursor = row.seq
            run.position = row.position(run.config.instrument) or run.position
            intent = run.intents.filter(request_id=row.request_id, kind=Intent.Kind.PLACE).first()
            if intent is None or (intent.ended and row.exec_type == "8"):
                return None  # another run's order, or a refusal of which its answer told already
            report = row.report(intent.number)
            if report.is_final and not intent.ended and not report.leg:
                run.intents.filter(pk=intent.pk).update(ended=True)
            return _about(report)

        self._event(row.at, change)

    def _see_kline(self, run: Run) -> bool:
        if run.state != Run.State.RUNNING:
            return False
        config = run.config
        if run.kline_cursor is None:
            newest = live.newest_closed(config.instrument_id, config.interval)
            if newest is not None:
                Run.objects.filter(pk=run.pk, kline_cursor=None).update(kline_cursor=newest)
            return newest is not None
        bars = live.klines_after(config.instrument_id, config.interval, run.kline_cursor, limit=1)
        if not bars:
            return False

        def change(run: Run) -> Tell:
            run.kline_cursor = clock.from_ms(bars[0].open_ms)
            return lambda strategy, desk: strategy.on_kline(desk, bars[0])

        self._event(live.close_time(bars[0], config.interval), change)
        return True

    def _event(self, at: datetime, change: Callable[[Run], Tell | None]) -> None:
        """One event, one transaction: `change` moves the cursor and says what to tell; then the strategy's decision
        and wishes.

        When the strategy fails, all of it is undone, and the event is gone through again without telling."""
        try:
            with transaction.atomic():
                self._lease.check()
                failpoints.reach("event.begin")
                run = _locked(self.run_id)
                tell = change(run)
                if tell is None or run.ends_as == Run.State.FAILED:
                    run.save()
                else:
                    _tell(run, at, tell)
                failpoints.reach("event.written")
        except StrategyFailed as failure:
            self._fail(str(failure))
        failpoints.reach("event.committed")

    # -- beginning and ending -----------------------------------------------------------------------------------------

    def _is_unwanted(self, run: Run) -> bool:
        config = run.config
        wanted = config.wanted == StrategyConfig.Wanted.RUNNING and config.start_number == run.start_number
        return run.state == Run.State.RUNNING and not wanted

    def _stop(self) -> None:
        """A person's stop: the strategy is told, its open orders are withdrawn; it ends when all of them have ended."""

        def change(run: Run) -> Tell:
            run.state = Run.State.STOPPING
            return lambda strategy, desk: strategy.on_stop(desk)

        self._event(clock.now(), change)

    def _fail(self, sentence: str) -> None:
        """The strategy's code is broken: withdraw what it left standing, tell people, start it no more by itself."""
        with transaction.atomic():
            self._lease.check()
            run = _locked(self.run_id)
            run.state, run.ends_as, run.note = Run.State.STOPPING, Run.State.FAILED, sentence
            _withdraw_all(run)
            StrategyConfig.objects.filter(pk=run.config_id).update(wanted=StrategyConfig.Wanted.STOPPED)

    def _end_if_settled(self, run: Run) -> bool:
        if run.state != Run.State.STOPPING:
            return False
        if run.intents.filter(answered_at=None).exists():
            return False
        standing = run.intents.filter(ended=False).count()
        if standing:
            self._note(run, f"Stopping; {standing} of its orders have not ended yet.")
            return False
        with transaction.atomic():
            self._lease.check()
            run = _locked(self.run_id)
            run.state, run.ended_at = run.ends_as, clock.now()
            run.note = run.note if run.ends_as == Run.State.FAILED else ""
            run.save()
        return True

    def _step_over_history(self, run: Run) -> None:
        """After an absence only the newest kline is told of: orders on yesterday's prices are nobody's intention."""
        config = run.config
        if run.kline_cursor is None or run.state != Run.State.RUNNING:
            return
        waiting = live.klines_waiting(config.instrument_id, config.interval, run.kline_cursor, RESUME_KLINES_MAX + 1)
        if len(waiting) <= RESUME_KLINES_MAX:
            return
        length = timedelta(milliseconds=intervals.length_ms(config.interval))
        before_newest = clock.from_ms(waiting[-1].open_ms) - length
        missed = (before_newest - run.kline_cursor) // length
        Run.objects.filter(pk=run.pk).update(kline_cursor=before_newest, klines_missed=run.klines_missed + missed)
        log.warning("%s: %d klines closed while nobody was there; it goes on at the newest", run, missed)

    def _note(self, run: Run, sentence: str) -> None:
        if run.note != sentence:
            Run.objects.filter(pk=run.pk).update(note=sentence)


def _locked(run_id: int) -> Run:
    runs = Run.objects.select_for_update(of=("self",))
    run: Run = runs.select_related("owner", "config__instrument__exchange", "config__account").get(pk=run_id)
    return run


def _tell(run: Run, at: datetime, tell: Tell) -> None:
    """Inside a transaction: let the strategy decide, and write its state and wishes on the run. Raises
    StrategyFailed."""
    config = run.config
    desk = live.LiveDesk(
        instrument=config.instrument,
        interval=config.interval,
        at=at,
        held=live.position_of(run.position),
        next_number=run.next_number,
        newest_open=run.kline_cursor,
        is_open=run.state == Run.State.RUNNING,
    )
    kind = STRATEGIES[config.strategy]
    try:
        strategy = kind(parse_parameters(kind.parameters, run.parameters), live.market_of(config.instrument))
        strategy.load(run.saved)
        tell(strategy, desk)
        run.saved = strategy.save()
    except DatabaseError:
        raise
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        log.exception("%s failed", run)
        sentence = f"The strategy failed at {where.name} line {where.lineno}: {type(error).__name__}: {error}."
        raise StrategyFailed(f"{sentence} Its open orders are withdrawn; its position stays as it is.") from error
    failpoints.reach("event.told")
    for wish in desk.wishes:
        _write(run, wish)
    if run.state == Run.State.STOPPING:
        _withdraw_all(run)
    Signal.objects.bulk_create(
        Signal(owner=run.owner, run=run, at=at, side=made.side, price=made.price, note=made.note)
        for made in desk.signals
    )
    run.events += 1
    run.save()


def _write(run: Run, wish: live.Wish) -> None:
    config = run.config
    fields = wish.fields and {
        **wish.fields,
        "account": config.account.name,
        "strategy_id": config.slug,
        "source": SOURCE,
    }
    Intent.objects.create(
        owner=run.owner,
        run=run,
        number=wish.number,
        request_id=run.request_id(wish.number),
        kind=Intent.Kind.PLACE if wish.cancels is None else Intent.Kind.CANCEL,
        fields=fields,
        target="" if wish.cancels is None else run.request_id(wish.cancels),
        created_at=clock.now(),
    )
    run.next_number = wish.number + 1


def _withdraw_all(run: Run) -> None:
    """Wish to cancel every order of the run that has not ended and is not being canceled."""
    leaving = set(run.intents.filter(kind=Intent.Kind.CANCEL, answered_at=None).values_list("target", flat=True))
    for number, request_id in run.intents.filter(kind=Intent.Kind.PLACE, ended=False).values_list(
        "number", "request_id"
    ):
        if request_id not in leaving:
            _write(run, live.Wish(run.next_number, cancels=number))
    run.save()


def _about(report: Report) -> Tell:
    return lambda strategy, desk: strategy.on_report(desk, report)
