"""How every door says no: `{code, message, errors?, limit?, value?, order?}` and a status."""

from __future__ import annotations

from typing import Any


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


def invalid(errors: dict[str, str]) -> ApiError:
    """400 with one sentence a field."""
    return ApiError(400, "INVALID", "Some fields cannot be read; nothing was done.", errors=errors)
