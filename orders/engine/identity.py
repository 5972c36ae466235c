"""Which requests were decided before. A bounded memory of the newest; PostgreSQL knows the rest, for ever."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import psycopg

from orders import messages
from orders.engine import stored
from orders.engine.stored import Decided

REMEMBERED = 100_000
Key = tuple[int, str]


class Identity:
    """Requests by (account_id, request_id). Ask for a batch first (`prepare`), then one by one (`get`), and say what was decided."""

    def __init__(self) -> None:
        self._newest: OrderedDict[Key, Decided] = OrderedDict()
        self._asked: dict[Key, Decided] = {}

    def prepare(self, cursor: psycopg.Cursor[Any], commands: Iterable[messages.Command]) -> bool:
        """Ask for all requests of a batch that memory does not know, in one SELECT; whether there are any. `read` reads it."""
        self._asked = {}
        newest = self._newest
        keys = {key for command in commands for key in _keys(command) if key not in newest}
        if keys:
            stored.ask_decided(cursor, keys)
        return bool(keys)

    def read(self, cursor: psycopg.Cursor[Any]) -> None:
        """What PostgreSQL knew of them."""
        self._asked = stored.read_decided(cursor)

    def get(self, account_id: int, request_id: str) -> Decided | None:
        """What was decided under this request_id, in this batch or ever before."""
        return self._newest.get((account_id, request_id)) or self._asked.get((account_id, request_id))

    def remember(self, account_id: int, request_id: str, decided: Decided) -> None:
        """Decided now."""
        self._newest[account_id, request_id] = decided
        if len(self._newest) > REMEMBERED:
            self._newest.popitem(last=False)


def _keys(command: messages.Command) -> list[Key]:
    if isinstance(command, messages.Place):
        return [(command.account_id, command.request_id)]
    if isinstance(command, (messages.Cancel, messages.Amend)):
        return [(account_id, command.request_id) for account_id in command.account_ids]
    return []
