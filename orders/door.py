"""The hot door: order entry as plain ASGI in front of Django. One thread hop to read and resolve, then only awaiting.

`POST /api/v1/orders`, its batch and the seed systems' two paths come here; everything else goes to the application inside.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.db import connection

from marketdata import failpoints
from orders import auth, intake, items, pace, parsers, quick, replies, services
from orders.audit import floods
from orders.errors import DATABASE_AWAY, ApiError, database_away
from orders.identity import Identity
from orders.messages import Place, Reply

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PATHS = frozenset({"/api/v1/orders", "/api/v1/orders/", "/order-engine/v1/orders", "/api/order"})
BATCH_PATHS = frozenset({"/api/v1/orders/batch", "/api/v1/orders/batch/"})
log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class ClientGone(Exception):
    """The client left before its request was read; nothing was done."""


class HotDoor:
    """ASGI middleware that answers order entry itself."""

    def __init__(self, inside: Application) -> None:
        self.inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in PATHS:
            await self._answer(_place, scope, receive, send)
        elif scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in BATCH_PATHS:
            await self._answer(_batch, scope, receive, send)
        else:
            await self.inside(scope, receive, send)

    async def _answer(
        self, do: Callable[[Scope, Receive], Awaitable[Reply]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        try:
            reply = await do(scope, receive)
            _note_again(scope, reply)
            failpoints.reach("door.answered")
        except ClientGone:
            return
        except ApiError as error:
            reply = replies.reply_of(error)
            floods.refused(error.status, error.code, _ip(scope), scope["path"])
        except Exception:
            log.exception("order entry failed")
            message = "Something broke here. Look the order up by its request_id before you send it again."
            reply = Reply(500, {}, _encode({"code": "INTERNAL", "message": message}))
        await _answer(send, reply)


async def _place(scope: Scope, receive: Receive) -> Reply:
    body = await _read(scope, receive, parsers.BODY_BYTES_MAX)
    who, command = await in_thread(_admit)(scope, body)
    failpoints.reach("door.admitted")
    return await services.ask_async(who, command, in_thread(services.look_up))


async def _batch(scope: Scope, receive: Receive) -> Reply:
    body = await _read(scope, receive, parsers.BATCH_BYTES_MAX)
    who, wishes = await in_thread(_admit_batch)(scope, body)
    failpoints.reach("door.admitted")
    told = await services.ask_all_async(who, wishes, in_thread(services.look_up_missing))
    return Reply(207, {}, items.answers(told))


def in_thread(function: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
    """To be awaited: it runs in a thread, where it may ask PostgreSQL, and leaves no connection behind."""

    def run(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except DATABASE_AWAY as error:
            log.warning("PostgreSQL did not answer an order: %s", error)
            raise database_away() from None
        finally:
            connection.close()

    return sync_to_async(run, thread_sensitive=False)


async def _read(scope: Scope, receive: Receive, bytes_max: int) -> bytes:
    """The whole body, of at most so many bytes; refused before it is buffered when it says that it is longer."""
    headers = dict(scope["headers"])
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
        raise ApiError(
            415, "NOT_JSON", "Send the order as JSON, with Content-Type: application/json. Nothing was done."
        )
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > bytes_max:
        raise parsers.too_large(bytes_max)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > bytes_max:
            raise parsers.too_large(bytes_max)
        if not message.get("more_body"):
            return bytes(body)


def _who(scope: Scope, body: bytes, bytes_max: int) -> Identity:
    target = scope["raw_path"] if scope.get("raw_path") else scope["path"].encode()
    if scope.get("query_string"):
        target += b"?" + scope["query_string"]
    client = scope.get("client") or ("", 0)
    who = auth.identify(scope["headers"], scope["method"], target, body, client[0], bytes_max=bytes_max)
    who.require("trade")
    return who


def _admit(scope: Scope, body: bytes) -> tuple[Identity, Place]:
    """Who asks, and what."""
    who = _who(scope, body, parsers.BODY_BYTES_MAX)
    pace.take(who, "orders")
    header_id = dict(scope["headers"]).get(b"idempotency-key", b"").decode("latin-1")
    asked = parsers.parse_object(body)
    plain = None if header_id else quick.place(who, asked)
    return who, plain or intake.read_place(who, asked, header_id)


def _admit_batch(scope: Scope, body: bytes) -> tuple[Identity, list[items.Wish]]:
    """The same of a batch."""
    who = _who(scope, body, parsers.BATCH_BYTES_MAX)
    return who, items.read_all(who, items.read_items(parsers.parse_object(body, parsers.BATCH_BYTES_MAX)))


async def _answer(send: Send, reply: Reply) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply.body)).encode()),
               (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]  # fmt: skip
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


def _note_again(scope: Scope, reply: Reply) -> None:
    """A request that was decided before is counted: the same once more, or its id for something else."""
    if "Idempotent-Replay" in reply.headers:
        floods.note("replay", _ip(scope))
    elif reply.status == 422 and reply.body.startswith(b'{"code":"REQUEST_ID_REUSED"'):
        floods.note("idemp", _ip(scope))


def _ip(scope: Scope) -> str:
    return str((scope.get("client") or ("",))[0])
