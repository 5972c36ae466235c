"""The web server with a small application in place of Meridian's: what arrives is what the tests ask about.

Run as a program: web_stub.py PORT [NAME=VALUE …], values for terminal/web/bounds.py and for the peers.
"""

from __future__ import annotations

import asyncio
import sys

# first: it installs Twisted's event loop
from terminal.web.server import Server  # isort: skip

from typing import Any

from terminal.web import bounds
from terminal.web.peers import Peers


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await _count_body(scope, receive, send)
    elif scope["type"] == "websocket":
        await _echo(scope, receive, send)


async def _count_body(scope: dict[str, Any], receive: Any, send: Any) -> None:
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = f"{size} bytes from {scope['client'][0]}".encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _echo(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Tells how long each message was; on a path that says so, too late."""
    pause = 60.0 if "slow" in scope["path"] else 0.0
    while True:
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif message["type"] == "websocket.disconnect":
            return
        else:
            await asyncio.sleep(pause)
            await send({"type": "websocket.send", "text": str(len(message.get("text") or message.get("bytes")))})


def main() -> None:
    known = {"PER_ADDRESS": 20, "MOST": 100, "PROXIES": ""} | dict(word.split("=") for word in sys.argv[2:])
    for name, value in known.items():
        if hasattr(bounds, name):
            setattr(bounds, name, float(value))
    peers = Peers(
        int(known["PER_ADDRESS"]), int(known["MOST"]), [one for one in str(known["PROXIES"]).split(",") if one]
    )
    Server(application, [f"tcp:port={sys.argv[1]}:interface=127.0.0.1"], peers).run()


if __name__ == "__main__":
    main()
