"""The screens and their actions; terminal/urls.py includes them at the root."""

from __future__ import annotations

from django.urls import URLPattern, path

from terminal.screens import halt, login, portfolio, trade

urlpatterns: list[URLPattern] = [
    path("", trade.first, name="trade"),
    path("trade/<str:exchange>/<str:slug>", trade.trade, name="trade-instrument"),
    path("portfolio", portfolio.portfolio, name="portfolio"),
    path("portfolio/figures", portfolio.figures, name="portfolio-figures"),
    path("portfolio/summary", portfolio.summary, name="portfolio-summary"),
    path("halt", halt.halt, name="halt"),
    path("halt/flatten", halt.flatten, name="halt-flatten"),
    path("halt/flattens", halt.flattens, name="halt-flattens"),
    path("login", login.login, name="login"),
    path("logout", login.logout, name="logout"),
]
