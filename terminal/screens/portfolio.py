"""The portfolio: what there is, what it is worth, what trading made; paper and live apart."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from marketdata.mirror import default_mirror
from orders import rows
from orders.identity import owner_of
from orders.models import Fill, Owner
from orders.portfolio import AccountView, Mode
from orders.portfolio import portfolio as count
from terminal.account_history import halts_of
from terminal.screens import figures as headline

FILLS = 100
MODES = ("paper", "live")


@never_cache
@login_required
@require_GET
def portfolio(request: HttpRequest) -> HttpResponse:
    """The whole page."""
    owner = owner_of(request.user)
    modes = count(owner.pk)
    context = {
        "nav": "portfolio",
        "mode": "live" if any(mode.name == "live" for mode in modes) and len(modes) == 1 else "paper",
        "halted": any(one.state == "halted" for one in halts_of(owner.pk)),
        "sockets": [one.account.name for mode in modes for one in mode.accounts],
        **_figures(owner, modes),
    }
    return render(request, "screens/portfolio.html", context)


@never_cache
@login_required
@require_GET
def figures(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes while it is open."""
    owner = owner_of(request.user)
    return render(request, "partials/_figures.html", _figures(owner, count(owner.pk)))


@never_cache
@login_required
@require_GET
def summary(request: HttpRequest) -> JsonResponse:
    """Equity and day P&L for the strip of the trading screen."""
    mode = request.GET.get("mode", "paper")
    return JsonResponse(headline.summary(owner_of(request.user), mode if mode in MODES else "paper"))


def _figures(owner: Owner, modes: list[Mode]) -> dict[str, Any]:
    return {"modes": [_mode(owner, mode) for mode in modes]}


def _mode(owner: Owner, mode: Mode) -> dict[str, Any]:
    accounts = [one.account for one in mode.accounts]
    fills = Fill.objects.filter(owner=owner, account__in=accounts).select_related(
        *rows.FILL_RELATED, "instrument__quote"
    )
    ticks = {(spec.exchange, spec.symbol): spec.tick_size for spec in default_mirror().instruments()}
    return {
        "name": mode.name,
        "asset": mode.reporting_asset,
        "equity": mode.equity,
        "at_midnight": _sum([one.equity_at_midnight for one in mode.accounts]) if mode.reporting_asset else None,
        "change": mode.change_today,
        "summary": headline.of(mode),
        "results": _results(mode.accounts),
        "accounts": [
            {"name": one.account.name, "exchange": one.account.exchange.name, "view": one} for one in mode.accounts
        ],
        "balances": [row for one in mode.accounts for row in one.balances if row["total"] != "0"],
        "positions": [
            {**row, "tick": ticks.get((row["exchange"], row["symbol"]))}
            for one in mode.accounts
            for row in one.positions
        ],
        "fills": [
            {**rows.fill(fill), "tick": fill.instrument.tick_size, "lot": fill.instrument.lot_size}
            for fill in fills[:FILLS]
        ],
    }


def _results(views: list[AccountView]) -> list[dict[str, Any]]:
    """Realised, unrealised and fees by quote asset: what is in different assets is not added up."""
    assets = sorted({asset for one in views for asset in (*one.realised, *one.fees)})
    return [
        {
            "asset": asset,
            "realised": _sum([one.realised[asset] for one in views if asset in one.realised]),
            "unrealised": _sum([one.unrealised[asset] for one in views if asset in one.unrealised]),
            "fees": _sum([one.fees[asset] for one in views if asset in one.fees]),
        }
        for asset in assets
    ]


def _sum(amounts: list[Any]) -> Any:
    """The sum, or None when one of them is not known."""
    return None if any(amount is None for amount in amounts) else sum(amounts)
