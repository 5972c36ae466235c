"""A bot's socket, as daphne would serve it, without daphne."""

from __future__ import annotations

import asyncio
import hmac
import json
from hashlib import sha256
from typing import Any

from marketdata import clock
from orders import keys
from terminal.bot_door import BotDoor


async def _inside(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the bots' socket was let through to Channels")


class Bot:
    """Says frames, hears frames. `code` is what the socket was closed with."""

    def __init__(self, path: str = "/ws/bot", client: str = "127.0.0.1", headers: Any = ()) -> None:
        self.code: int | None = None
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._scope = {"type": "websocket", "path": path, "client": (client, 1), "headers": list(headers)}

    async def __aenter__(self) -> Bot:
        self._in.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(BotDoor(_inside)(self._scope, self._in.get, self._out.put))
        assert (await asyncio.wait_for(self._out.get(), 5))["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await asyncio.wait_for(self._task, 5)

    def say(self, **frame: Any) -> None:
        self.raw(json.dumps(frame))

    def raw(self, text: str | bytes) -> None:
        kind = "text" if isinstance(text, str) else "bytes"
        self._in.put_nowait({"type": "websocket.receive", kind: text})

    async def hear(self, limit_s: float = 10) -> dict[str, Any]:
        """The next frame."""
        message = await asyncio.wait_for(self._out.get(), limit_s)
        if message["type"] == "websocket.close":
            self.code = message["code"]
            raise EOFError(f"closed with {self.code}")
        heard: dict[str, Any] = json.loads(message["text"])
        return heard

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Say one and hear its answer."""
        self.say(**frame)
        return await self.hear()

    async def closed(self) -> int:
        """The code it is closed with, whatever is said before."""
        try:
            while True:
                await self.hear()
        except EOFError:
            assert self.code is not None
            return self.code

    async def logon(self, key: Any, secret: str, **more: Any) -> dict[str, Any]:
        return await self.ask(**{**signed(key.key, secret), **more})


def signed(key: str, secret: str, at_ms: int | None = None) -> dict[str, Any]:
    """A logon frame."""
    timestamp = clock.now_ms() if at_ms is None else at_ms
    text = f"{timestamp}GET/ws/bot{sha256(b'').hexdigest()}"
    signature = hmac.new(secret.encode(), text.encode(), sha256).hexdigest()
    return {"op": "logon", "key": key, "timestamp": timestamp, "signature": signature}


def key_of(owner: Any, **what: Any) -> tuple[Any, str]:
    """A key that may trade, and its secret."""
    return keys.create(owner, **{"scopes": ["read", "trade"], "paper_only": True, **what})
