"""Who somebody is once they are in: their owner, what they may do, how they came."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from orders.errors import ApiError
from orders.models import Owner
from orders.shapes import PAPER_KINDS


class AuthError(ApiError):
    """401 or 403. What it says is the same for an unknown key and for a wrong signature."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks and what they may do. `account_ids` and `symbols` None = all of the owner's; `via`: how they came in."""

    user_id: int
    username: str
    owner_id: int
    owner_name: str
    shard: int
    scopes: frozenset[str]
    via: str
    key_id: int | None = None
    account_ids: frozenset[int] | None = None
    symbols: frozenset[str] | None = None
    order_notional_max: Decimal | None = None
    day_notional_max: Decimal | None = None
    rate_per_second: int | None = None
    paper_only: bool = False

    # DRF asks this of whoever stands in `request.user`.
    is_authenticated = True
    is_active = True

    @property
    def pk(self) -> int:
        return self.user_id

    @property
    def actor(self) -> str:
        """How it is called in rows that say who did something."""
        return f"{self.username} (key {self.key_id})" if self.key_id else self.username

    @property
    def bucket(self) -> str:
        """What its requests are counted under."""
        return f"key:{self.key_id}" if self.key_id else f"user:{self.user_id}"

    def may_use_kind(self, account_kind: str) -> bool:
        """Whether it may trade on such an account: a paper-only key never on a live one."""
        return not self.paper_only or account_kind in PAPER_KINDS

    def may_use_account(self, account_id: int) -> bool:
        """Whether the key reaches this account of its owner."""
        return self.account_ids is None or account_id in self.account_ids

    def may_use_symbol(self, symbol: str) -> bool:
        """Whether the key reaches this symbol."""
        return self.symbols is None or symbol in self.symbols

    def require(self, scope: str) -> None:
        """Raises AuthError 403 SCOPE unless it has the scope."""
        if scope not in self.scopes:
            raise AuthError(
                403, "SCOPE", f"This needs the scope {scope}, which {self._what()} has not. Nothing was done."
            )

    def _what(self) -> str:
        return "this key" if self.key_id else "this user"


def owner_of(user: Any) -> Owner:
    """The owner behind a user, made when a person comes in for the first time."""
    owner = Owner.objects.filter(user_id=user.pk).first()
    if owner is not None:
        return owner
    for name in (user.get_username()[:64], f"{user.get_username()[:48]}-{user.pk}"):
        try:
            with transaction.atomic():
                return Owner.objects.create(user=user, name=name)
        except IntegrityError:
            if owner := Owner.objects.filter(user_id=user.pk).first():
                return owner
    raise AuthError(
        403, "OWNER", "This user has no owner and none could be made; an operator can add one in the admin."
    )


def user_scopes(user: Any) -> frozenset[str]:
    """What a person may do: everybody reads and trades their own; staff operate; superusers administer."""
    scopes = {"read", "trade"}
    if user.is_staff:
        scopes.add("operate")
    if user.is_superuser:
        scopes |= {"operate", "admin"}
    return frozenset(scopes)
