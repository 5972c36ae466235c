"""Flat, from a shell: with the web down, the bus down, and no engine alive."""

from __future__ import annotations

import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from marketdata.precision import decimal_text
from orders import urgent
from orders.engine.service import EngineService
from orders.errors import DATABASE_AWAY
from orders.models import Account, Order, Position, UrgentCommand
from orders.shapes import FINAL_STATUSES

ENGINE_S = 2.0  # an engine that lives has begun by then
SHOWN = 20
EMERGENCY = (
    "Without PostgreSQL nothing is left but to cancel at the exchanges themselves, with their keys. This release trades on no "
    "exchange outside, so there are no such keys and no order of yours stands elsewhere. Nothing was done: start PostgreSQL, "
    "and give the command without --emergency."
)


class Command(BaseCommand):
    """`flatten --account A`"""

    help = "Cancel every open order of an account and close what it holds. Needs PostgreSQL alone; without an engine it is one itself."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", required=True)
        parser.add_argument("--dry-run", action="store_true", help="Say what would be done; change nothing.")
        parser.add_argument("--emergency", action="store_true", help="PostgreSQL is down too: cancel at the exchanges.")
        parser.add_argument("--wait", type=float, default=60.0, help="Seconds to wait until it is flat.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["emergency"]:
            raise CommandError(EMERGENCY)
        try:
            self._flatten(options["account"], options["dry_run"], options["wait"])
        except DATABASE_AWAY as error:
            raise CommandError(
                f"PostgreSQL does not answer ({str(error).strip().splitlines()[0]}), so it is not known whether anything was "
                "done. Start it and give the command again: twice does no harm."
            ) from None

    def _flatten(self, name: str, dry_run: bool, seconds: float) -> None:
        account = Account.objects.select_related("owner").filter(name=name).first()
        if account is None:
            raise CommandError(f"There is no account {name}.")
        if dry_run:
            return self._show(account)
        row = urgent.wait(urgent.flatten(account, "command line"), min(ENGINE_S, seconds))
        if row.decided_seq is None and urgent.shape(row)["state"] == "pending":
            self.stdout.write("No engine has taken it; taking its place.")
            self._be_the_engine(row, seconds)
        row = urgent.wait(row, seconds)
        return self._tell(row)

    def _be_the_engine(self, row: UrgentCommand, seconds: float) -> None:
        """The very engine, in this process: it waits for the lease, recovers, and ends when the row is decided by whomever."""
        engine = EngineService(row.shard)

        def watch() -> None:
            try:
                urgent.wait(UrgentCommand.objects.get(pk=row.pk), seconds)
            finally:
                engine.stopping.set()
                connection.close()

        watcher = threading.Thread(target=watch, name="flatten watch", daemon=True)
        watcher.start()
        engine.run()
        watcher.join()

    def _tell(self, row: UrgentCommand) -> None:
        found = urgent.shape(row)
        if row.decided_seq is None:
            raise CommandError(
                f"Not over yet: {found['message']} It is number {row.pk}; the next engine goes on with it."
            )
        for one in found["left"] + found["dust"]:
            strategy = f" of {one['strategy_id']}" if one["strategy_id"] else ""
            self.stdout.write(
                f"  {one['exchange']} {one['symbol']}{strategy}: {one['quantity']} stays. {one['message']}"
            )
        if found["state"] != "flat":
            raise CommandError(found["message"])
        closed = f"{found['canceled']} orders canceled, {found['orders']} market orders, {found['took_ms']} ms."
        self.stdout.write(f"{found['message']} {closed}")

    def _show(self, account: Account) -> None:
        orders = Order.objects.filter(account=account).exclude(status__in=FINAL_STATUSES)
        held = Position.objects.filter(account=account).exclude(quantity=0).select_related("instrument__exchange")
        self.stdout.write(f"Nothing is changed. A flatten of {account} ({account.kind}) would")
        count = orders.count()
        self.stdout.write(f"  cancel {count} open order{'' if count == 1 else 's'}")
        for order in orders.select_related("instrument")[:SHOWN]:
            price = f" at {decimal_text(order.price)}" if order.price is not None else ""
            self.stdout.write(f"    {order.side} {decimal_text(order.quantity)} {order.instrument.symbol}{price}")
        if count > SHOWN:
            self.stdout.write(f"    and {count - SHOWN} more")
        for position in held:
            verb = "sell" if position.quantity > 0 else "buy"
            strategy = f" for strategy {position.strategy_id}" if position.strategy_id else ""
            market = f"{position.instrument.exchange.name} {position.instrument.symbol}"
            self.stdout.write(f"  {verb} {decimal_text(abs(position.quantity))} {market} at the market{strategy}")
        if not held:
            self.stdout.write("  sell and buy nothing: nothing is held")
