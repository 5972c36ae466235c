"""The trading screen: everything its first paint needs comes with the page, the rest by the sockets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import connection
from django.db.models import Max, Min
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from marketdata import clock, intervals, services
from marketdata.mirror import MarketMirror, default_mirror
from marketdata.models import Instrument, Kline
from marketdata.precision import decimal_text
from marketdata.shapes import kline_row
from orders import catalog
from orders.catalog import KnownAccount
from orders.identity import owner_of
from orders.shapes import PAPER_KINDS
from terminal.account_history import halts_of
from terminal.screens import figures

BARS = 500
SPARK_POINTS = 24
SHEETS = [
    f"css/{name}.css"
    for name in ("trade", "watchlist", "chart", "book", "tape", "ticket", "blotter", "flight", "toasts", "phone")
]
VIEWS = (("chart", "Chart"), ("book", "Book"), ("tape", "Trades"), ("watch", "Markets"))
SHORTCUTS = (
    (("/",), "Symbol or command"),
    (("B", "S"), "Buy, sell: side and price field"),
    (("P", "Q"), "Price, quantity field"),
    (("[", "M", "]"), "Price at bid, mid, ask"),
    (("1", "2", "3", "4"), "10 %, 25 %, 50 %, all that is free"),
    (("↑", "↓"), "One tick or lot; with Shift ten"),
    (("J", "K"), "Next, previous row"),
    (("L",), "Timeline of the selected order"),
    (("X",), "Cancel the selected order"),
    (("Shift X",), "Cancel all orders of this symbol"),
    ((",", "."), "Interval shorter, longer"),
    (("F",), "Chart full screen"),
    (("Space",), "Pause trades"),
    (("T",), "Theme"),
    (("G T", "G P"), "Go to trade, portfolio"),
    (("Ctrl Shift K",), "Halt dialog"),
)


def slug_of(symbol: str) -> str:
    """A symbol as it stands in an address: BTC/USDT -> BTC-USDT."""
    return symbol.replace("/", "-").replace(":", "_")


def url(exchange: str, symbol: str) -> str:
    """The trading screen of an instrument."""
    return reverse("trade-instrument", args=(exchange, slug_of(symbol)))


@login_required
def first(request: HttpRequest) -> HttpResponse:
    """The root: the instrument looked at last, or the first of the list."""
    known = _instruments()
    if not known:
        return render(request, "screens/empty.html", {"nav": "", "mode": ""})
    last = request.session.get("instrument", "")
    for instrument in known:
        if f"{instrument.exchange.name}:{instrument.symbol}" == last:
            return _page(request, instrument, known)
    return _page(request, known[0], known)


@login_required
def trade(request: HttpRequest, exchange: str, slug: str) -> HttpResponse:
    """The screen of one instrument."""
    known = _instruments()
    for instrument in known:
        if instrument.exchange.name == exchange and slug_of(instrument.symbol) == slug:
            return _page(request, instrument, known)
    raise Http404("There is no such instrument here.")


def _page(request: HttpRequest, instrument: Instrument, known: list[Instrument]) -> HttpResponse:
    owner = owner_of(request.user)
    exchange = instrument.exchange
    account = catalog.default().default_account(owner.pk, exchange.name)
    accounts = [one for one in catalog.default().accounts_of(owner.pk) if one.exchange == exchange.name]
    wanted = request.GET.get("interval", "1m")
    interval = wanted if wanted in intervals.LIVE else "1m"
    mirror = default_mirror()
    klines = [kline_row(bar) for bar in services.history(instrument.pk, interval, limit=BARS)]
    ticker = mirror.ticker(instrument.pk) or {}
    day = _day(instrument)
    mode = "paper" if account.kind in PAPER_KINDS else "live"
    request.session["instrument"] = f"{exchange.name}:{instrument.symbol}"
    boot = {
        "instrument": _spec(instrument),
        "instruments": [_spec(one) for one in known],
        "accounts": [_account(one) for one in catalog.default().accounts_of(owner.pk)],
        "account": account.name,
        "mode": mode,
        "interval": interval,
        "klines": klines,
        "day": day,
    }
    context = {
        "nav": "trade",
        "mode": mode,
        "instrument": boot["instrument"],
        "ticker": ticker,
        "day": day,
        "summary": figures.summary(owner, mode),
        "watchlist": _watchlist(known, instrument, mirror),
        "intervals": intervals.LIVE,
        "interval": interval,
        "has_klines": bool(klines),
        "accounts": accounts,
        "account": account.name,
        "start_price": ticker.get("bid") or ticker.get("last") or "",
        "halted": any(
            _stops(one.scope, one.key, instrument, account) for one in halts_of(owner.pk) if one.state == "halted"
        ),
        "sheets": SHEETS,
        "views": VIEWS,
        "shortcuts": SHORTCUTS,
        "boot": boot,
    }
    return never_stored(render(request, "screens/trade.html", context))


def never_stored(response: HttpResponse) -> HttpResponse:
    """A page with somebody's orders on it is kept nowhere."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _instruments() -> list[Instrument]:
    found = Instrument.objects.select_related("exchange", "base", "quote").filter(exchange__enabled=True)
    return list(found.exclude(status=Instrument.Status.DELISTED))


def _spec(instrument: Instrument) -> dict[str, Any]:
    exchange = instrument.exchange
    return {
        "exchange": exchange.name,
        "exchange_title": exchange.title or exchange.name,
        "symbol": instrument.symbol,
        "kind": instrument.kind,
        "base": instrument.base.code,
        "quote": instrument.quote.code,
        "tick_size": decimal_text(instrument.tick_size),
        "lot_size": decimal_text(instrument.lot_size),
        "quantity_min": decimal_text(instrument.quantity_min),
        "quantity_max": decimal_text(instrument.quantity_max),
        "notional_min": decimal_text(instrument.notional_min),
        "maker_fee_ppm": exchange.maker_fee_ppm,
        "taker_fee_ppm": exchange.taker_fee_ppm,
        "stale_after_ms": instrument.stale_after_ms,
        "spec_version": instrument.spec_version,
        "status": instrument.status,
        "url": url(exchange.name, instrument.symbol),
    }


def _account(account: KnownAccount) -> dict[str, Any]:
    return {"id": account.id, "name": account.name, "exchange": account.exchange, "kind": account.kind}


def _day(instrument: Instrument) -> dict[str, str | None]:
    """Highest and lowest price of the last 24 hours of stored minutes."""
    since = clock.now() - timedelta(days=1)
    found = Kline.objects.filter(instrument=instrument, interval=intervals.BASE, open_time__gte=since).aggregate(
        high=Max("high"), low=Min("low")
    )
    return {name: decimal_text(value) if value is not None else None for name, value in found.items()}


def _watchlist(known: list[Instrument], current: Instrument, mirror: MarketMirror) -> list[dict[str, Any]]:
    closes = _sparks()
    return [
        {
            **_spec(one),
            "current": one.pk == current.pk,
            "ticker": mirror.ticker(one.pk) or {},
            "closes": " ".join(closes.get(one.pk, [])[-SPARK_POINTS:]),
        }
        for one in known
    ]


def _sparks() -> dict[int, list[str]]:
    """One close an hour of the last day, for the little lines of the watchlist."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT instrument_id, close FROM marketdata_kline WHERE interval = '1m' AND open_time >= %s"
            " AND extract(minute FROM open_time) = 0 ORDER BY open_time",
            [clock.now() - timedelta(days=1)],
        )
        found: dict[int, list[str]] = {}
        for instrument_id, close in cursor.fetchall():
            found.setdefault(instrument_id, []).append(decimal_text(close))
    return found


def _stops(scope: str, key: str, instrument: Instrument, account: KnownAccount) -> bool:
    """Whether a halt keeps this screen's orders from being placed."""
    if scope == "exchange":
        return key == instrument.exchange.name
    if scope == "instrument":
        return key == f"{instrument.exchange.name}:{instrument.symbol}"
    if scope == "account":
        return key == account.name
    return scope in ("global", "owner")
