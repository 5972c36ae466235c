"""Helpers of the socket tests: a browser's socket, and the frames it hears."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator

from terminal.routing import websocket_urlpatterns

ORIGIN = "http://terminal.test:8000"


class Browser:
    """A page's socket: signed in as `user`, opened from `origin`."""

    def __init__(self, path: str, user: Any, origin: str | None = ORIGIN, host: str = "terminal.test:8000") -> None:
        headers = [(b"host", host.encode())] + ([(b"origin", origin.encode())] if origin else [])
        self.line = WebsocketCommunicator(URLRouter(websocket_urlpatterns), path, headers=headers)
        self.line.scope["user"] = user

    async def __aenter__(self) -> Browser:
        accepted, _ = await self.line.connect(timeout=5)
        assert accepted
        return self

    async def __aexit__(self, *failure: object) -> None:
        await self.line.disconnect(timeout=5)

    async def say(self, **message: Any) -> None:
        await self.line.send_to(text_data=json.dumps(message))

    async def hear(self, limit_s: float = 5) -> dict[str, Any]:
        """The next frame that is no heartbeat."""
        while True:
            frame: dict[str, Any] = json.loads(await self.line.receive_from(timeout=limit_s))
            if frame.get("op") != "beat":
                return frame

    async def hear_for(self, seconds: float) -> list[dict[str, Any]]:
        """All frames of a while, heartbeats too."""
        frames, loop = [], asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            # receive_nothing does not cancel the socket's task as a timed-out receive would
            if not await self.line.receive_nothing(timeout=min(left, 0.05), interval=0.005):
                frames.append(json.loads(await self.line.receive_from(timeout=1)))
        return frames

    async def closed(self) -> int:
        """The code the server closes it with."""
        while True:
            message = await self.line.receive_output(timeout=5)
            if message["type"] == "websocket.close":
                return int(message["code"])
