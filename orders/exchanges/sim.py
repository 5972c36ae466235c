"""The simulated exchange behind the port: orders of `simulated` accounts stand in the simulator's own books."""

from __future__ import annotations

from orders import caller
from orders.exchanges.inside import CoreExchange, RemoteCoreExchange


class SimExchange(CoreExchange):
    """In the engine's process."""


class RemoteSimExchange(RemoteCoreExchange):
    """From any other process."""


def remote(shard: int) -> RemoteSimExchange:
    """The simulated exchange of a shard, over this process's line to the engines."""
    return RemoteSimExchange(lambda query: caller.default().send(query, shard))
