"""The sockets of the browser: `/ws/market` (lossy, conflated) and `/ws/account` (lossless, sequenced, resumable).

By session, and only from a page of ours: the Origin must have our scheme, host and port. Nothing waits for the database while
a frame is received: ops go to a bounded queue and one task of the socket does them in order.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Any
from urllib.parse import urlsplit

import msgspec
from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import connection

from marketdata import clock
from orders.audit import floods
from orders.flight import painting
from orders.throttles import buckets
from terminal import frames
from terminal.account_fanout import account_fanout
from terminal.bad_frames import bad_frames
from terminal.clients import Client, hold_little, transport_bytes, writer_of
from terminal.market_fanout import MarketFanout, market_fanout

log = logging.getLogger(__name__)

SIGNED_OUT = 4401
WRONG_ORIGIN = 4403
BAD_FRAME = 4400
TOO_LARGE = 1009  # as the protocol has it
OPS_MAX = 64
BEAT_S = 1.0
PAINTED_PER_S = 1  # frames of browser stamps, a user
PAINTED_BURST = 10


class Consumer(AsyncWebsocketConsumer, ABC):
    """What both sockets share: who may come in, ops in order, a heartbeat, a paced writer."""

    client: Client
    _tasks: list[asyncio.Task[None]]

    async def connect(self) -> None:
        """Accept first, refuse after: only an accepted socket can tell the page why it was closed."""
        self._tasks = []
        await self.accept()
        user = self.scope.get("user")
        ip = str((self.scope.get("client") or ("",))[0])
        if not same_origin(self.scope):
            floods.note("ws.origin", ip)
            await self.close(WRONG_ORIGIN)
            return
        if user is None or not user.is_authenticated:
            floods.note("ws.auth", ip)
            await self.close(SIGNED_OUT)
            return
        self.user_id = int(user.pk)
        hold_little(self.base_send)
        self.client = Client(self._text, self.close, lambda: transport_bytes(self.base_send), writer_of(self.base_send))
        self.client.start()
        self._ops: asyncio.Queue[frames.Op] = asyncio.Queue(OPS_MAX)
        self._tasks = [asyncio.create_task(self._beat()), asyncio.create_task(self._work())]

    async def disconnect(self, code: int) -> None:
        """Leave nothing behind."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            self.client.stop()
            await self.leave()

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Understand an op and queue it."""
        raw = text_data.encode() if text_data is not None else bytes_data or b""
        if len(raw) > frames.FRAME_MAX:
            floods.note("limit", str((self.scope.get("client") or ("",))[0]), "socket frame")
            await self.close(TOO_LARGE)
            return
        if not self._tasks or self.client.dead:
            return
        try:
            op = frames.decode(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            await self._refuse()
            return
        if op.op == "ping":
            self.client.push(frames.pong(op, clock.now_ms()))
        elif self._ops.full():
            await self.close(BAD_FRAME)
        else:
            self._ops.put_nowait(op)

    async def _refuse(self) -> None:
        """Say that this was no frame; who sends nothing else is sent away, and stays so for a while on a new line too."""
        if bad_frames.is_one_too_many(((self.scope.get("client") or [""])[0], self.user_id)):
            await self.close(BAD_FRAME)
            self.client.stop()
        else:
            self.client.push(frames.error(None, "INVALID", 'A frame is {"op": …, "channels": […]}; nothing was done.'))

    @abstractmethod
    async def do(self, op: frames.Op) -> None:
        """subscribe, unsubscribe, resume, snapshot."""

    @abstractmethod
    async def leave(self) -> None:
        """The socket is gone: stop listening for it."""

    @abstractmethod
    def told(self) -> dict[str, int]:
        """The number of the last frame of each channel that was put on this line."""

    async def _text(self, frame: str) -> None:
        await self.send(text_data=frame)

    async def _work(self) -> None:
        while True:
            op = await self._ops.get()
            try:
                await self.do(op)
            except Exception:
                log.exception("op %s failed; the page is told and may ask again", op.op)
                self.client.push(frames.error(None, "FAILED", "That could not be done now; ask again in a moment."))

    async def _beat(self) -> None:
        while True:
            self.client.offer(frames.beat(clock.now_ms(), self.told()))
            await asyncio.sleep(BEAT_S)


class MarketConsumer(Consumer):
    """Books, trades, tickers, bars. A resume is a snapshot: old market data is worth nothing."""

    fanout: MarketFanout | None = None

    async def do(self, op: frames.Op) -> None:
        if op.op in ("subscribe", "resume", "snapshot"):
            self.fanout = self.fanout or await market_fanout()
            for name in op.names():
                if refusal := self.fanout.subscribe(self.client, name):
                    self.client.push(refusal)
        elif op.op == "unsubscribe":
            for name in op.names():
                if self.fanout:
                    self.fanout.unsubscribe(self.client, name)
            self.client.push(frames.unsubscribed(op.names()))
        else:
            self.client.push(_unknown(op))

    async def leave(self) -> None:
        if self.fanout:
            self.fanout.forget(self.client)

    def told(self) -> dict[str, int]:
        return self.fanout.told(self.client) if self.fanout else {}


class AccountConsumer(Consumer):
    """Orders, fills, positions, balances and risk of the user's own accounts."""

    async def do(self, op: frames.Op) -> None:
        fanout = account_fanout()
        if op.op in ("subscribe", "snapshot", "resume"):
            known = op.channels if op.op == "resume" and isinstance(op.channels, dict) else {}
            for name in op.names():
                if refusal := await fanout.open(self.client, self.user_id, name, known.get(name)):
                    self.client.push(refusal)
        elif op.op == "unsubscribe":
            for name in op.names():
                fanout.close(self.client, name)
            self.client.push(frames.unsubscribed(op.names()))
        elif op.op == "painted":
            if not buckets.wait_s(("painted", self.user_id), PAINTED_PER_S, PAINTED_BURST):  # more are let go
                await sync_to_async(_keep, thread_sensitive=False)(self.user_id, op.flights)
        else:
            self.client.push(_unknown(op))

    async def leave(self) -> None:
        account_fanout().close(self.client)

    def told(self) -> dict[str, int]:
        return account_fanout().told(self.client)


def _keep(user_id: int, flights: list[list[int | str]]) -> None:
    try:
        painting.keep(user_id, flights)
    finally:
        connection.close()


def _unknown(op: frames.Op) -> str:
    return frames.error(
        None, "INVALID", f'There is no op "{op.op[:32]}". Ops: subscribe, unsubscribe, resume, snapshot, ping.'
    )


def same_origin(scope: dict[str, Any]) -> bool:
    """Whether the page that opened the socket is ours: scheme, host and port, all three. Other programs than browsers send none and
    are refused too; bots have /ws/bot."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if origin in settings.CSRF_TRUSTED_ORIGINS:
        return True
    forwarded = headers.get(b"x-forwarded-proto", b"").decode("latin-1") if settings.SECURE_PROXY_SSL_HEADER else ""
    secure = scope.get("scheme") == "wss" or forwarded == "https"
    parts = urlsplit(origin)
    return parts.scheme == ("https" if secure else "http") and bool(host) and parts.netloc.lower() == host
