"""One request into the hot door, as daphne would hand it over."""

from __future__ import annotations

import json
from typing import Any

from orders.door import HotDoor


async def _inside(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the door let an order through to Django")


async def post(body: Any, key: str, path: str = "/api/v1/orders", **headers: str) -> tuple[int, dict[str, str], Any]:
    """(status, headers, answer); the api_key in the body says who asks."""
    raw = body if isinstance(body, bytes) else json.dumps({**body, "api_key": key}).encode()
    sent: list[dict[str, Any]] = []
    given = {"content-type": "application/json", "content-length": str(len(raw)), **headers}
    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"", "client": ("127.0.0.1", 1),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in given.items()],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": raw, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await HotDoor(_inside)(scope, receive, send)
    headers_out = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers_out, json.loads(sent[1]["body"])
