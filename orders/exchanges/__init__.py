"""EXCHANGES: which port stands for an exchange, found by its name or else by its source; loaded on use, one table, no
`if`.

A port is named as "module:factory"; the factory takes the shard its accounts live in and gives an Exchange.
"""

from __future__ import annotations

from importlib import import_module

from orders.exchanges.base import Exchange

EXCHANGES = {
    "simulator": "orders.exchanges.sim:remote",
    "replay": "orders.exchanges.sim:remote",
}


def connect(name: str, source: str, shard: int = 0) -> Exchange:
    """The port of an exchange for a process that is not its engine. LookupError when there is none for this kind yet."""
    path = EXCHANGES.get(name) or EXCHANGES.get(source)
    if path is None:
        raise LookupError(
            f"exchange {name} has source {source}, which takes no orders yet; its market can be watched, not traded on"
        )
    module, _, factory = path.partition(":")
    port = getattr(import_module(module), factory)(shard)
    if not isinstance(port, Exchange):
        raise TypeError(f"{path} made a {type(port).__name__}, which is no Exchange")
    return port
