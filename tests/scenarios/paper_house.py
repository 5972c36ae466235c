"""The paper exchange lives through a scenario: the real engine by hand on real PostgreSQL, looked at through its rows.

Its market is a simulated one whose agents have left, so that only the scenario's people trade. The clock is the scenario's.
"""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model

from marketdata import clock, partitions
from marketdata.bus import Bus
from marketdata.domain import Kline
from marketdata.models import Asset, Exchange, Instrument
from marketdata.services import store_klines
from orders import limits, messages, seeding, services
from orders._core import Core
from orders.engine import recovery
from orders.ids import STOP_LOSS, TAKE_PROFIT, body_hash, leg_of
from orders.models import Account as AccountRow
from orders.models import Balance, ExecutionReport, LimitProfile, Position, RiskLimit
from orders.models import Fill as FillRow
from orders.models import Order as OrderRow
from tests.engine.hand import Engine
from tests.scenarios.reading import (
    DAY_NS,
    START_NS,
    UNIT,
    Account,
    Amend,
    Cancel,
    Halt,
    Order,
    Scenario,
    Step,
    Sweep,
    Time,
)
from tests.scenarios.tables import WORDS, Fill, Levels, Seen

LEGS = {TAKE_PROFIT: ".tp", STOP_LOSS: ".sl"}


class PaperHouse:
    def __init__(self, scenario: Scenario, monkeypatch: Any) -> None:
        self.scenario = scenario
        self._midnight = clock.now_ns() // DAY_NS * DAY_NS
        self._set_clock(monkeypatch)
        self._seed()
        self.engine = Engine(None)  # type: ignore[arg-type]
        for row in self.instruments.values():
            self.engine.service.market.simulator.remove_instrument(row.pk, self._now)

    def _set_clock(self, monkeypatch: Any) -> None:
        self._now = self._midnight + START_NS
        monkeypatch.setattr(clock, "now_ns", lambda: self._now)
        monkeypatch.setattr(clock, "now_ms", lambda: self._now // 1_000_000)
        monkeypatch.setattr(clock, "boot_ns", lambda: self._now)
        monkeypatch.setattr(Bus, "time_ns", lambda bus: self._now)
        monkeypatch.setattr(clock, "now", lambda: clock.from_ns(self._now))

    # -- rows ---------------------------------------------------------------------------------------------------------------

    def _seed(self) -> None:
        partitions.ensure_ahead(clock.now().date())
        seeding.seed_profiles()
        self.instruments = {market.symbol: self._instrument(market) for market in self.scenario.markets.values()}
        self.accounts = {account.name: self._account(account) for account in self.scenario.accounts.values()}

    def _instrument(self, market: Any) -> Instrument:
        exchange, _ = Exchange.objects.get_or_create(
            name="sim",
            defaults={"source": "simulator", "maker_fee_ppm": market.maker_ppm, "taker_fee_ppm": market.taker_ppm},
        )
        base, quote = (Asset.objects.get_or_create(code=code)[0] for code in (market.base, market.quote))
        row = Instrument.objects.create(
            exchange=exchange, symbol=market.symbol, base=base, quote=quote, settle=quote, tick_size=market.tick,
            lot_size=market.lot, notional_min=market.least_value, quantity_min=market.least_quantity,
            quantity_max=market.most_quantity, simulation={"start_price": "100", "events_per_second": 0.001},
        )  # fmt: skip
        start = Decimal(100)
        store_klines(
            row.pk, "1m", [Kline(clock.now_ms() // 60_000 * 60_000 - 60_000, start, start, start, start, Decimal(1))]
        )
        return row

    def _account(self, account: Account) -> AccountRow:
        users = get_user_model().objects
        if not users.filter(username=account.owner).exists():
            users.create_user(account.owner, password="a long password for tests")
        profile = LimitProfile.objects.create(name=f"of-{account.name}")
        values = limits.PROFILES["load"] | {
            "open_orders_max": Decimal(account.open_orders), "notional_max": account.value_max, **_self_trade(account)
        }  # fmt: skip
        RiskLimit.objects.bulk_create(
            RiskLimit(profile=profile, code=code, value=value) for code, value in values.items()
        )
        opening = {asset: str(money) for asset, money in account.money.items()}
        row = {"name": account.name, "exchange": "sim", "profile": profile.name, "opening": opening}
        return seeding.seed_account(seeding.owner_for(account.owner), row)[0]

    # -- steps --------------------------------------------------------------------------------------------------------------

    def take(self, step: Step, at_ns: int) -> str:
        self._now = self._midnight + at_ns
        if isinstance(step.do, Time | Halt):
            if isinstance(step.do, Halt):
                self._halt(step.do)
            self.engine.ask_all([])
            return ""
        status, body, _ = self.engine.ask(self._command(step.do))
        return str(body["code"]) if status >= 400 else ""

    def _command(self, do: Any) -> messages.Command:
        if isinstance(do, Order):
            return self._place(do)
        if isinstance(do, Sweep):
            account = self.accounts[do.who]
            return messages.CancelAll(
                owner_id=account.owner_id, account_ids=[account.pk], side=do.side or None, strategy_id=do.strategy,
                instrument_id=self.instruments[do.symbol].pk if do.symbol else None,
            )  # fmt: skip
        row = self._row(do.label)
        named: dict[str, Any] = {
            "owner_id": row.owner_id, "account_ids": [row.account_id], "id": str(row.pk), "request_id": uuid.uuid4().hex,
            "body_hash": body_hash(repr(do)),
        }  # fmt: skip
        if isinstance(do, Cancel):
            return messages.Cancel(**named)
        assert isinstance(do, Amend)
        return messages.Amend(**named, price=do.price or None, quantity=do.quantity or None)

    def _place(self, order: Order) -> messages.Place:
        account, row = self.accounts[order.who], self.instruments[order.symbol]
        expires = self._midnight + order.expires_ns if order.expires_ns else 0
        terms = messages.Terms(
            order.stop, order.trail, order.trail_percent, expires, order.tp, order.sl, order.sl_limit
        )
        return messages.Place(
            owner_id=account.owner_id, account_id=account.pk, instrument_id=row.pk, spec_version=row.spec_version,
            request_id=order.label, body_hash=body_hash(repr(order)), type=order.kind, side=order.side,
            time_in_force=order.tif, price_ticks=order.price, quantity_lots=order.lots, post_only=order.post_only,
            reduce_only=order.reduce_only, strategy_id=order.strategy, terms=None if terms == messages.Terms() else terms,
        )  # fmt: skip

    def _halt(self, halt: Halt) -> None:
        keys = {"account": lambda: halt.key, "instrument": lambda: f"sim:{halt.key}", "strategy": lambda: halt.key}
        owner = next(iter(self.accounts.values())).owner if halt.scope in ("account", "strategy") else None
        row = services.set_halt(halt.scope, keys.get(halt.scope, str)(), halt.state, by="scenario", owner=owner)
        type(row).objects.filter(pk=row.pk).update(set_at=clock.now())  # the row's own time is the wall's

    # -- what it shows --------------------------------------------------------------------------------------------------------

    def _row(self, label: str) -> OrderRow:
        parent, _, child = label.partition(".")
        row = OrderRow.objects.get(request_id=parent)
        if not child:
            return row
        leg = TAKE_PROFIT if child == "tp" else STOP_LOSS
        return OrderRow.objects.get(order_no=row.order_no | leg)

    def _labels(self) -> dict[uuid.UUID, str]:
        rows = {row.order_no: row for row in OrderRow.objects.all()}
        return {
            row.pk: rows[no & ~(TAKE_PROFIT | STOP_LOSS)].request_id + LEGS.get(leg_of(no), "")
            for no, row in rows.items()
        }

    def orders(self) -> list[Seen]:
        labels, shown = self._labels(), []
        for row in sorted(OrderRow.objects.all(), key=_place_in_table):
            market = self.scenario.markets[row.instrument.symbol]
            ticks = int(row.price / market.tick) if row.price is not None else 0
            seen = Seen(labels[row.pk], market.symbol, int(row.quantity / market.lot), ticks, row.status)
            seen.filled, seen.reason = int(row.filled_quantity / market.lot), (row.reason or {}).get("code", "")
            told = ExecutionReport.objects.filter(order_uuid=row.pk).order_by("account_seq")
            seen.history = [WORDS[one.exec_type] for one in told if one.exec_type in WORDS]
            shown.append(seen)
        return shown

    def fills(self) -> list[Fill]:
        labels, shown = self._labels(), []
        rows = FillRow.objects.select_related("instrument")
        for row in sorted(rows, key=lambda row: (int(row.exchange_trade_id), row.liquidity == "maker")):
            market = self.scenario.markets[row.instrument.symbol]
            lots, ticks = int(row.quantity / market.lot), int(row.price / market.tick)
            shown.append(Fill(labels[row.order_uuid], market.symbol, lots, ticks, int(row.fee * UNIT)))
        return shown

    def book(self, symbol: str) -> tuple[Levels, Levels]:
        return self.engine.core.depth(self.instruments[symbol].pk, 1000)  # type: ignore[no-any-return]

    def positions(self) -> dict[tuple[str, str, str], tuple[int, int, int, int]]:
        rows = Position.objects.select_related("account", "instrument")
        return {
            (row.account.name, row.instrument.symbol, row.strategy_id):
            (int(row.quantity * UNIT), int(row.cost * UNIT), int(row.realised * UNIT), int(row.fees * UNIT))
            for row in rows
        }  # fmt: skip

    def balance(self, account: Account, asset: str) -> tuple[int, int]:
        row = Balance.objects.filter(account__name=account.name, asset__code=asset).first()
        return (int(row.total * UNIT), int(row.used * UNIT)) if row else (0, 0)

    # -- the end --------------------------------------------------------------------------------------------------------------

    def agrees(self) -> None:
        """Every invariant holds, and the journal alone makes the same accounts again."""
        self.engine.core.verify()
        again = Core()
        recovery.rebuild(self.engine.connection, again, 0)
        assert again.hash() == self.engine.core.hash()

    def close(self) -> None:
        self.engine.close()


def _place_in_table(row: OrderRow) -> tuple[int, int]:
    leg = leg_of(row.order_no)
    return row.order_no & ~(TAKE_PROFIT | STOP_LOSS), -leg if leg else -(1 << 63)


def _self_trade(account: Account) -> dict[str, Decimal]:
    if "self_trade" in limits.LIMITS:
        return {"self_trade": Decimal(account.self_trade)}
    return {"self_trade_allowed": Decimal(account.self_trade == 0)}
