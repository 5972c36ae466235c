"""EXCHANGES: which port stands behind an account's orders, by account.kind, which decides it once; loaded on use, one
table, no `if`.

A port is named as "module:factory"; the factory takes the shard its accounts live in and gives an Exchange.
"""

from __future__ import annotations

from importlib import import_module

from orders.exchanges.base import Exchange

EXCHANGES = {
    "simulated": "orders.exchanges.sim:remote",
    "paper": "orders.exchanges.paper:remote",
}


def connect(name: str, kind: str, shard: int = 0) -> Exchange:
    """The port of an exchange for accounts of a kind, in a process that is not its engine. LookupError when there is none
    for this kind yet.
    """
    path = EXCHANGES.get(kind)
    if path is None:
        raise LookupError(
            f"exchange {name} takes no orders of {kind} accounts yet; its market can be watched, not traded on"
        )
    module, _, factory = path.partition(":")
    port = getattr(import_module(module), factory)(shard)
    if not isinstance(port, Exchange):
        raise TypeError(f"{path} made a {type(port).__name__}, which is no Exchange")
    return port
