"""Whatever is traded, every number of the portfolio is the sum of its fills: rows, API, page, ledger, and a recount by hand."""

from __future__ import annotations

import random
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.test import Client

from marketdata import clock
from marketdata.domain import Kline
from marketdata.models import Instrument
from marketdata.services import store_klines
from orders import pnl, portfolio, valuation
from orders.models import Balance, Fill, LedgerEntry, Position
from terminal import account_history

MARK = Fraction(64_000)
ORDERS = 60
SIZES = {"BTC/USDT": ("0.00001", "0.013", "0.25"), "SHIB/USDT": ("50000", "1234567"), "BTC/10": ("0.0003", "0.02")}


@pytest.fixture
def tens(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Instrument:
    """A market whose contracts are worth ten of its base; every mark is 64,000."""
    btc = engine.cast.btc
    made = Instrument.objects.create(
        exchange=btc.exchange, symbol="BTC/10", base=btc.base, quote=btc.quote, settle=btc.settle,
        tick_size=Decimal("0.5"), lot_size=Decimal("0.0001"), contract_size=Decimal(10), notional_min=Decimal(5),
        simulation={"start_price": "64000", "events_per_second": 0.001},
    )  # fmt: skip
    price = Decimal(64_000)
    past = Kline(clock.now_ms() // 60_000 * 60_000 - 60_000, price, price, price, price, Decimal(1))
    store_klines(made.pk, "1m", [past])
    engine.turn()
    monkeypatch.setattr(portfolio, "mark_of", lambda *_: portfolio.Mark(MARK, True))
    monkeypatch.setattr(portfolio, "marks", lambda: {"": {("BTC", "USDT"): MARK}})
    return made


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_trading_adds_up_everywhere(engine: Any, tens: Instrument, seed: int) -> None:
    chance = random.Random(seed)
    markets = [engine.cast.btc, engine.cast.shib, tens]
    for number in range(ORDERS):
        market = chance.choice(markets)
        engine.ask(
            engine.place(
                chance.choice(("buy", "sell")), chance.choice(SIZES[market.symbol]), instrument=market,
                strategy_id=chance.choice(("", "grid")),
            )
        )  # fmt: skip
        if number == ORDERS // 2:
            engine.restart()
    account = engine.cast.account
    assert Fill.objects.filter(account=account).values("instrument", "strategy_id").distinct().count() == 6
    client = Client()
    client.force_login(engine.cast.trader.user)
    _positions(client, account)
    _money(client, account)


def _positions(client: Client, account: Any) -> None:
    shown = {(row["symbol"], row["strategy_id"]): row for row in _list(client, "positions")}
    made = {(row["symbol"], row["strategy_id"]): row for row in _list(client, "pnl?by=total")}
    told = {(row["symbol"], row["strategy_id"]): row for row in account_history._standing(account.pk)["positions"]}
    for row in Position.objects.filter(account=account).select_related("instrument"):
        place = (row.instrument.symbol, row.strategy_id)
        fold, quantity, fees = pnl.Fold("average"), Decimal(0), Decimal(0)
        for fill in Fill.objects.filter(
            account=account, instrument=row.instrument, strategy_id=row.strategy_id
        ).order_by("account_seq"):
            base = fill.quantity * row.instrument.contract_size
            quantity += base if fill.side == "buy" else -base
            fees += fill.fee
            fold.apply(pnl.Trade.of(fill.side, fill.cost, base))
        assert (row.quantity, row.fees) == (quantity, fees), place
        assert abs(row.realised - pnl.money(fold.realised)) <= Decimal("0.000000000001"), place
        assert portfolio.recount(account.pk, row.instrument_id, row.strategy_id) == (quantity, row.realised, fees)
        assert [Decimal(shown[place][name]) for name in ("quantity", "realised", "fees")] == [
            quantity,
            row.realised,
            fees,
        ]
        assert [Decimal(made[place][name]) for name in ("realised", "fees")] == [row.realised, fees]
        standing = valuation.to_decimal(Fraction(quantity) * MARK - Fraction(row.cost))
        assert Decimal(shown[place]["unrealised"]) == Decimal(made[place]["unrealised"]) == standing, place
        assert shown[place]["average_price"] == told[place]["average_price"], place


def _money(client: Client, account: Any) -> None:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in LedgerEntry.objects.filter(account=account, book="account").select_related("asset"):
        sums[entry.asset.code] += entry.amount
    held = {row["asset"]: Decimal(row["total"]) for row in _list(client, "balances")}
    assert held == sums == dict(Balance.objects.filter(account=account).values_list("asset__code", "total"))
    (view,) = [one for one in portfolio.portfolio(account.owner_id)[0].accounts if one.account.pk == account.pk]
    for code in ("USDT",):
        assert view.realised[code] == sum(row.realised for row in Position.objects.filter(account=account))
        assert view.fees[code] == sum(fill.fee for fill in Fill.objects.filter(account=account))


def _list(client: Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found
