"""The bots' socket as plain ASGI, in front of Channels and Django: every microsecond of a frame is an order later.

By a signed logon frame; cookies and Origin mean nothing here, because a browser cannot sign.
"""

from __future__ import annotations

from orders.door import Application, Receive, Scope, Send
from terminal.bot_line import Line
from terminal.bot_session import PATH, Session


class BotDoor:
    """ASGI middleware that answers /ws/bot itself."""

    def __init__(self, inside: Application) -> None:
        self.inside = inside

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and scope["path"] == PATH:
            await _serve(scope, receive, send)
        else:
            await self.inside(scope, receive, send)


async def _serve(scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    if message["type"] != "websocket.connect":
        return
    await send({"type": "websocket.accept"})
    session = Session(Line(send), (scope.get("client") or ("", 0))[0])
    try:
        while (message := await receive())["type"] == "websocket.receive":
            text = message.get("text")
            session.receive(text.encode() if text is not None else message.get("bytes") or b"")
    finally:
        session.stop()
