"""One bot's session: logon, then orders, many in flight, and the channels of its accounts if it wants them.

Nothing here waits while a frame is received. What a frame asks is read and handed over at once, answered when the engine answers;
what needs PostgreSQL first (a logon, an account never seen) is done by a task, and frames that come meanwhile stand in line.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from marketdata import clock
from orders import auth, catalog, items, parsers, replies, services
from orders.audit import floods
from orders.door import in_thread
from orders.errors import ApiError, invalid
from orders.gathering import gathering
from orders.identity import AuthError, Identity
from orders.messages import Command, Reply
from terminal import frames
from terminal.bad_frames import bad_frames
from terminal.bot_channels import OPS, Channels
from terminal.bot_line import Line
from terminal.bot_watch import watch

PATH = "/ws/bot"
FRAME_BYTES_MAX = 256 * 1024
LOGON_BYTES_MAX = 16 * 1024
LOGON_S = 5.0
IN_FLIGHT_MAX = 1024
WAITING_MAX = 1024  # frames that stand in line
WAITING_BYTES_MAX = 4 * 1024 * 1024
SIGNED_OUT, BAD_FRAMES, TOO_LARGE = 4401, 4400, 1009
ORDER_OPS = frozenset({"place", "amend", "cancel", "cancel_all"})

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class Session:
    """Belongs to one event loop."""

    def __init__(self, line: Line, client_ip: str) -> None:
        self._line = line
        self.ip = client_ip
        self.key = ""
        self._loop = asyncio.get_running_loop()
        self._gathering = gathering()
        self._frames: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._work: asyncio.Task[None] | None = None
        self._looking: set[asyncio.Task[None]] = set()
        self.identity: Identity | None = None
        self.in_flight = 0
        self._channels: Channels | None = None
        self._logon_by = self._loop.call_later(LOGON_S, self._too_late)

    def stop(self) -> None:
        """The socket is gone. What is in flight is decided all the same."""
        watch().forget(self)
        if self._channels:
            self._channels.stop()
        self._logon_by.cancel()
        if self._work:
            self._work.cancel()

    # -- frames ---------------------------------------------------------------------------------------------------------------

    def receive(self, raw: bytes) -> None:
        """A frame came."""
        if self._line.closed:
            return
        if len(raw) > (FRAME_BYTES_MAX if self.identity else LOGON_BYTES_MAX):
            self._line.close(TOO_LARGE)
        elif self._work is None:
            self._begin(raw)
        elif len(self._frames) < WAITING_MAX and self._waiting_bytes + len(raw) <= WAITING_BYTES_MAX:
            self._frames.append(raw)
            self._waiting_bytes += len(raw)
        else:
            self._line.close(BAD_FRAMES)

    def _begin(self, raw: bytes) -> None:
        """Do what a frame asks; leave a task behind where that takes longer than a moment."""
        number: Any = None
        try:
            frame = parsers.parse_object(raw, FRAME_BYTES_MAX)
            number = frame.get("id")
            if not _is_number(number):
                number = None
                raise invalid({"id": "must be a whole number, or text of at most 64 characters"})
            self._do(frame, number)
        except ApiError as error:
            self._refuse(number, error)

    def _do(self, frame: dict[str, Any], number: Any) -> None:
        op = frame.get("op")
        if self.identity is None:
            if op == "logon":
                self._slowly(self._logon(frame, number))
            else:
                self._refuse_logon(number, AuthError(401, "AUTH_INVALID", "Log on first; nothing was done."))
        elif op in ORDER_OPS:
            _only(frame, "op", "id", "order")
            self._read(partial(items.wish, self.identity, str(op), frame.get("order")), partial(self._ask, number))
        elif op == "batch":
            _only(frame, "op", "id", "items")
            wanted = items.checked_items(frame.get("items"))
            self._read(partial(items.read_all, self.identity, wanted), partial(self._ask_all, number))
        elif op in OPS:
            _only(frame, "op", "id", "channels")
            self.identity.require("read")
            self._channels_of(self.identity).ask(_channel_op(frame))
        elif op == "ping":
            _only(frame, "op", "id")
            self._line.say(_encode({"op": "pong", "id": number, "t": clock.now_ms()}))
        else:
            known = ", ".join(("logon", *sorted(ORDER_OPS), "batch", *sorted(OPS), "ping"))
            raise invalid({"op": f"must be one of {known}"})

    def _read(self, read: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Read orders in memory; in a thread when memory does not know their account or instrument."""
        try:
            wishes = read()
        except catalog.NotInMemory:
            self._slowly(self._read_in_thread(read, then))
        else:
            then(wishes)

    async def _read_in_thread(self, read: Callable[[], Any], then: Callable[[Any], None]) -> None:
        then(await in_thread(read)())

    def _slowly(self, doing: Any) -> None:
        self._work = self._loop.create_task(self._finish(doing))

    async def _finish(self, doing: Any) -> None:
        """A task of this frame, then the frames that stood in line."""
        try:
            await doing
        except ApiError as error:
            self._refuse(None, error)
        except Exception:
            log.exception("a bot's frame failed")
            self._line.close(1011)
        self._work = None
        while self._frames and self._work is None and not self._line.closed:
            raw = self._frames.popleft()
            self._waiting_bytes -= len(raw)
            self._begin(raw)

    def _refuse(self, number: Any, error: ApiError) -> None:
        """Say no to a whole frame. Ten frames in ten seconds that are none close the line."""
        self._line.say(items.answer(replies.reply_of(error), _id(number)))
        floods.refused(error.status, error.code, self.ip, "/ws/bot")
        if error.status != 400:
            return
        if bad_frames.is_one_too_many((self.ip, self.key)):
            self._line.close(BAD_FRAMES)

    # -- logon ----------------------------------------------------------------------------------------------------------------

    def _too_late(self) -> None:
        self._refuse_logon(None, AuthError(401, "AUTH_INVALID", "Nobody logged on within 5 seconds."))

    async def _logon(self, frame: dict[str, Any], number: Any) -> None:
        try:
            _only(frame, "op", "id", "key", "timestamp", "signature", "reports")
            identity, limits = await in_thread(_identify)(frame, self.ip)
        except ApiError as error:
            floods.note("ws.auth", self.ip, str(frame.get("key") or ""))
            self._refuse_logon(number, error)
            return
        self._logon_by.cancel()
        self.identity, self.key = identity, frame["key"]
        watch().add(self)
        answer = {"op": "logon", "id": number, "status": 200, "limits": limits}
        self._line.say(_encode(answer))
        if frame.get("reports") is True:
            names: list[str] = limits["accounts"]
            self._channels_of(identity).ask(frames.Op("subscribe", [f"account:{name}" for name in names]))

    def _channels_of(self, identity: Identity) -> Channels:
        self._channels = self._channels or Channels(self._line, identity)
        return self._channels

    def _refuse_logon(self, number: Any, error: ApiError) -> None:
        self._line.say(_encode({"op": "logon", "id": number, "status": error.status, **error.body()}))
        self._line.close(SIGNED_OUT)

    def renewed(self, identity: Identity) -> None:
        """See Watched."""
        if self._channels and identity != self.identity:
            self._channels.narrow(identity)
        self.identity = identity

    def revoked(self, error: AuthError) -> None:
        """See Watched."""
        self._line.say(_encode({"op": "error", **error.body()}))
        self._line.close(SIGNED_OUT)

    # -- orders ---------------------------------------------------------------------------------------------------------------

    def _ask(self, number: Any, wish: items.Wish) -> None:
        """One wish, answered by one frame."""
        self._hand_over(wish, partial(self._answer, number))

    def _answer(self, number: Any, reply: Reply) -> None:
        self._line.say(items.answer(reply, _id(number)))

    def _ask_all(self, number: Any, wishes: list[items.Wish]) -> None:
        """A batch, answered by one frame when its last is."""
        told: list[Reply | None] = [None] * len(wishes)
        left = len(wishes)

        def hear(place: int, reply: Reply) -> None:
            nonlocal left
            told[place] = reply
            left -= 1
            if not left:
                self._line.say(items.answers(told, b'%s"status":207,' % _id(number)))  # type: ignore[arg-type]

        for place, wish in enumerate(wishes):
            self._hand_over(wish, partial(hear, place))

    def _hand_over(self, wish: items.Wish, answer: Callable[[Reply], None]) -> None:
        if isinstance(wish, Reply):
            answer(wish)
        elif self.in_flight >= IN_FLIGHT_MAX:
            answer(replies.too_many_in_flight(IN_FLIGHT_MAX))
        else:
            self.in_flight += 1
            assert self.identity is not None
            self._gathering.ask(self.identity.shard, wish, partial(self._heard, wish, answer))

    def _heard(self, command: Command, answer: Callable[[Reply], None], reply: Reply | None) -> None:
        if reply is None:
            task = self._loop.create_task(self._look_up(command, answer))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
            return
        self.in_flight -= 1
        answer(reply)

    async def _look_up(self, command: Command, answer: Callable[[Reply], None]) -> None:
        assert self.identity is not None
        reply = await in_thread(services.look_up)(self.identity, command)
        self._heard(command, answer, reply)


def _identify(frame: dict[str, Any], client_ip: str) -> tuple[Identity, dict[str, Any]]:
    """Who logs on, and what they may do. Raises AuthError."""
    key, timestamp, signature = (frame.get(name) for name in ("key", "timestamp", "signature"))
    if frame.get("reports") not in (None, True, False):
        raise invalid({"reports": "must be true or false"})
    moment = str(timestamp) if isinstance(timestamp, (int, str)) and not isinstance(timestamp, bool) else ""
    if not isinstance(key, str) or not isinstance(signature, str):
        raise AuthError(401, "AUTH_INVALID", "A logon has key, timestamp and signature; nothing was done.")
    who = auth.signed(key, moment, signature, "GET", PATH, b"", client_ip)
    return who, limits_of(who)


def limits_of(who: Identity) -> dict[str, Any]:
    """What the key may do, and what the socket takes."""
    accounts = [account for account in catalog.default().accounts_of(who.owner_id) if who.may_use_account(account.id)]
    return {
        "scopes": sorted(who.scopes),
        "accounts": [account.name for account in accounts if who.may_use_kind(account.kind)],
        "symbols": None if who.symbols is None else sorted(who.symbols),
        "paper_only": who.paper_only,
        "rate_per_second": who.rate_per_second,
        "order_notional_max": None if who.order_notional_max is None else str(who.order_notional_max),
        "day_notional_max": None if who.day_notional_max is None else str(who.day_notional_max),
        "in_flight": IN_FLIGHT_MAX,
        "batch_items": items.ITEMS_MAX,
        "frame_bytes": FRAME_BYTES_MAX,
    }


def _only(frame: dict[str, Any], *known: str) -> None:
    unknown = frame.keys() - set(known)
    if unknown:
        raise ApiError(400, "UNKNOWN_FIELD", "Some fields are not known; nothing was done.",
                       errors=dict.fromkeys(unknown, "is no field of this frame"))  # fmt: skip


def _channel_op(frame: dict[str, Any]) -> frames.Op:
    """Raises ApiError 400."""
    try:
        return msgspec.convert(frame, frames.Op)
    except msgspec.ValidationError:
        raise invalid(
            {"channels": "must be a list of names; for resume, an object of names and the last q seen"}
        ) from None


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= 64
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**64)


def _id(number: Any) -> bytes:
    """The beginning of an answer."""
    return b'{"id":%d,' % number if type(number) is int else b'{"id":' + _encode(number) + b","
