"""The hot door: order entry as plain ASGI in front of Django. One thread hop to read and resolve, then only awaiting.

`POST /api/v1/orders` and the seed systems' two paths come here; everything else goes to the application inside.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from asgiref.sync import sync_to_async
from django.db import connection

from orders import auth, intake, parsers, services, throttles
from orders.errors import DATABASE_AWAY, ApiError, database_away
from orders.identity import Identity
from orders.messages import Place, Reply

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PATHS = frozenset({"/api/v1/orders", "/api/v1/orders/", "/order-engine/v1/orders", "/api/order"})
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
            await self._place(scope, receive, send)
        else:
            await self.inside(scope, receive, send)

    async def _place(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            body = await _read(scope, receive)
            who, command = await sync_to_async(_admit, thread_sensitive=False)(scope, body)
            reply = await services.ask_async(who, command, sync_to_async(_look_up, thread_sensitive=False))
        except ClientGone:
            return
        except ApiError as error:
            reply = services.reply_of(error)
        except Exception:
            log.exception("order entry failed")
            message = "Something broke here. Look the order up by its request_id before you send it again."
            reply = Reply(500, {}, _encode({"code": "INTERNAL", "message": message}))
        await _answer(send, reply)


async def _read(scope: Scope, receive: Receive) -> bytes:
    """The whole body, at most 64 KB; refused before it is buffered when it says that it is longer."""
    headers = dict(scope["headers"])
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
        raise ApiError(
            415, "NOT_JSON", "Send the order as JSON, with Content-Type: application/json. Nothing was done."
        )
    declared = headers.get(b"content-length", b"0")
    if not declared.isdigit() or int(declared) > parsers.BODY_BYTES_MAX:
        raise parsers.too_large(parsers.BODY_BYTES_MAX)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += message.get("body", b"")
        if len(body) > parsers.BODY_BYTES_MAX:
            raise parsers.too_large(parsers.BODY_BYTES_MAX)
        if not message.get("more_body"):
            return bytes(body)


def _admit(scope: Scope, body: bytes) -> tuple[Identity, Place]:
    """Who asks, and what. In a thread: it may look in PostgreSQL."""
    try:
        target = scope["raw_path"] if scope.get("raw_path") else scope["path"].encode()
        if scope.get("query_string"):
            target += b"?" + scope["query_string"]
        client = scope.get("client") or ("", 0)
        who = auth.identify(scope["headers"], scope["method"], target, body, client[0])
        who.require("trade")
        _pace(who)
        header_id = dict(scope["headers"]).get(b"idempotency-key", b"").decode("latin-1")
        return who, intake.read_place(who, parsers.parse_object(body), header_id)
    except DATABASE_AWAY as error:
        log.warning("PostgreSQL did not answer an order: %s", error)
        raise database_away() from None
    finally:
        connection.close()


def _pace(who: Identity) -> None:
    """A key's own rate; the account's is the core's to judge."""
    if who.rate_per_second:
        wait_s = throttles.buckets.wait_s((who.bucket, "orders"), who.rate_per_second, who.rate_per_second)
        if wait_s:
            message = (
                f"This key may place {who.rate_per_second} orders a second; this one was not placed. Try again shortly."
            )
            raise ApiError(429, "RATE_KEY", message, headers={"Retry-After": str(max(1, round(wait_s)))})


def _look_up(who: Identity, command: Place) -> Reply:
    try:
        return services.look_up(who, command)
    finally:
        connection.close()


async def _answer(send: Send, reply: Reply) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(reply.body)).encode()),
               (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]  # fmt: skip
    headers += [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})
