"""Tells the core what changed in the world, journals what it was told, and answers fundings: the only way money appears."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from orders import shapes
from orders._core import Core, CoreError
from orders.engine import journal, postings, world
from orders.engine.batch import Batch
from orders.engine.fold import Fold
from orders.engine.orders import LiveOrder, Orders
from orders.engine.reports import unpack
from orders.engine.world import AccountSpec, FundingRow, Telling, World

log = logging.getLogger(__name__)
HALT_SHOWN = ("scope", "key", "state", "reason", "set_by", "set_at", "code", "limit", "value", "until")
NOT_TOLD = -1  # a margin that no row has, so that the account differs from its row until the core takes it


class Teller:
    """Brings the core from one picture of the rows to the next."""

    def __init__(self, core: Core, chain: journal.Chain, orders: Orders, fold: Fold) -> None:
        self.core = core
        self.chain = chain
        self.orders = orders
        self.fold = fold

    def obey(self, batch: Batch, old: World, new: World, arrived: Callable[[AccountSpec], None] | None = None) -> None:
        """Everything that differs, then what accounts of another shard bring along, then the fundings nobody answered yet.
        Orders under a changed spec are canceled first.
        """
        self.fold.assets = new.assets
        outdated = [order for order in self.orders.open() if _made_under_other_steps(order, new)]
        for order in outdated:
            order.reason = shapes.reason_shape("SPEC_CHANGED")
        self.cancel(batch, [order.order_no for order in outdated])
        self.orders.respecify(new.accounts, new.instruments)
        for telling in list(world.told(old, new)):
            self._tell_or_leave_out(batch, telling, new)
        for fresh in new.accounts.values():
            if arrived is not None and fresh.id not in old.accounts:
                arrived(fresh)
        if old.halt_rows != new.halt_rows:
            self.announce_halts(batch, new)
        for funding in new.fundings:
            account = new.accounts.get(funding.account_id)
            if account is not None:
                self._fund(batch, new, account, funding)

    def tell(self, batch: Batch, telling: Telling) -> int:
        """One call of the core, journalled; the entry's seq."""
        method, arguments, words = telling
        getattr(self.core, method)(*arguments, **words)
        entry = journal.append(self.chain, batch.at_ns, journal.TOLD, journal.told_payload(method, arguments, words))
        batch.journal.append(entry)
        return entry.seq

    def _tell_or_leave_out(self, batch: Batch, telling: Telling, new: World) -> None:
        """An instrument whose new steps the core cannot take trades no more until its row is mended; the rest goes on."""
        try:
            self.tell(batch, telling)
        except (CoreError, OverflowError, ValueError) as error:
            if telling[0] == "set_account":
                return self._keep_as_it_was(telling[1][0], new, error)
            if telling[0] != "set_instrument":
                raise
            left_out = new.instruments.pop(telling[1][0], None)
            log.error("%s is left out: %s", left_out.symbol if left_out else telling[1], error)

    def _keep_as_it_was(self, account_id: int, new: World, error: Exception) -> None:
        """An account that cannot turn to margin, or back, trades on as before; it is tried again when rows change next."""
        log.error("account %s stays as it was: %s", new.accounts[account_id].name, error)
        new.accounts[account_id] = replace(new.accounts[account_id], margin=NOT_TOLD)

    def announce_halts(self, batch: Batch, new: World) -> None:
        """Every account hears the state of trading in its own sequence."""
        for account in new.accounts.values():
            halts = [row for row in new.halt_rows if row["owner_id"] in (None, account.owner_id)]
            shown = [shapes.halt_shape(**{name: row[name] for name in HALT_SHOWN})
                     for row in halts]  # fmt: skip
            seq = self.fold.books.next_seq(account.id)
            batch.report(
                account.id, account.owner_id, seq, self.chain.seq, "risk", "", None, {"kind": "risk", "halts": shown}
            )

    # -- fundings -------------------------------------------------------------------------------------------------------------

    def _fund(self, batch: Batch, new: World, account: AccountSpec, funding: FundingRow) -> None:
        if account.kind not in ("paper", "simulated"):
            batch.fundings.append((funding.id, None, "only paper money can be made here"))
            return
        try:
            if funding.kind == "reset":
                self._reset(batch, new, account)
            elif funding.asset_id is not None:
                self._post(batch, new, account, funding.asset_id, funding.kind, funding.amount)
        except CoreError as error:
            batch.fundings.append((funding.id, None, str(error)[:200]))
        else:
            batch.fundings.append((funding.id, self.chain.seq, ""))

    def _post(self, batch: Batch, new: World, account: AccountSpec, asset_id: int, kind: str, amount: int) -> None:
        words = {} if kind != "funding" else {"flow": False}
        seq = self.tell(batch, ("post", [account.id, asset_id, amount], words))
        self._enter(batch, account, asset_id, kind, amount, seq)
        self._show(batch, new, account, [asset_id], seq)

    def _enter(self, batch: Batch, account: AccountSpec, asset_id: int, kind: str, amount: int, seq: int) -> None:
        legs = postings.pair(asset_id, kind, amount, postings.OTHER_SIDE[kind])
        postings.write(batch, account, legs, seq)

    def _reset(self, batch: Batch, new: World, account: AccountSpec) -> None:
        """Orders canceled, money and positions to zero, the opening amounts again: a paper account begins anew."""
        self.cancel(batch, self.core.open_orders(account.id))
        books = self.fold.books
        held = {
            asset_id: total for (owner, asset_id), (total, _) in books.balances.items() if owner == account.id and total
        }
        seq = self.tell(batch, ("reset_account", [account.id], {}))
        for asset_id, total in held.items():
            self._enter(batch, account, asset_id, "adjustment", -total, seq)
        for place in [place for place in books.positions if place[0] == account.id]:
            books.positions[place] = (0, 0, 0, 0)
            batch.positions[place] = (
                account.id, account.owner_id, place[1], place[2], 0, 0, 0, 0, books.sequence.get(account.id, 0), batch.at_ns,
            )  # fmt: skip
        openings = new.openings.get(account.id, {})
        for asset_id, amount in openings.items():
            reposted = self.tell(batch, ("post", [account.id, asset_id, amount], {}))
            self._enter(batch, account, asset_id, "opening", amount, reposted)
        self._show(batch, new, account, sorted(held.keys() | openings.keys()), self.chain.seq)

    def _show(self, batch: Batch, new: World, account: AccountSpec, asset_ids: list[int], journal_seq: int) -> None:
        """Say the balances of these assets on the account's channel."""
        seq = self.fold.books.next_seq(account.id)
        shown: list[dict[str, Any]] = []
        for asset_id in asset_ids:
            total, hold = self.core.balance(account.id, asset_id)
            balance = self.fold.balance(batch, account, asset_id, new.assets[asset_id], total, hold, seq)
            if balance is not None:
                shown.append(balance)
        batch.report(
            account.id, account.owner_id, seq, journal_seq, "balance", "", None, {"kind": "balance", "balances": shown}
        )

    def cancel(self, batch: Batch, order_nos: list[int]) -> None:
        """End these orders; the reports are folded."""
        for order_no in order_nos:
            if self.core.order(order_no) is not None:  # a leg may have ended with the other one
                self.core.cancel(batch.at_ns, order_no)
        raw = self.core.reports()
        if raw:
            entry = journal.append(self.chain, batch.at_ns, journal.MARKET, raw)
            batch.journal.append(entry)
            for report in unpack(raw):
                self.fold.report(batch, report, entry.seq)


def _made_under_other_steps(order: LiveOrder, new: World) -> bool:
    spec = new.instruments.get(order.instrument.id)
    return spec is not None and spec.spec_version != order.instrument.spec_version
