"""Letting trading go on: a person, and a clean comparison with the exchange.

A halt stays until somebody releases it. Before that the open orders of every account it stops are compared with what their
exchange says of them; what was merely not heard is told to the engine and compared again, what nobody can explain keeps the
halt where it is.
"""

from __future__ import annotations

from typing import Any

from marketdata import clock
from orders import caller, poll, services
from orders.errors import ApiError
from orders.models import Account, Halt, Owner

ROUNDS = 3  # a missed fill is told to the engine in the first and gone in the second
PASSES_MAX = 20  # of 500 orders each; whoever has more open waits for the poll, which goes round all the time


def release(scope: str, key: str, *, by: str, reason: str = "", owner: Owner | None = None) -> Halt:
    """Let a scope trade again. Raises ApiError 409 DIFFERENCE_OPEN or 503 NOT_COMPARED; then the halt stays."""
    clean(affected(scope, key, owner))
    return services.set_halt(scope, key, Halt.State.ACTIVE, by=by, reason=reason, owner=owner)


def affected(scope: str, key: str, owner: Owner | None) -> list[int] | None:
    """The accounts a halt of this scope stops; None = every one there is."""
    if scope == Halt.Scope.GLOBAL or scope == Halt.Scope.INSTRUMENT:
        return None
    found = Account.objects.all()
    if scope == Halt.Scope.EXCHANGE:
        found = found.filter(exchange__name=key)
    elif scope in (Halt.Scope.ACCOUNT, Halt.Scope.POSITION):
        found = found.filter(name=key.partition("|")[0])
    elif owner is not None:
        found = found.filter(owner=owner)
    return list(found.values_list("pk", flat=True))


def clean(account_ids: list[int] | None) -> None:
    """Raises ApiError unless every open order of these accounts is as its exchange says."""
    found = poll.Pass()
    for _ in range(ROUNDS):
        found = _compare(account_ids)
        if found.differences:
            raise ApiError(
                409, "DIFFERENCE_OPEN",
                f"{_many(found.differences, 'differs', 'differ')} from what the exchange says, so trading stays stopped. Compare "
                "with the exchange, cancel what should not stand, and resume then.", value=str(found.differences),
            )  # fmt: skip
        if found.unreachable:
            raise _not_compared(found.unreachable)
        if not found.mended:
            return
    raise _not_compared(found.mended)


def _compare(account_ids: list[int] | None) -> poll.Pass:
    """One look at all of them."""
    sums: dict[str, int] = {"asked": 0, "mended": 0, "differences": 0, "unreachable": 0}
    after: Any = None
    for _ in range(PASSES_MAX):
        done = poll.poll(
            lambda report, shard: caller.default().send(report, shard), clock.now(), after, account_ids=account_ids
        )
        for name in sums:
            sums[name] += getattr(done, name)
        after = done.next_after
        if after is None:
            break
    return poll.Pass(**sums)


def _not_compared(orders: int) -> ApiError:
    return ApiError(
        503, "NOT_COMPARED",
        f"{_many(orders, 'could', 'could')} not be compared with the exchange, so trading stays stopped. Try again in a few seconds.",
        headers={"Retry-After": "2"},
    )  # fmt: skip


def _many(orders: int, one: str, many: str) -> str:
    return f"One open order {one}" if orders == 1 else f"{orders} open orders {many}"
