"""daphne's server with our connections in place of its own."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

from daphne import server as daphne
from daphne.http_protocol import HTTPFactory

from terminal.web import bounds
from terminal.web.channel import BoundedChannel, BoundedRequest
from terminal.web.peers import Peers
from terminal.web.sockets import BoundedSocket, BoundedSockets


class BoundedFactory(HTTPFactory):  # type: ignore[misc]
    """Makes the connections, each of which begins with HTTP."""

    protocol = BoundedChannel

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        """One more."""
        made = super().buildProtocol(addr)
        made.requestFactory = BoundedRequest  # daphne has put its own there
        made.timeOut = bounds.IDLE_S
        return made


class Server(daphne.Server):  # type: ignore[misc]
    """Serves one application on one address."""

    def __init__(self, application: Any, endpoints: list[str], peers: Peers) -> None:
        super().__init__(
            application, endpoints, server_name="Meridian", verbosity=0,
            ping_interval=bounds.PING_S, ping_timeout=bounds.PONG_S,
            websocket_timeout=bounds.SOCKET_S, websocket_connect_timeout=bounds.DEADLINE_S,
            websocket_max_message_size=bounds.FRAME_BYTES_MAX, websocket_max_frame_size=bounds.FRAME_BYTES_MAX,
            application_close_timeout=bounds.CLOSE_S,
        )  # fmt: skip
        self.peers = peers

    def run(self) -> None:
        """Until a signal ends it."""
        # daphne makes its factories by these names
        daphne.HTTPFactory, daphne.WebSocketFactory = BoundedFactory, BoundedSockets
        super().run()

    def create_application(self, protocol: Any, scope: dict[str, Any]) -> asyncio.Queue[dict[str, Any]] | None:
        """As daphne's, with a bounded queue for a socket and the client's own address from behind a proxy."""
        address = self.peers.behind_proxy(protocol.transport)
        if address:
            scope["client"] = [address, 0]
        scope.setdefault("asgi", {"version": "3.0"})
        queue = protocol.inbox() if isinstance(protocol, BoundedSocket) else asyncio.Queue()
        running = self.application(scope=scope, receive=queue.get, send=partial(self.handle_reply, protocol))
        if protocol not in self.connections:
            running.close()
            return None
        self.connections[protocol]["application_instance"] = asyncio.ensure_future(running)
        return queue

    def kill_all_applications(self) -> Any:
        """At the end. A connection that has not asked for anything yet has no application."""
        self.connections = {p: known for p, known in self.connections.items() if "application_instance" in known}
        return super().kill_all_applications()
