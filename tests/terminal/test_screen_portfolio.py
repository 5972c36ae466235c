"""The portfolio page shows the API's numbers, each owner's own, paper and live apart."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from orders import portfolio
from orders.models import Account
from tests.engine.conftest import engine, money  # noqa: F401  (fixtures)
from tests.terminal.mirrors import ended_mirror  # noqa: F401  (fixture)

CELL = re.compile(r"<td[^>]*>(.*?)</td>", re.S)


@pytest.fixture
def trader(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Client:  # noqa: F811
    """A trader who bought 0.02 BTC and sold half; the market's mark is a round 65,000."""
    from fractions import Fraction

    mark = portfolio.Mark(Fraction(65000), True)
    monkeypatch.setattr(portfolio, "mark_of", lambda instrument_id, tick_size: mark)
    monkeypatch.setattr(portfolio, "marks", lambda *args: {"": {("BTC", "USDT"): Fraction(65000)}}, raising=False)
    assert engine.ask(engine.place("buy", "0.02"))[1]["status"] == "filled"
    assert engine.ask(engine.place("sell", "0.01"))[1]["status"] == "filled"
    client = Client()
    client.force_login(engine.cast.trader.user)
    return client


def _figure(html: str, name: str) -> str:
    found = re.search(rf'data-figure="{name}"[^>]*>([^<]*)<', html)
    assert found, name
    return found[1]


def _plain(text: str) -> Decimal:
    return Decimal(text.replace(",", "").replace("−", "-"))


def test_the_figures_are_the_apis(trader: Client, engine: Any) -> None:  # noqa: F811
    html = trader.get("/portfolio").content.decode()
    position = trader.get("/api/v1/positions").json()["results"][0]
    pennies = Decimal("0.01")
    for name in ("realised", "unrealised"):
        assert _plain(_figure(html, name)) == Decimal(position[name]).quantize(pennies), name
    assert _plain(_figure(html, "fees")).quantize(pennies) == Decimal(position["fees"]).quantize(pennies)


def test_the_position_equals_a_recount_of_its_fills(trader: Client, engine: Any) -> None:  # noqa: F811
    position = trader.get("/api/v1/positions").json()["results"][0]
    quantity, realised, fees = portfolio.recount(engine.cast.account.pk, engine.cast.btc.pk)
    assert (Decimal(position["quantity"]), Decimal(position["realised"]), Decimal(position["fees"])) == (
        quantity,
        realised,
        fees,
    )
    cells = CELL.findall(trader.get("/portfolio/figures").content.decode())
    assert str(quantity.normalize()) in cells


def test_equity_is_what_is_held_at_the_mark(trader: Client) -> None:
    held = {row["asset"]: Decimal(row["total"]) for row in trader.get("/api/v1/balances").json()["results"]}
    worth = held["USDT"] + held["BTC"] * 65000
    html = trader.get("/portfolio").content.decode()
    assert _plain(_figure(html, "equity")) == worth.quantize(Decimal("0.01"))
    assert _plain(trader.get("/portfolio/summary").json()["equity"]) == worth.quantize(Decimal("0.01"))


def test_every_fill_is_a_row(trader: Client) -> None:
    fills = trader.get("/api/v1/fills?limit=100").json()["results"]
    html = trader.get("/portfolio/figures").content.decode()
    assert fills
    for fill in fills:
        assert f'id="f-{fill["id"]}"' in html


def test_paper_and_live_are_two_sections_and_no_sum(trader: Client, engine: Any) -> None:  # noqa: F811
    paper = engine.cast.account
    Account.objects.create(
        owner=paper.owner, name="real", exchange=paper.exchange, kind=Account.Kind.LIVE,
        profile=paper.profile, reporting_asset=paper.reporting_asset,
    )  # fmt: skip
    html = trader.get("/portfolio").content.decode()
    assert re.findall(r'data-figures="(\w+)"', html) == ["paper", "live"]
    live = html[html.index('data-figures="live"') :]
    assert _plain(_figure(live, "equity")) == 0


def test_one_owner_sees_nothing_of_anothers(trader: Client, engine: Any) -> None:  # noqa: F811
    stranger = Client()
    stranger.force_login(engine.cast.other.user)
    html = stranger.get("/portfolio").content.decode()
    assert "No positions." in html
    assert "trader" not in html


def test_what_is_not_known_is_a_dash_not_a_zero(trader: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "mark_of", lambda instrument_id, tick_size: None)
    monkeypatch.setattr(portfolio, "marks", lambda *args: {"": {}}, raising=False)
    html = trader.get("/portfolio").content.decode()
    assert _figure(html, "equity") == "–"
    assert _figure(html, "unrealised") == "–"
