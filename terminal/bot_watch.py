"""Twice a second: may every bot still do what it may, and does the catalog in memory still say what the database says?

So no frame ever waits for PostgreSQL, and a key that is revoked, narrowed or expired is obeyed within a second.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

from django.db import connection

from orders import auth, catalog
from orders.errors import DATABASE_AWAY
from orders.identity import AuthError, Identity

WATCH_S = 0.4

Seen = dict[tuple[str, str], Identity | AuthError]  # by key and address

log = logging.getLogger(__name__)


class Watched(Protocol):
    """A socket that logged on."""

    key: str
    ip: str

    def renewed(self, identity: Identity) -> None:
        """What the key may do from now on."""

    def revoked(self, error: AuthError) -> None:
        """It may do nothing any more."""


class Watch:
    """One event loop's. Runs while anybody is logged on."""

    def __init__(self) -> None:
        self._watched: WeakSet[Watched] = WeakSet()
        self._task: asyncio.Task[None] | None = None

    def add(self, session: Watched) -> None:
        """Look after this one from now on."""
        self._watched.add(session)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    def forget(self, session: Watched) -> None:
        """The socket is gone."""
        self._watched.discard(session)

    async def _run(self) -> None:
        while self._watched:
            await asyncio.sleep(WATCH_S)
            try:
                seen = await asyncio.to_thread(_look, {(session.key, session.ip) for session in self._watched})
            except DATABASE_AWAY as error:
                log.warning("keys were not looked after: %s", error)
                continue
            except Exception:
                log.exception("keys were not looked after")
                continue
            for session in list(self._watched):
                found = seen.get((session.key, session.ip))
                if isinstance(found, AuthError):
                    session.revoked(found)
                elif found is not None:
                    session.renewed(found)


def _look(keys: set[tuple[str, str]]) -> Seen:
    try:
        catalog.default().keep_fresh()
        return {(key, ip): _one(key, ip) for key, ip in keys}
    finally:
        connection.close()


def _one(key: str, ip: str) -> Identity | AuthError:
    try:
        return auth.admitted_again(key, ip)
    except AuthError as error:
        return error


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def watch() -> Watch:
    """This event loop's."""
    return _watches.setdefault(asyncio.get_running_loop(), Watch())
