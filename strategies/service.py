"""The strategy host as a service of its worker: follows the configurations and carries their runs.

The rows are looked at every second; the bus only makes it sooner. One thread, no memory worth keeping: killed at any
moment, the next process takes the lease and goes on where the rows stand.
"""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from django.db import close_old_connections

from marketdata import bus, channels, clock
from marketdata.service import Service
from strategies import runner
from strategies.domain import ParametersRefused
from strategies.lease import HostLease
from strategies.models import Run, StrategyConfig
from strategies.runner import Runner, StrategyFailed
from strategies.services import CannotRun, check

log = logging.getLogger(__name__)

LOOK_S = 1.0
STEPS_A_TURN = 50  # of one run, before the others have their turn


class StrategyService(Service):
    """Hosts every strategy that is wanted running, in whichever process holds the lease."""

    name: ClassVar[str] = "strategies"

    def __init__(self, shard: int = 0) -> None:
        super().__init__(shard)
        self._lease = HostLease()
        self._runners: dict[int, Runner] = {}
        self._accounts: set[int] = set()
        self._series: set[tuple[str, str]] = set()

    def detail(self) -> dict[str, Any]:
        """See Service."""
        return {"acting": bool(self._lease.epoch), "runs": len(self._runners)}

    def run(self) -> None:
        """See Service."""
        listener = bus.default().listener(channels.WAKE, channels.KLINES, channels.ACCOUNT)
        try:
            while not self.stopping.is_set():
                close_old_connections()
                if not self._lease.take():
                    self.stopping.wait(LOOK_S)
                    continue
                self._follow()
                if not self._turn():
                    self._wait_for_news(listener)
        finally:
            listener.close()
        if self._lease.epoch:
            self._lease.release()

    def _follow(self) -> None:
        """Runners for all live runs, new runs for what is wanted running and does not."""
        live = {run.pk: run for run in _live_runs()}
        idle = StrategyConfig.objects.filter(wanted=StrategyConfig.Wanted.RUNNING).exclude(runs__state__in=Run.LIVE)
        for config in idle.select_related("owner", "account__exchange", "instrument__exchange"):
            run = self._begin(config)
            if run is not None:
                live[run.pk] = run
        for gone in self._runners.keys() - live.keys():
            del self._runners[gone]
        for pk, run in live.items():
            if pk not in self._runners:
                self._runners[pk] = Runner(run, self._lease)
        self._accounts = {run.config.account_id for run in live.values()}
        self._series = {(run.config.instrument.exchange.name, run.config.instrument.symbol) for run in live.values()}

    def _begin(self, config: StrategyConfig) -> Run | None:
        try:
            check(config)
            return runner.begin(config, self._lease)
        except (CannotRun, ParametersRefused, StrategyFailed) as refusal:
            log.warning("%s was not started: %s", config.slug, refusal)
            note = f"It was not started: {refusal}"[:300]
            StrategyConfig.objects.filter(pk=config.pk).update(wanted=StrategyConfig.Wanted.STOPPED, note=note)
            return None

    def _turn(self) -> bool:
        """Let every run do what there is to do, within bounds; True when some may have more."""
        busy = False
        for each in list(self._runners.values()):
            steps = 0
            while steps < STEPS_A_TURN and not self.stopping.is_set() and each.step():
                steps += 1
            busy = busy or steps > 0
        return busy

    def _wait_for_news(self, listener: bus.Listener) -> None:
        """Until something of ours may have happened, at most a second."""
        deadline_ns = clock.monotonic_ns() + int(LOOK_S * 1e9)
        while not self.stopping.is_set():
            left_s = (deadline_ns - clock.monotonic_ns()) / 1e9
            if left_s <= 0:
                return
            news = listener.get(min(left_s, 0.25))
            if news is not None and self._is_ours(*news):
                return

    def _is_ours(self, channel: str, payload: bytes) -> bool:
        if channel == channels.WAKE:
            return payload.decode().split(" ")[0] in (channels.WAKE_STRATEGIES, channels.WAKE_HISTORY)
        if channel == channels.ACCOUNT:
            return any(account_id in self._accounts for account_id, _, _ in channels.decode_account(payload))
        return any(bar.closed and (bar.exchange, bar.symbol) in self._series for bar in channels.decode_klines(payload))


def _live_runs() -> list[Run]:
    runs = Run.objects.filter(state__in=Run.LIVE)
    return list(runs.select_related("owner", "config__account", "config__instrument__exchange").order_by("pk"))
