"""Market data over REST: shapes, aliases, limits, and who may change what."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from marketdata import api, blocks, clock
from marketdata.blocks import BUY, BlockWriter
from marketdata.bus import Bus
from marketdata.channels import KLINES, KlineNews, encode_klines
from marketdata.domain import Kline
from marketdata.mirror import MarketMirror
from marketdata.models import Subscription
from marketdata.store import store_klines
from tests.marketdata.conftest import MINUTE_MS, START_MS, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

BTC = {"exchange": "sim", "symbol": "BTC/USDT"}


@pytest.fixture
def trader() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_user("reader", password="a long enough one"))
    return client


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_user("operator", password="a long enough one", is_staff=True))
    return client


@pytest.fixture
def mirror(btc: Any, bus: Bus, monkeypatch: pytest.MonkeyPatch) -> Iterator[MarketMirror]:
    started = MarketMirror(bus).start()
    assert started.wait(3)
    monkeypatch.setattr(api, "default_mirror", lambda: started)
    yield started
    started.stop()


def get(client: Client, path: str, **query: Any) -> Any:
    answer = client.get(f"/api/v1/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def minutes(instrument: Any, count: int) -> None:
    bars = (
        Kline(START_MS + n * MINUTE_MS, Decimal(100 + n), Decimal(1000), Decimal(1), Decimal(n + 1), Decimal("1.5"))
        for n in range(count)
    )
    store_klines(instrument.pk, "1m", bars)


def test_instruments_have_the_promised_fields(trader: Client, btc: Any) -> None:
    row = get(trader, "instruments", exchange="sim")["results"][0]
    assert list(row) == [
        "exchange",
        "symbol",
        "kline_symbol",
        "order_symbol",
        "kind",
        "base",
        "quote",
        "settle",
        "contract_size",
        "tick_size",
        "lot_size",
        "quantity_min",
        "quantity_max",
        "notional_min",
        "status",
        "spec_version",
        "stale_after",
    ]
    assert (row["tick_size"], row["lot_size"], row["stale_after"]) == ("0.01", "0.00001", 2.0)
    assert get(trader, "instruments", symbol="BTCUSDT")["results"] == [row]


def test_exchanges_say_what_can_be_had_of_them(trader: Client, btc: Any) -> None:
    row = get(trader, "exchanges")["results"][0]
    assert (row["name"], row["source"], row["taker_fee"]) == ("sim", "simulator", "0.001")
    assert "1m" in row["capabilities"]["intervals"]


def test_klines_are_rows_of_text_oldest_first(trader: Client, mirror: MarketMirror, btc: Any) -> None:
    minutes(btc, 3)
    rows = get(trader, "klines", **BTC)["results"]
    assert rows[0] == [START_MS, "100", "1000", "1", "1", "1.5"]
    assert [row[0] for row in rows] == [START_MS + n * MINUTE_MS for n in range(3)]


def test_klines_end_at_the_newest_and_page_back(trader: Client, mirror: MarketMirror, btc: Any) -> None:
    minutes(btc, 25)
    page = get(trader, "klines", **BTC, limit=10)
    seen = page["results"]
    while page["next"]:
        page = trader.get(page["next"]).json()
        seen = page["results"] + seen
    assert [row[0] for row in seen] == [START_MS + n * MINUTE_MS for n in range(25)]


def test_klines_of_a_span_and_of_longer_intervals(trader: Client, mirror: MarketMirror, btc: Any) -> None:
    minutes(btc, 20)
    rows = get(trader, "klines", **BTC, **{"from": "2023-03-01T00:05:00Z", "to": START_MS + 7 * MINUTE_MS})["results"]
    assert [row[0] for row in rows] == [START_MS + 5 * MINUTE_MS, START_MS + 6 * MINUTE_MS]
    fives = get(trader, "klines", exchange="sim", symbol="btcusdt", interval="5m")["results"]
    assert fives[0] == [START_MS, "100", "1000", "1", "5", "7.5"]


def test_the_running_bar_comes_last(trader: Client, mirror: MarketMirror, bus: Bus, btc: Any) -> None:
    minutes(btc, 2)
    running = KlineNews("sim", "BTC/USDT", "1m", START_MS + 2 * MINUTE_MS, "5", "6", "4", "5", "1", False)
    bus.publish(KLINES, encode_klines([running]))
    wait_for(lambda: mirror.kline(btc.pk, "1m"))
    assert get(trader, "klines", **BTC)["results"][-1] == [START_MS + 2 * MINUTE_MS, "5", "6", "4", "5", "1"]
    fifteen = get(trader, "klines", **BTC, interval="15m")["results"]
    assert fifteen == [[START_MS, "100", "1000", "1", "5", "4"]]


def test_book_trades_and_ticker(trader: Client, mirror: MarketMirror, bus: Bus, btc: Any) -> None:
    writer = BlockWriter()
    writer.snapshot(btc.pk, 1, clock.now_ns(), [(1000 - n, 1) for n in range(40)], [(1001 + n, 1) for n in range(40)])
    writer.add(blocks.TRADE, btc.pk, 1, clock.now_ns(), BUY, 1001, 100000)
    bus.publish_block("sim", writer.take())
    wait_for(lambda: mirror.trades(btc.pk))
    book = get(trader, "book", **BTC)
    assert list(book) == ["exchange", "symbol", "seq", "time", "bids", "asks"]
    assert (len(book["bids"]), book["bids"][0]) == (20, ["10", "0.00001"])
    assert len(get(trader, "book", **BTC, depth=999)["asks"]) == 40
    trade = get(trader, "trades", **BTC)["results"][0]
    assert list(trade) == ["id", "price", "quantity", "side", "time"]
    assert (trade["price"], trade["quantity"], trade["side"]) == ("10.01", "1", "buy")
    ticker = get(trader, "tickers", exchange="sim")["results"][0]
    assert {"exchange", "symbol", "bid", "ask", "last", "change_24h", "volume_24h", "time"} <= set(ticker)
    assert (ticker["bid"], ticker["ask"], ticker["last"]) == ("10", "10.01", "10.01")
    assert get(trader, "tickers", **BTC)["results"][0]["symbol"] == "BTC/USDT"


def test_an_unknown_book_is_unavailable_for_a_moment(trader: Client, mirror: MarketMirror) -> None:
    answer = trader.get("/api/v1/book", BTC)
    assert (answer.status_code, answer.json()["code"]) == (503, "BOOK_UNUSABLE")
    assert answer["Retry-After"] == "1"


@pytest.mark.parametrize(
    ("path", "query", "status", "named"),
    [
        ("klines", {}, 400, "exchange"),
        ("klines", {**BTC, "interval": "7m"}, 400, "interval"),
        ("klines", {**BTC, "limit": "0"}, 400, "limit"),
        ("klines", {**BTC, "from": "yesterday"}, 400, "from"),
        ("klines", {**BTC, "colour": "red"}, 400, "colour"),
        ("book", {**BTC, "depth": "-1"}, 400, "depth"),
        ("klines", {"exchange": "sim", "symbol": "NO/SUCH"}, 404, ""),
        ("book", {"exchange": "nowhere", "symbol": "BTC/USDT"}, 404, ""),
    ],
)
def test_a_wrong_question_is_named(
    trader: Client, mirror: MarketMirror, path: str, query: dict[str, str], status: int, named: str
) -> None:
    answer = trader.get(f"/api/v1/{path}", query)
    assert answer.status_code == status
    assert named in answer.json().get("errors", {"": ""})
    if status == 404:
        assert answer.json()["code"] == "INSTRUMENT_UNKNOWN"


def subscribe(client: Client, **body: Any) -> Any:
    return client.post("/api/v1/subscriptions", body, content_type="application/json")


def test_an_operator_subscribes_once(operator: Client, btc: Any) -> None:
    answer = subscribe(operator, **BTC)
    assert answer.status_code == 201
    row = answer.json()
    assert list(row) == ["id", "exchange", "symbol", "interval", "channels", "state", "last_event_at"]
    assert (row["interval"], row["channels"]) == ("1m", ["klines", "trades", "book", "ticker"])
    assert subscribe(operator, **BTC).status_code == 200
    assert get(operator, "subscriptions")["results"] == [row]
    assert operator.delete(f"/api/v1/subscriptions/{row['id']}").status_code == 204
    assert operator.delete(f"/api/v1/subscriptions/{row['id']}").status_code == 404
    assert not Subscription.objects.exists()


def test_only_an_operator_subscribes(trader: Client, btc: Any) -> None:
    assert subscribe(trader, **BTC).status_code == 403
    assert get(trader, "subscriptions")["results"] == []
    assert not Subscription.objects.exists()


def test_nobody_reads_without_saying_who(client: Client, btc: Any) -> None:
    assert client.get("/api/v1/instruments").status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"exchange": "sim", "symbol": "NO/SUCH"}, 422),
        ({"exchange": "sim"}, 400),
        ({**BTC, "interval": "7m"}, 400),
        ({**BTC, "channels": ["smell"]}, 400),
        ({**BTC, "channels": []}, 400),
        ({**BTC, "colour": "red"}, 400),
    ],
)
def test_a_wrong_subscription_is_refused(operator: Client, btc: Any, body: dict[str, Any], status: int) -> None:
    answer = subscribe(operator, **body)
    assert answer.status_code == status, answer.content
    assert not Subscription.objects.exists()
