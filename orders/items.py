"""Wishes as `orders/batch` and the bots' socket send them, `{"op", "order"}`: read into commands, answered as results.

Every item stands for itself: one that cannot be read is answered with its own status and stops nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orders import catalog, intake, messages, pace, quick, replies, services
from orders.errors import ApiError, invalid
from orders.identity import Identity
from orders.messages import Reply

ITEMS_MAX = 500
OPS = ("place", "amend", "cancel")
TARGETS = ("id", "client")

Wish = messages.Command | Reply  # what an engine is asked, or what is already refused


def read_items(body: Mapping[str, Any]) -> list[Any]:
    """The items of a batch. Raises ApiError 400 for what is no batch at all."""
    unknown = body.keys() - {"items", "api_key"}
    if unknown:
        raise ApiError(400, "UNKNOWN_FIELD", "A batch has items and nothing else; nothing was done.",
                       errors={str(name): "is no field of a batch" for name in unknown})  # fmt: skip
    return checked_items(body.get("items"))


def checked_items(items: Any) -> list[Any]:
    """A list of items, neither empty nor too long. Raises ApiError 400."""
    if not isinstance(items, list) or not 0 < len(items) <= ITEMS_MAX:
        raise invalid({"items": f"must be a list of 1 to {ITEMS_MAX} items"})
    return items


def read_all(identity: Identity, items: Sequence[Any]) -> list[Wish]:
    """Every item as a command, or as the refusal it is answered with."""
    return [read(identity, item) for item in items]


def read(identity: Identity, item: Any) -> Wish:
    """One item."""
    try:
        if not isinstance(item, dict) or item.keys() - {"op", "order"}:
            raise invalid({"item": 'must be {"op": …, "order": {…}} and nothing else'})
        op = item.get("op")
        if op not in OPS:
            raise invalid({"op": f"must be one of {', '.join(OPS)}"})
        return read_order(identity, str(op), item.get("order"))
    except ApiError as error:
        return replies.reply_of(error)


def wish(identity: Identity, op: str, order: Any) -> Wish:
    """One op with its order."""
    try:
        return read_order(identity, op, order)
    except ApiError as error:
        return replies.reply_of(error)


def read_order(identity: Identity, op: str, order: Any) -> messages.Command:
    """The command an op and its order make. Raises ApiError."""
    identity.require("trade")
    if not isinstance(order, dict):
        raise invalid({"order": "must be an object"})
    if op == "place":
        pace.take(identity, "orders")
        return quick.place(identity, order) or intake.read_place(identity, order)
    if op == "cancel_all":
        pace.take(identity, "cancels")
        return read_sweep(identity, order)
    pace.take(identity, "cancels" if op == "cancel" else "orders")
    if op == "cancel" and (plain := quick.cancel(identity, order)) is not None:
        return plain
    target, rest = _target(order)
    if op == "cancel":
        return intake.read_cancel(identity, target, rest)
    return intake.read_amend(identity, target, rest)


def _target(order: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Which order is meant, as intake names it, and the other fields."""
    given = [name for name in TARGETS if order.get(name) is not None]
    if len(given) != 1:
        raise invalid({"id": "must be there, or client, one of the two: it says which order is meant"})
    name = order[given[0]]
    if not isinstance(name, str):
        raise invalid({given[0]: "must be text"})
    target = f"client:{name}" if given[0] == "client" else name
    if given[0] == "id" and name.startswith("client:"):
        raise invalid({"id": "must be our id of the order; its request_id goes into client"})
    return target, {name: value for name, value in order.items() if name not in TARGETS and value is not None}


def read_sweep(identity: Identity, order: Mapping[str, Any]) -> messages.CancelAll:
    """A cancel of everything that passes the filters. Raises ApiError 400, 404, 422."""
    reader = intake.reader_of(order, ("account", "exchange", "symbol", "side", "strategy_id"))
    texts = {name: reader.text(name, longest) for name, longest in (("account", 64), ("exchange", 32), ("symbol", 48))}
    side = reader.word("side", intake.SIDES) if order.get("side") is not None else None
    strategy_id = reader.text("strategy_id", 64) if order.get("strategy_id") is not None else None
    reader.done()
    reach = intake.reachable(identity)
    known = catalog.default()
    accounts = [account for account in known.accounts_of(identity.owner_id) if account.id in reach]
    if texts["account"]:
        accounts = [account for account in accounts if account.name == texts["account"]]
        if not accounts:
            raise intake.not_found()
    if texts["exchange"]:
        accounts = [account for account in accounts if account.exchange == texts["exchange"].lower()]
    instrument_id = None
    if texts["symbol"]:
        instrument_id = intake.instrument_of(texts["exchange"], texts["symbol"]).id
    return messages.CancelAll(
        owner_id=identity.owner_id, key_id=identity.key_id, account_ids=[account.id for account in accounts],
        instrument_id=instrument_id, side=side, strategy_id=strategy_id,
    )  # fmt: skip


def answer(reply: Reply, before: bytes = b"{") -> bytes:
    """A reply as a result: its status and what it says, the engine's bytes as they are. `before` begins the object."""
    start = b'%s"status":%d,' % (before, reply.status)
    if reply.status < 300 and not reply.body.startswith(b'{"results"'):
        return start + b'"order":' + reply.body + b"}"
    again = reply.headers.get("Retry-After")
    if again:
        start += b'"retry_after":%s,' % again.encode()
    return start + reply.body[1:]


def send(who: Identity, given: Sequence[Any]) -> Reply:
    """Read and hand over a whole batch, and wait: 207 with a result an item."""
    return Reply(207, {}, answers(services.ask_all(who, read_all(who, given))))


def answers(told: Sequence[Reply], before: bytes = b"{") -> bytes:
    """All results of a batch."""
    return before + b'"results":[' + b",".join([answer(reply) for reply in told]) + b"]}"
