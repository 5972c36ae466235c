"""The channels a bot listens to on its own socket: its accounts', lossless, and the market's, as the browser's sockets have them."""

from __future__ import annotations

import asyncio
import logging

from marketdata import clock
from orders import catalog
from orders.identity import Identity
from terminal import frames
from terminal.account_fanout import account_fanout
from terminal.bot_line import Line
from terminal.clients import Client
from terminal.market_fanout import MarketFanout, market_fanout

OPS = frozenset({"subscribe", "unsubscribe", "resume", "snapshot"})
OPS_MAX = 64
REFUSED_MAX = 3
ACCOUNT = "account:"
BAD_FRAMES = 4400
BEAT_S = 1.0

log = logging.getLogger(__name__)


class Channels:
    """One socket's. Ops are done in order by a task: a snapshot is read from PostgreSQL, and orders do not wait for it."""

    def __init__(self, line: Line, identity: Identity) -> None:
        self._line, self._identity = line, identity
        self._client = Client(self._text, self._close, line.waiting)
        self._client.start()
        self._ops: asyncio.Queue[frames.Op] = asyncio.Queue(OPS_MAX)
        self._market: MarketFanout | None = None
        self._accounts: set[str] = set()
        self._refused = 0
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._work()), loop.create_task(self._beat())]

    def stop(self) -> None:
        """The socket is gone: stop listening for it."""
        for task in self._tasks:
            task.cancel()
        self._client.stop()
        account_fanout().close(self._client)
        if self._market:
            self._market.forget(self._client)

    def ask(self, op: frames.Op) -> None:
        """Do this after what was asked before; who asks too much at once is closed."""
        if self._ops.full():
            self._line.close(BAD_FRAMES)
        else:
            self._ops.put_nowait(op)

    def narrow(self, identity: Identity) -> None:
        """The key may do something else from now on: what it may no longer hear ends."""
        self._identity = identity
        for name in [name for name in self._accounts if not self._may(name)]:
            self._accounts.discard(name)
            account_fanout().close(self._client, name)
            self._client.push(frames.unsubscribed([name]))

    async def _beat(self) -> None:
        """Every second the newest number of each channel, so that even the last frame of a quiet one is missed."""
        while True:
            await asyncio.sleep(BEAT_S)
            told = account_fanout().told(self._client)
            if self._market:
                told |= self._market.told(self._client)
            self._client.offer(frames.beat(clock.now_ms(), told))

    async def _work(self) -> None:
        while True:
            op = await self._ops.get()
            try:
                await self._do(op)
            except Exception:
                log.exception("op %s of a bot failed; it is told and may ask again", op.op)
                self._client.push(frames.error(None, "FAILED", "That could not be done now; ask again in a moment."))

    async def _do(self, op: frames.Op) -> None:
        for name in op.names():
            if op.op == "unsubscribe":
                self._leave(name)
            elif refusal := await self._join(op, name):
                self._line.say(refusal.encode())
                self._refused += 1
                if self._refused == REFUSED_MAX:  # nobody mistypes so often; somebody looks for others' accounts
                    self._line.close(BAD_FRAMES)
        if op.op == "unsubscribe":
            self._client.push(frames.unsubscribed(op.names()))

    async def _join(self, op: frames.Op, name: str) -> str | None:
        """An error frame, or None."""
        if not name.startswith(ACCOUNT):
            self._market = self._market or await market_fanout()
            return self._market.subscribe(self._client, name)
        if not await asyncio.to_thread(self._may, name):
            return frames.error(
                name, "NOT_FOUND", "There is no such account of this key's. Channels are account:<name>."
            )
        known = op.channels if op.op == "resume" and isinstance(op.channels, dict) else {}
        refusal = await account_fanout().open(self._client, self._identity.user_id, name, known.get(name))
        if refusal is None:
            self._accounts.add(name)
        return refusal

    def _leave(self, name: str) -> None:
        if name.startswith(ACCOUNT):
            self._accounts.discard(name)
            account_fanout().close(self._client, name)
        elif self._market:
            self._market.unsubscribe(self._client, name)

    def _may(self, name: str) -> bool:
        """Whether the key reaches the account of a channel, by its name or number."""
        who, wanted = self._identity, name.removeprefix(ACCOUNT)
        mine = catalog.default().accounts_of(who.owner_id)
        found = next((account for account in mine if wanted in (account.name, str(account.id))), None)
        return found is not None and who.may_use_account(found.id) and who.may_use_kind(found.kind)

    async def _text(self, frame: str) -> None:
        self._line.say(frame.encode())

    async def _close(self, code: int) -> None:
        self._line.close(code)
