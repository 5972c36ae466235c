"""How every door says no: `{code, message, errors?, limit?, value?, order?}` and a status."""

from __future__ import annotations

from typing import Any

from django.db import InterfaceError, OperationalError
from psycopg_pool import PoolTimeout

#: what a statement raises while PostgreSQL is away
DATABASE_AWAY = (OperationalError, InterfaceError, PoolTimeout)


class ApiError(Exception):
    """A refusal as it goes to the client. `extra` may hold errors (by field), limit, value, order."""

    def __init__(
        self, status: int, code: str, message: str, *, headers: dict[str, str] | None = None, **extra: Any
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}
        self.extra = extra

    def body(self) -> dict[str, Any]:
        """The JSON body."""
        return {"code": self.code, "message": self.message, **self.extra}


class NotFound(ApiError):
    """Not there, or somebody else's: from outside the two look the same."""

    def __init__(self, what: str) -> None:
        super().__init__(404, "NOT_FOUND", f"There is no {what} of yours with that name.")


def database_away() -> ApiError:
    """503: asked before anything was handed over, so surely nothing was done."""
    message = "The database does not answer, so nothing was done. Try again in a second."
    return ApiError(503, "DATABASE_DOWN", message, headers={"Retry-After": "1"})


def invalid(errors: dict[str, str]) -> ApiError:
    """400 with one sentence a field."""
    return ApiError(400, "INVALID", "Some fields cannot be read; nothing was done.", errors=errors)
