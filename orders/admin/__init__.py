"""The operator's console for money: who trades, under which limits, with which keys; and the records, to read only."""

from __future__ import annotations

from orders.admin import accounts, halts, keys, limits, owners, records

__all__ = ["accounts", "halts", "keys", "limits", "owners", "records"]
