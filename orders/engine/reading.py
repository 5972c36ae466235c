"""The read lane: would this order be taken now? Asked beside the command stream and answered between two calls of the core.

Nothing is journalled or written, no commit is waited for. A call of the core holds the interpreter's lock, so a check sees the
state between two commands, never within one; `as_of_seq` is the journal's number it saw. What is not answered was not asked: the
lane is pub/sub, its questions wait nowhere.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import msgspec

from marketdata import bus as buses
from marketdata import channels, clock
from marketdata.precision import amount_text, to_amount
from orders import fixes, messages, sentences
from orders._core import REASONS, Core, CoreError
from orders.engine import caps, numbers
from orders.engine.batch import dumps
from orders.engine.journal import Chain
from orders.engine.place import arguments
from orders.engine.recorder import refusal
from orders.engine.world import InstrumentSpec, World

log = logging.getLogger(__name__)
LISTEN_S = 1 / 4  # between two looks whether to stop
TRIES = 200  # while the core runs a batch without the lock
PAUSE_S = 1 / 1000

_pack = msgspec.msgpack.Encoder().encode


class ReadLane:
    """Answers checks of one shard, in a thread of its own."""

    def __init__(self, bus: buses.Bus, shard: int, core: Core, chain: Chain, world: Callable[[], World]) -> None:
        self.core, self.chain, self.world = core, chain, world
        self._bus = bus
        self._listener = bus.listener(channels.reads(shard))
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-reads", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopping.set()
        self._thread.join(2)

    def _run(self) -> None:
        while not self._stopping.is_set():
            news = self._listener.get(LISTEN_S)
            if news is not None:
                self._answer(news[1])
        self._listener.close()

    def _answer(self, payload: bytes) -> None:
        try:
            command = messages.decode(payload)
        except msgspec.MsgspecError as error:
            log.error("a question is none: %s", error)
            return
        if isinstance(command, messages.Check):
            status, body = self.check(command)
            try:
                self._bus.publish(command.reply_to, _pack([(command.reply_id, status, {}, dumps(body))]))
            except buses.BusDown as error:
                log.warning("a check was not answered: %s", error)

    def check(self, command: messages.Check) -> tuple[int, dict[str, Any]]:
        """Every control's verdict on the order, in their order; what of it would be refused says what to change."""
        order, world = command.order, self.world()
        account = world.accounts.get(order.account_id)
        spec = world.instruments.get(order.instrument_id)
        if account is None or account.owner_id != command.owner_id or spec is None:
            return 404, refusal("NOT_FOUND")
        verdicts, seq = self._verdicts(arguments(account, order, clock.now_ns(), self.chain.seq + 1))
        results = [_result(order, spec, *verdict) for verdict in verdicts] + self._caps(order, spec)
        return 200, {"ok": all(row["ok"] for row in results), "as_of_seq": seq, "results": results}

    def _verdicts(self, wanted: tuple[int, ...]) -> tuple[list[Any], int]:
        for _ in range(TRIES):
            try:
                return self.core.check(*wanted), self.chain.seq
            except CoreError:
                self._stopping.wait(PAUSE_S)
        raise CoreError("the core is busy")

    def _caps(self, order: messages.Place, spec: InstrumentSpec) -> list[dict[str, Any]]:
        """What the key that asks may place at once; its day's sum is known only to a transaction."""
        if order.order_notional_max is None:
            return []
        worth = caps.notional(self.core, spec, order)
        limit = to_amount(Decimal(order.order_notional_max))
        return [
            _row(
                order,
                spec,
                "KEY_ORDER_MAX",
                worth <= limit,
                amount_text(limit),
                amount_text(worth),
                amount_text(limit - worth),
            )
        ]


def _result(
    order: messages.Place, spec: InstrumentSpec, reason: int, ok: bool, limit: int | None, value: int | None, room: int | None
) -> dict[str, Any]:  # fmt: skip
    code = REASONS.get(reason, str(reason))
    shown = [None if number is None else numbers.show(code, number, spec) for number in (limit, value, room)]
    return _row(order, spec, code, ok, *shown)


def _row(
    order: messages.Place, spec: InstrumentSpec, code: str, ok: bool, limit: str | None, value: str | None, room: str | None
) -> dict[str, Any]:  # fmt: skip
    fix = None
    if not ok:
        measured = [None if text is None else Decimal(text) for text in (limit, value)]
        fix = fixes.of(code, order.side, order.quantity_lots * spec.lot_size, spec.lot_size, *measured)
    message = None if ok else sentences.of({"code": code, "limit": limit, "value": value})
    return {"code": code, "ok": ok, "limit": limit, "value": value, "room": room, "message": message, "fix": fix}
