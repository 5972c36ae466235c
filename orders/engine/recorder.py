"""What every decision works with and ends in: the core, the journal, the request remembered, the answer."""

from __future__ import annotations

import uuid
from typing import Any

import psycopg

from orders import messages, sentences
from orders._core import Core
from orders.engine import journal, stored
from orders.engine.batch import Batch
from orders.engine.fold import Fold, order_picture
from orders.engine.identity import Identity
from orders.engine.orders import LiveOrder, Orders
from orders.engine.reports import Report, unpack
from orders.engine.stored import Decided
from orders.engine.sweeps import Sweeps
from orders.engine.world import World

REPLAYED = {"Idempotent-Replay": "true"}
AGAIN = {"Retry-After": "1"}


class Recorder:
    """Not thread-safe: the engine's loop owns it. `world` is replaced when rows change."""

    def __init__(self, shard: int, core: Core, chain: journal.Chain, world: World, orders: Orders, fold: Fold) -> None:
        self.shard = shard
        self.core = core
        self.chain = chain
        self.world = world
        self.orders = orders
        self.fold = fold
        self.identity = Identity()
        self.sweeps = Sweeps()

    def journal(self, batch: Batch, raw: bytes, reports: bytes | None = None) -> list[Report]:
        """Journal a command with what the core made of it, and fold that into the batch."""
        made = self.core.reports() if reports is None else reports
        entry = journal.append(self.chain, batch.at_ns, journal.COMMAND, journal.command_payload(raw, made))
        batch.journal.append(entry)
        unpacked = list(unpack(made))
        for report in unpacked:
            self.fold.report(batch, report, entry.seq)
        return unpacked

    def remember(
        self, batch: Batch, order: LiveOrder, request_id: str, body_hash: bytes, kind: str, status: int
    ) -> None:
        """This request is decided: for ever, by its row."""
        account = order.account
        batch.requests.append(
            (account.id, account.owner_id, request_id, body_hash, kind, order.id, self.chain.seq, status, None, batch.at_ns)
        )  # fmt: skip
        self.identity.remember(account.id, request_id, Decided(body_hash, kind, order.id))

    def again(
        self, cursor: psycopg.Cursor[Any], batch: Batch,
        command: messages.Place | messages.Cancel | messages.Amend, known: Decided,
    ) -> None:  # fmt: skip
        """The same request once more: the order as it stands; the same id for something else: refused."""
        if known.body_hash != command.body_hash:
            return say(batch, command, 422, refusal("REQUEST_ID_REUSED"))
        if known.order_id is None:
            return say(batch, command, 500, refusal("DEAD_COMMAND"), REPLAYED)
        accounts = [command.account_id] if isinstance(command, messages.Place) else command.account_ids
        order = self.find(cursor, accounts, str(known.order_id), "")
        if order is None:
            return say(batch, command, 404, refusal("NOT_FOUND"))
        return say(batch, command, 200, order_picture(order), REPLAYED)

    def find(self, cursor: psycopg.Cursor[Any], account_ids: list[int], order_id: str, client: str) -> LiveOrder | None:
        """The order a command names, among these accounts: in memory, else its row."""
        if order_id:
            number = uuid.UUID(order_id)
            found = self.orders.by_id(number)
            if found is not None:
                return found if found.account.id in account_ids else None
            rows = stored.orders(cursor, self.world, stored.BY_ID, (number, account_ids))
        else:
            for account_id in account_ids:
                found = self.orders.by_request(account_id, client)
                if found is not None:
                    return found
            rows = stored.orders(cursor, self.world, stored.BY_REQUEST, (client, account_ids))
        return rows[0] if rows else None


def say(batch: Batch, command: messages.Command, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
    """Answer a command, once it is durable."""
    batch.answer(command.reply_to, command.reply_id, status, body, headers)


def refused_status(code: str) -> int:
    """The status of a no: a rule, unless it is that somebody asks too fast, or by an old picture of the instrument."""
    return {"SPEC_CHANGED": 409, "RATE_ORDERS": 429, "RATE_MESSAGES": 429}.get(code, 422)


def refusal(reason: str | dict[str, Any], order: dict[str, Any] | None = None) -> dict[str, Any]:
    """The body of a no: the code, a sentence, the numbers, and the order where there is one."""
    given = {"code": reason, "limit": None, "value": None} if isinstance(reason, str) else reason
    body: dict[str, Any] = {"code": given["code"], "message": sentences.of(given, order)}
    for number in ("limit", "value"):
        if given.get(number) is not None:
            body[number] = given[number]
    if order is not None:
        body["order"] = order
    return body
