"""The routes of `orders` under /api/v1/."""

from __future__ import annotations

from django.urls import path

from orders.api.accounts import Accounts, Balances, Positions
from orders.api.audit import AuditLines
from orders.api.fills import Fills
from orders.api.flatten import Drills, Flatten, OneFlatten
from orders.api.flight import Latency, OneFlight
from orders.api.keys import Keys, OneKey, RotateKey
from orders.api.orders import Batch, CheckOrder, OneOrder, Orders
from orders.api.pnl import Equity, Pnl
from orders.api.risk import Limits, ResumeTrading, State, StopTrading
from orders.api.tokens import Refresh, Token

urlpatterns = [
    path("orders", Orders.as_view()),
    path("orders/batch", Batch.as_view()),
    path("orders/check", CheckOrder.as_view()),
    path("orders/<str:id>", OneOrder.as_view()),
    path("orders/<str:id>/flight", OneFlight.as_view()),
    path("metrics/latency", Latency.as_view()),
    path("fills", Fills.as_view()),
    path("positions", Positions.as_view()),
    path("balances", Balances.as_view()),
    path("accounts", Accounts.as_view()),
    path("pnl", Pnl.as_view()),
    path("pnl/equity", Equity.as_view()),
    path("risk/limits", Limits.as_view()),
    path("risk/state", State.as_view()),
    path("risk/halt", StopTrading.as_view()),
    path("risk/resume", ResumeTrading.as_view()),
    path("risk/flatten", Flatten.as_view()),
    path("risk/flatten/<int:id>", OneFlatten.as_view()),
    path("risk/drill", Drills.as_view()),
    path("audit", AuditLines.as_view()),
    path("keys", Keys.as_view()),
    path("keys/<int:id>", OneKey.as_view()),
    path("keys/<int:id>/rotate", RotateKey.as_view()),
    path("token", Token.as_view()),
    path("token/refresh", Refresh.as_view()),
]
