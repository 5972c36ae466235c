"""The exchange of paper money behind the port: orders of `paper` accounts rest beside a market that is elsewhere, unseen by
it, and fill as the rules of the mirror say (docs/flow.md); where nothing but bars is told, in the depth the simulator
stands around them.

It knows no more of an order than any exchange would: what stands, and what has traded since its process started.
"""

from __future__ import annotations

from orders import caller
from orders.exchanges.inside import CoreExchange, RemoteCoreExchange


class PaperExchange(CoreExchange):
    """In the engine's process."""


class RemotePaperExchange(RemoteCoreExchange):
    """From any other process."""


def remote(shard: int) -> RemotePaperExchange:
    """The paper exchange of a shard, over this process's line to the engines."""
    return RemotePaperExchange(lambda query: caller.default().send(query, shard))
