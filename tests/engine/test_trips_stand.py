"""Every automatic trip, provoked through the engine: its row says what tripped, outlives a restart, and a person releases it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from marketdata import bus, clock
from marketdata.blocks import BOOK, BUY, LEVEL, PROOF, RECORD, SELL, SNAPSHOT, Record
from marketdata.models import Exchange, Instrument
from orders import messages, release
from orders._core import OUTCOME_UNKNOWN
from orders.messages import Terms
from orders.models import Account, Audit, ExecutionReport, Halt, RiskLimit
from tests.moved_clock import Hands

ROUNDS = 40


def limit(engine: Any, **values: int) -> None:
    for code, value in values.items():
        RiskLimit.objects.create(account=engine.cast.account, code=code, value=value)


def take(engine: Any, side: str, quantity: str = "0.01", **more: Any) -> dict[str, Any]:
    status, body, _ = engine.ask(engine.place(side, quantity, **more))
    assert status in (201, 422), body
    return dict(body)


def until_it_trips(act: Callable[[int], None]) -> None:
    for count in range(ROUNDS):
        if Halt.objects.exists():
            return
        act(count)
    raise AssertionError("it did not trip")


def round_trips(engine: Any) -> Callable[[int], None]:
    """Fees and the spread lose money; what it is worth is told once a second, so the clock goes on."""

    def act(count: int) -> None:
        for side in ("buy", "sell"):
            engine.ask(engine.place(side, "0.3"))
        engine.service.valuer.last_ns = 0
        engine.turn()

    return act


def daily_loss(engine: Any) -> None:
    limit(engine, daily_loss_bp=1)
    until_it_trips(round_trips(engine))


def drawdown(engine: Any) -> None:
    limit(engine, drawdown_bp=1)
    until_it_trips(round_trips(engine))


def price_jump(engine: Any) -> None:
    RiskLimit.objects.create(scope="instrument", key="sim:BTC/USDT", code="price_jump_bp", value=1)
    until_it_trips(lambda count: engine.ask(engine.place("sell" if count % 2 else "buy", "0.4")) and None)


def repeated_execution(engine: Any) -> None:
    limit(engine, executions_max=3, executions_window_s=3600)
    until_it_trips(lambda _: take(engine, "buy", strategy_id="grid") and None)


def reject_storm(engine: Any) -> None:
    """No gateway sends anything yet, so an exchange's rejects are told as its reports would tell them."""
    limit(engine, rejects_max=3, rejects_window_s=3600)

    def act(_: int) -> None:
        order = take(engine, "buy", price="50000", strategy_id="grid")
        report = messages.ExchangeReport(
            owner_id=engine.cast.trader.pk, account_id=engine.cast.account.pk, id=order["id"], closed="8"
        )
        assert engine.ask(report)[0] == 200

    until_it_trips(act)


def exchange_degraded(engine: Any) -> None:
    """Nobody asks an exchange outside yet: the core is told of outcomes directly."""
    limit(engine, unknown_max=2, unknown_window_s=3600)
    engine.turn()
    for _ in range(2):
        engine.core.outcome(engine.cast.account.pk, engine.cast.btc.exchange_id, OUTCOME_UNKNOWN, clock.now_ns())
    engine.turn()


def stop_outs(engine: Any) -> None:
    limit(engine, stop_outs_max=2, stop_outs_window_s=3600, stop_outs_pause_s=3600)

    def act(_: int) -> None:
        take(engine, "buy")
        take(engine, "sell", type="stop", terms=Terms(stop_ticks=engine.touch()[1] + 1000))  # reached already

    until_it_trips(act)


def cooldown(engine: Any) -> None:
    limit(engine, cooldown_s=3600)

    def act(_: int) -> None:
        take(engine, "buy")
        take(engine, "sell")

    until_it_trips(act)


#: what provokes it -> scope, key, state, code, an order it must keep out
TRIPS: list[tuple[Callable[[Any], None], str, str, str, str, dict[str, Any]]] = [
    (daily_loss, "account", "trader", "reducing", "DAILY_LOSS", {}),
    (drawdown, "account", "trader", "halted", "MAX_DRAWDOWN", {}),
    (price_jump, "instrument", "sim:BTC/USDT", "reducing", "PRICE_JUMP", {}),
    (repeated_execution, "strategy", "grid", "halted", "REPEATED_EXECUTION", {"strategy_id": "grid"}),
    (reject_storm, "strategy", "grid", "halted", "REJECT_STORM", {"strategy_id": "grid"}),
    (exchange_degraded, "exchange", "sim", "reducing", "EXCHANGE_DEGRADED", {}),
    (stop_outs, "position", "trader|sim:BTC/USDT", "reducing", "STOPLOSS_GUARD", {}),
    (cooldown, "position", "trader|sim:BTC/USDT", "reducing", "COOLDOWN", {}),
]


@pytest.mark.parametrize(("provoke", "scope", "key", "state", "code", "order"), TRIPS, ids=[trip[4] for trip in TRIPS])
def test_it_names_what_tripped_and_stays_until_a_person_releases_it(
    engine: Any, provoke: Callable[[Any], None], scope: str, key: str, state: str, code: str, order: dict[str, Any]
) -> None:
    provoke(engine)
    row = Halt.objects.get()
    assert (row.scope, row.key, row.state, row.code, row.set_by) == (scope, key, state, code, "the engine")
    if code != "COOLDOWN":  # any loss is one too many there
        assert abs(row.value) >= row.limit > 0
        assert str(row.value.normalize().to_integral_value())[:1] in row.reason or code == "EXCHANGE_DEGRADED"
    assert Audit.objects.filter(action=f"halt.{state}", target=f"{scope}:{key}").exists()
    heard = ExecutionReport.objects.filter(account=engine.cast.account, kind="risk").latest("account_seq")
    assert heard.payload["halts"][0]["code"] == code
    opening = {"price": "50000", **order}
    assert engine.ask(engine.place("buy", "0.3", **opening))[1]["code"] == code
    engine.restart()
    assert engine.ask(engine.place("buy", "0.3", **opening))[1]["code"] == code
    RiskLimit.objects.filter(account=engine.cast.account).delete()
    RiskLimit.objects.filter(scope="instrument").delete()
    owner = row.owner
    release.release(scope, key, by="Ann", reason="looked at it", owner=owner)
    status, body, _ = engine.ask(engine.place("buy", "0.3", **opening))
    assert status == 201, body
    line = Audit.objects.get(action="halt.active")
    assert line.actor == "Ann" and line.detail["tripped"] == code
    engine.restart()
    assert engine.ask(engine.place("buy", "0.2", **opening))[0] == 201


def test_a_market_that_went_quiet_only_reduces_until_it_is_heard_again(engine: Any, monkeypatch: Any) -> None:
    btc, trader = engine.cast.btc, engine.cast.trader
    hist = Exchange.objects.create(name="hist", source="replay")
    far = Instrument.objects.create(
        exchange=hist, symbol="BTC/USDT", base=btc.base, quote=btc.quote, settle=btc.settle,
        tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"), stale_after_ms=2000,
    )  # fmt: skip
    account = Account.objects.create(
        owner=trader, name="hist", exchange=hist, kind="paper", profile=engine.cast.account.profile,
        reporting_asset=btc.quote, is_default=True,
    )  # fmt: skip
    hands = Hands(monkeypatch)
    seq = 0

    def tell(*records: tuple[int, int, int, int]) -> None:
        nonlocal seq
        packed = b""
        for kind, side, ticks, lots in records:
            seq += 1
            packed += RECORD.pack(*Record(far.pk, far.spec_version, kind, side, ticks, lots, clock.now_ns(), seq))
        bus.default().publish_block("hist", packed)
        engine.turn()
        engine.turn()

    for _ in range(3):
        engine.turn()  # it learns of the exchange, and follows its stream
    book = [(LEVEL, BUY, 6_000_000, 5000), (LEVEL, SELL, 6_000_100, 5000)]
    tell((BOOK, 0, 0, 0), (SNAPSHOT, 0, 0, 2), *book)
    tell((SNAPSHOT, 0, 0, 2), *book)
    assert not Halt.objects.exists() and engine.core.mirror(far.pk) is not None
    hands.ahead = 30 * 10**9
    engine.turn()
    row = Halt.objects.get()
    assert (row.scope, row.key, row.state, row.code) == ("instrument", "hist:BTC/USDT", "reducing", "DATA_STALE")
    assert row.limit == 2 and 29 < row.value < 600
    refused = engine.ask(engine.place("buy", "0.01", "60000", instrument=far, account=account))[1]
    assert refused["code"] == "DATA_STALE"
    tell((SNAPSHOT, 0, 0, 2), *book)
    tell((PROOF, 0, 0, 0))
    row.refresh_from_db()
    assert row.state == "active"
