"""The books of a margin account that trades spot, contracts and inverse contracts: every asset sums to zero over all of them."""

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
from marketdata.models import Asset, Instrument
from marketdata.precision import amount_decimal
from marketdata.services import store_klines
from orders import messages, pnl, portfolio
from orders.models import Account, Balance, Fill, Funding, LedgerEntry, Position
from tests.orders.money_model import UNIT, Market, Person

ORDERS = 40
SIZES = {"BTC/USDT": ("0.003", "0.25"), "BTC/USDT:USDT": ("1", "17", "400"), "BTC/USD:BTC": ("1", "7", "333")}


@pytest.fixture
def markets(engine: Any) -> list[Instrument]:
    """Spot, a linear contract of a thousandth, an inverse contract of 100 dollars; the trader may borrow ten times their worth."""
    btc, usd = engine.cast.btc, Asset.objects.create(code="USD")
    Asset.objects.create(code="BNB")
    made = [btc]
    for symbol, quote, size, inverse in (
        ("BTC/USDT:USDT", btc.quote, "0.001", False),
        ("BTC/USD:BTC", usd, "100", True),
    ):
        contract = Instrument.objects.create(
            exchange=btc.exchange, symbol=symbol, kind="perpetual", base=btc.base, quote=quote,
            settle=btc.base if inverse else quote, inverse=inverse, contract_size=Decimal(size), tick_size=Decimal("0.5"),
            lot_size=Decimal(1), simulation={"start_price": "64000", "events_per_second": 0.001},
        )  # fmt: skip
        price = Decimal(64_000)
        bar = Kline(clock.now_ms() // 60_000 * 60_000 - 60_000, price, price, price, price, Decimal(1))
        store_klines(contract.pk, "1m", [bar])
        made.append(contract)
    Account.objects.filter(pk=engine.cast.account.pk).update(margin=100_000)
    engine.turn()
    _value(engine)
    return made


def _value(engine: Any) -> None:
    """A second later: marks are told."""
    engine.service.valuer.last_ns = 0
    engine.turn()


def _trade(engine: Any, markets: list[Instrument], seed: int) -> None:
    chance = random.Random(seed)
    for number in range(ORDERS):
        market = chance.choice(markets)
        size, strategy = chance.choice(SIZES[market.symbol]), chance.choice(("", "grid"))
        status, answer, _ = engine.ask(
            engine.place(chance.choice(("buy", "sell")), size, instrument=market, strategy_id=strategy)
        )
        assert status == 201, answer
        if number == ORDERS // 2:
            before = engine.core.hash()
            engine.restart()
            assert engine.core.hash() == before
            _value(engine)
    engine.core.verify()


def _told_fee(engine: Any, fee: str, asset: str) -> dict[str, Any]:
    """An order that an exchange filled, and took a fee of its own choosing for."""
    _, order, _ = engine.ask(engine.place("buy", "0.001", "10000"))
    row = engine.service.orders.by_request(engine.cast.account.pk, order["request_id"])
    fill = messages.ReportedFill("77001", row.price_ticks, row.quantity_lots, False, fee, asset)
    told = messages.ExchangeReport(
        owner_id=engine.cast.trader.pk, account_id=engine.cast.account.pk, id=order["id"], fills=[fill]
    )
    return dict(engine.ask(told)[1])


@pytest.mark.parametrize("seed", [1, 2])
def test_every_entry_and_every_asset_sums_to_zero(engine: Any, markets: list[Instrument], seed: int) -> None:
    _trade(engine, markets, seed)
    assert _told_fee(engine, "0.25", "BNB")["fees"][-1] == {"asset": "BNB", "amount": "0.25"}
    assert _told_fee_in_base(engine)
    Funding.objects.create(
        owner=engine.cast.trader,
        account=engine.cast.account,
        kind="funding",
        asset=markets[0].quote,
        amount=Decimal(-3),
    )
    engine.turn()
    entries: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    assets: dict[int, Decimal] = defaultdict(Decimal)
    own: dict[str, Decimal] = defaultdict(Decimal)
    kinds, rounding = set(), Decimal(0)
    for leg in LedgerEntry.objects.select_related("asset"):
        entries[leg.journal_seq, leg.asset_id] += leg.amount
        assets[leg.asset_id] += leg.amount
        kinds.add(leg.kind)
        if leg.book == "account" and leg.account_id == engine.cast.account.pk:
            own[leg.asset.code] += leg.amount
        if leg.book == "rounding":
            assert leg.asset.code == "BTC"
            rounding += leg.amount
    assert set(entries.values()) == set(assets.values()) == {Decimal(0)}
    assert kinds == {"opening", "trade", "fee", "funding"}
    held = dict(Balance.objects.filter(account=engine.cast.account).values_list("asset__code", "total"))
    assert {code: total for code, total in held.items() if total} == {
        code: total for code, total in own.items() if total
    }
    assert rounding == amount_decimal(sum(_remainder(fill) for fill in Fill.objects.filter(instrument=markets[2])))
    assert rounding > 0
    engine.restart()  # the rows and the core agree, or it would not start


def _told_fee_in_base(engine: Any) -> bool:
    """A fee in what was bought: less arrives, the position counts all of it."""
    before = Balance.objects.get(account=engine.cast.account, asset__code="BTC").total
    _, order, _ = engine.ask(engine.place("buy", "0.001", "10000", strategy_id="fees"))
    row = engine.service.orders.by_request(engine.cast.account.pk, order["request_id"])
    fill = messages.ReportedFill("77002", row.price_ticks, row.quantity_lots, True, "0.0001", "BTC")
    engine.ask(
        messages.ExchangeReport(
            owner_id=engine.cast.trader.pk, account_id=engine.cast.account.pk, id=order["id"], fills=[fill]
        )
    )
    after = Balance.objects.get(account=engine.cast.account, asset__code="BTC").total
    place = Position.objects.get(account=engine.cast.account, strategy_id="fees")
    return (after - before, place.quantity, place.fees) == (Decimal("0.0009"), Decimal("0.001"), Decimal(0))


def _remainder(fill: Fill) -> int:
    if fill.side == "buy":
        return 0
    exact = Fraction(fill.quantity) * 100 / Fraction(fill.price) * UNIT
    return int(exact.denominator != 1)


def test_every_figure_is_what_the_definitions_say(
    engine: Any, markets: list[Instrument], monkeypatch: pytest.MonkeyPatch
) -> None:
    _trade(engine, markets, 3)
    _value(engine)
    account = engine.cast.account
    mids = {market.pk: _mid(engine, market) for market in markets}
    monkeypatch.setattr(portfolio, "mark_of", lambda number, _: portfolio.Mark(mids[number], True))
    monkeypatch.setattr(portfolio, "marks", lambda: {"": {("BTC", "USDT"): mids[markets[0].pk]}})
    people = {market.pk: _model(account, market) for market in markets}
    shown: dict[tuple[str, str], dict[str, Any]] = {}
    client = Client()
    client.force_login(engine.cast.trader.user)
    for row in _list(client, "positions"):
        shown[row["symbol"], row["strategy_id"]] = row
    for row in Position.objects.filter(account=account).select_related("instrument"):
        wanted = people[row.instrument_id].positions[row.strategy_id]  # type: ignore[index]
        assert Fraction(row.quantity) == wanted.quantity
        assert abs(Fraction(row.realised) * UNIT - wanted.realised) <= 2 * wanted.closings
        mark = mids[row.instrument_id]
        exact = (
            Fraction(row.cost) - Fraction(row.quantity) / mark
            if row.instrument.inverse
            else Fraction(row.quantity) * mark - Fraction(row.cost)
        )
        found = Fraction(Decimal(shown[row.instrument.symbol, row.strategy_id]["unrealised"]))
        assert abs(found - exact) <= Fraction(1, 2 * UNIT)
    sums = {row["symbol"]: row for row in _list(client, "positions?by=account")}
    for market in markets:
        rows = [row for (symbol, _), row in shown.items() if symbol == market.symbol]
        for name in ("quantity", "realised", "unrealised", "fees"):
            assert Decimal(sums[market.symbol][name]) == sum(Decimal(row[name]) for row in rows), (market, name)
        core = engine.core.account_position(account.pk, market.pk)
        assert amount_decimal(core[0]) == Decimal(sums[market.symbol]["quantity"])
        assert amount_decimal(core[2]) == Decimal(sums[market.symbol]["realised"])
    for method in pnl.METHODS:
        for row in _list(client, f"pnl?by=total&method={method}"):
            assert row["residual"] == "0"
            row_of = shown[row["symbol"], row["strategy_id"]]
            whole = Decimal(row["realised"]) + Decimal(row["unrealised"])
            average = Decimal(row_of["realised"]) + Decimal(row_of["unrealised"])
            assert abs(whole - average) <= ORDERS * amount_decimal(1), (method, row)
    core_equity = engine.core.equity(account.pk)[1]
    assert portfolio.equity(Account.objects.get(pk=account.pk), portfolio.marks()) == amount_decimal(core_equity)


def _mid(engine: Any, market: Instrument) -> Fraction:
    bid, _, ask, _ = engine.core.best(market.pk)
    return Fraction(bid + ask, 2) * Fraction(market.tick_size)


def _model(account: Account, market: Instrument) -> Person:
    kind = "spot" if market.kind == "spot" else "inverse" if market.inverse else "linear"
    steps = (Fraction(market.tick_size), Fraction(market.lot_size))
    described = Market(market.symbol, *steps, kind, Fraction(market.contract_size))
    person = Person()
    for fill in Fill.objects.filter(account=account, instrument=market).order_by("account_seq"):
        ticks, lots = int(fill.price / market.tick_size), int(fill.quantity / market.lot_size)
        person.fill(described, fill.strategy_id, 0 if fill.side == "buy" else 1, ticks, lots, 0)  # type: ignore[arg-type]
    return person


def _list(client: Client, path: str) -> list[dict[str, Any]]:
    answer = client.get(f"/api/v1/{path}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["results"]
    return found
