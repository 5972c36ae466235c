"""A stand for hosted strategies: real rows in PostgreSQL, and a small pretended engine behind `orders.services`.

The engine keeps the one promise hosts lean on: a request_id is decided once, whoever asks however often.
"""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction

from marketdata import clock, intervals, partitions
from marketdata.models import Asset, Exchange, Instrument, Kline
from marketdata.precision import decimal_text
from orders.messages import Reply
from orders.models import Account, LimitProfile, Owner
from strategies import runner
from strategies.lease import HostLease
from strategies.models import Intent, Run, StrategyConfig

T0 = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
GRID = {"step": "1", "quantity": "0.01"}
FINAL = {"filled", "canceled", "rejected", "expired"}


class PretendEngine:
    """`place` and `cancel` of orders.services, writing what a real engine writes for its readers: request, order,
    reports.

    `fills`: orders fill at once, else they rest. `refuses`: a code every new order is refused with. `silent`: decides,
    but the answer is lost. `away`: surely accepts nothing.
    """

    def __init__(self) -> None:
        self.fills = True
        self.refuses = ""
        self.silent = False
        self.away = False

    def place(self, owner: Owner, fields: dict[str, Any], header_id: str = "") -> Reply:
        if self.away:
            return Reply(503, {}, b'{"code":"NOT_ACCEPTED"}')
        account = Account.objects.get(name=fields["account"], owner=owner)
        with transaction.atomic():
            known = self._known(account, fields["request_id"])
            status, body = known or (self._refuse if self.refuses else self._accept)(account, fields)
        return (
            Reply(504, {}, b'{"code":"OUTCOME_PENDING"}')
            if self.silent
            else Reply(status, {}, json.dumps(body).encode())
        )

    def cancel(self, owner: Owner, target: str, fields: dict[str, Any] | None = None, header_id: str = "") -> Reply:
        if self.away:
            return Reply(503, {}, b'{"code":"NOT_ACCEPTED"}')
        request_id = target.removeprefix("client:")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT account_id, answer FROM orders_request WHERE request_id = %s", [request_id])
            row = cursor.fetchone()
            if row is None:
                return Reply(404, {}, b'{"code":"NOT_FOUND"}')
            order = json.loads(row[1])
            if order["status"] in FINAL:
                return Reply(409, {}, json.dumps({"code": "ORDER_FINAL", "order": order}).encode())
            self._report(Account.objects.get(pk=row[0]), {**order, "status": "canceled"}, "4")
        return Reply(200, {}, json.dumps(order).encode())

    def fill(self, request_id: str, total: str | None = None) -> None:
        """A resting order trades, up to `total` of it."""
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT account_id, answer FROM orders_request WHERE request_id = %s", [request_id])
            account_id, answer = cursor.fetchone()
            order = json.loads(answer)
            filled = total or order["quantity"]
            status = "filled" if filled == order["quantity"] else "partially_filled"
            self._report(
                Account.objects.get(pk=account_id), {**order, "status": status, "filled_quantity": filled}, "F"
            )

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _known(self, account: Account, request_id: str) -> tuple[int, dict[str, Any]] | None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT answer FROM orders_request WHERE account_id = %s AND request_id = %s", [account.pk, request_id]
            )
            row = cursor.fetchone()
        return (200, json.loads(row[0])) if row else None

    def _accept(self, account: Account, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        order = self._order(fields, "new")
        self._insert(account, order, 201)
        self._report(account, order, "0")
        if self.fills:
            order = {**order, "status": "filled", "filled_quantity": order["quantity"], "average_price": order["price"]}
            self._report(account, order, "F")
        return 201, order

    def _refuse(self, account: Account, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        order = self._order(fields, "rejected") | {"reason": {"code": self.refuses, "limit": None, "value": None}}
        self._insert(account, order, 422)
        self._report(account, order, "8")
        return 422, {"code": self.refuses, "message": "Refused; nothing was placed.", "order": order}

    @staticmethod
    def _order(fields: dict[str, Any], status: str) -> dict[str, Any]:
        kept = {
            name: fields.get(name)
            for name in ("request_id", "account", "symbol", "side", "price", "quantity", "strategy_id")
        }
        return {
            **kept,
            "id": str(uuid.uuid4()),
            "status": status,
            "filled_quantity": "0",
            "average_price": None,
            "reason": None,
        }

    @staticmethod
    def _insert(account: Account, order: dict[str, Any], status: int) -> None:
        instrument = Instrument.objects.get(exchange=account.exchange, symbol=order["symbol"])
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO orders_request VALUES (%s, %s, %s, '', 'place', %s, 1, %s, %s, clock_timestamp())",
                [account.pk, account.owner_id, order["request_id"], order["id"], status, json.dumps(order)],
            )
            cursor.execute(
                "INSERT INTO orders_order (id, created_at, updated_at, shard, order_no, owner_id, account_id, instrument_id,"
                " request_id, order_id, user_id, exchange_order_id, exchange_client_id, strategy_id, source, type, side, status,"
                " time_in_force, price, quantity, filled_quantity, cost, fee, post_only, reduce_only, spec_version, extra, seq)"
                " VALUES (%s, clock_timestamp(), clock_timestamp(), 0, 1, %s, %s, %s, %s, '', '', '', '', %s, '', 'limit', %s, %s,"
                " 'gtc', %s, %s, 0, 0, 0, false, false, 1, '{}', 1)",
                [
                    order["id"], account.owner_id, account.pk, instrument.pk, order["request_id"], order["strategy_id"],
                    order["side"], order["status"], order["price"], order["quantity"],
                ],
            )  # fmt: skip

    @staticmethod
    def _report(account: Account, order: dict[str, Any], exec_type: str) -> None:
        with connection.cursor() as cursor:
            position = None
            if exec_type == "F":
                cursor.execute(
                    "SELECT coalesce(sum((CASE side WHEN 'buy' THEN 1 ELSE -1 END) * filled_quantity), 0) FROM orders_order"
                    " WHERE account_id = %s AND strategy_id = %s AND request_id <> %s",
                    [account.pk, order["strategy_id"], order["request_id"]],
                )
                held = cursor.fetchone()[0] + Decimal(order["filled_quantity"]) * (1 if order["side"] == "buy" else -1)
                position = {"symbol": order["symbol"], "quantity": decimal_text(held), "average_price": order["price"]}
            payload = {"kind": "report", "exec_type": exec_type, "order": order, "position": position}
            cursor.execute(
                "INSERT INTO orders_executionreport SELECT %s, %s, coalesce(max(account_seq), 0) + 1, 1, clock_timestamp(),"
                " 'report', %s, %s, %s FROM orders_executionreport WHERE account_id = %s",
                [account.pk, account.owner_id, exec_type, order["id"], json.dumps(payload), account.pk],
            )
            cursor.execute(
                "UPDATE orders_order SET status = %s, filled_quantity = %s WHERE account_id = %s AND request_id = %s",
                [order["status"], order["filled_quantity"], account.pk, order["request_id"]],
            )
            cursor.execute(
                "UPDATE orders_request SET answer = %s WHERE account_id = %s AND request_id = %s",
                [json.dumps(order), account.pk, order["request_id"]],
            )


def make_config(slug: str = "grid-btc", **parameters: object) -> StrategyConfig:
    """A grid on sim BTC/USDT for a trader of its own, wanted running."""
    partitions.ensure_ahead(clock.now().date())
    partitions.ensure_months("marketdata_kline", T0.date(), T0.date())
    user = get_user_model().objects.create_user(f"trader-{slug}")
    owner = Owner.objects.create(user=user, name=f"trader-{slug}")
    exchange, _ = Exchange.objects.get_or_create(name="sim", defaults={"source": "simulator"})
    assets = {code: Asset.objects.get_or_create(code=code)[0] for code in ("BTC", "USDT")}
    instrument, _ = Instrument.objects.get_or_create(
        exchange=exchange, symbol="BTC/USDT",
        defaults={"base": assets["BTC"], "quote": assets["USDT"], "settle": assets["USDT"],
                  "tick_size": Decimal("0.01"), "lot_size": Decimal("0.00001")},
    )  # fmt: skip
    profile, _ = LimitProfile.objects.get_or_create(name="paper")
    account = Account.objects.create(
        owner=owner,
        name=f"paper-{slug}",
        exchange=exchange,
        kind="simulated",
        profile=profile,
        reporting_asset=assets["USDT"],
    )
    return StrategyConfig.objects.create(
        owner=owner, slug=slug, account=account, instrument=instrument, parameters={**GRID, **parameters},
        wanted="running", start_number=1,
    )  # fmt: skip


def close_klines(config: StrategyConfig, first: int, *closes: str) -> None:
    """Closed minutes from minute `first` on, at these prices."""
    Kline.objects.bulk_create(
        Kline(
            instrument=config.instrument, interval=intervals.BASE, open_time=T0 + timedelta(minutes=first + at), volume=1,
            **dict.fromkeys(("open", "high", "low", "close"), Decimal(price)),
        )
        for at, price in enumerate(closes)
    )  # fmt: skip


class Host:
    """A host's process: its lease and its runners. `crash` forgets both, as a killed process does."""

    def __init__(self) -> None:
        self.crash()

    def crash(self) -> None:
        self.lease = HostLease()
        self.runners: dict[int, runner.Runner] = {}

    def take_lease(self) -> None:
        with connection.cursor() as cursor:  # the pid of a killed host is gone; here it is still ours
            cursor.execute("UPDATE marketdata_servicelease SET expires_at = clock_timestamp(), pid = NULL")
        assert self.lease.take()

    def begin(self, config: StrategyConfig) -> Run:
        if not self.lease.epoch:
            self.take_lease()
        return runner.begin(config, self.lease)

    def work(self, run: Run, most: int = 200) -> Run:
        """Carry a run until there is nothing to do."""
        if not self.lease.epoch:
            self.take_lease()
        if run.pk not in self.runners:
            self.runners[run.pk] = runner.Runner(Run.objects.select_related("config").get(pk=run.pk), self.lease)
        while self.runners[run.pk].step():
            most -= 1
            assert most, "the run never comes to rest"
        return Run.objects.select_related("config").get(pk=run.pk)


def orders_of(config: StrategyConfig) -> list[tuple[str, str, str, str]]:
    """All orders of a strategy as the engine has them: (request number, side, price, status), in the order of their
    wishes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT request_id, side, price, status FROM orders_order WHERE strategy_id = %s", [config.slug])
        rows = [
            (request_id.split(":")[1], side, decimal_text(price), status) for request_id, side, price, status in cursor
        ]
    return sorted(rows, key=lambda row: int(row[0]))


def wishes_of(run: Run) -> list[tuple[int, str, int | None]]:
    """(number, kind, status) of a run's wishes."""
    return list(Intent.objects.filter(run=run).values_list("number", "kind", "status"))
