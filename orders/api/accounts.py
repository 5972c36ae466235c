"""Accounts, what they hold, and what trading left."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders import documents as docs
from orders import portfolio, rows
from orders.api.base import PAGED, Query, View, chosen_accounts, everything, instruments_named
from orders.models import Balance, Position

POSITIONS_BY = ("strategy", "account")


class Accounts(View):
    """Your accounts."""

    @extend_schema(
        operation_id="list_accounts",
        summary="Your accounts, in the order they were made",
        parameters=[docs.ACCOUNT, *docs.PAGE],
        responses={200: docs.page_of(docs.Account), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account", *PAGED))
        return everything(
            request, query, [rows.account(account) for account in chosen_accounts(self.identity, query.text("account"))]
        )


class Balances(View):
    """What your accounts hold."""

    @extend_schema(
        operation_id="list_balances",
        summary="What your accounts hold, asset by asset",
        parameters=[docs.ACCOUNT, OpenApiParameter("asset"), *docs.PAGE],
        responses={200: docs.page_of(docs.Balance), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account", "asset", *PAGED))
        accounts = chosen_accounts(self.identity, query.text("account"))
        found = Balance.objects.filter(account_id__in=[account.pk for account in accounts])
        if (asset := query.text("asset")) is not None:
            found = found.filter(asset__code=asset)
        ordered = found.select_related("account", "asset").order_by("account_id", "asset_id")
        return everything(request, query, [rows.balance(row) for row in ordered])


class Positions(View):
    """Your positions."""

    @extend_schema(
        operation_id="list_positions",
        summary="Your positions, valued at the present mark",
        description="One row for each instrument an account has traded, and each strategy that traded it; "
        "a closed position stays with quantity 0 and what it realised. `by=account` sums the strategies: one row for each "
        "instrument, `strategy_id` null, which is what an exchange is compared with.",
        parameters=[
            docs.ACCOUNT,
            docs.EXCHANGE,
            docs.SYMBOL,
            docs.STRATEGY_ID,
            OpenApiParameter(
                "by", enum=POSITIONS_BY, description="A row for each strategy (unless said), or for each account."
            ),
            *docs.PAGE,
        ],
        responses={200: docs.page_of(docs.Position), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account", "exchange", "symbol", "strategy_id", "by", *PAGED))
        summed = query.choice("by", POSITIONS_BY) == "account"
        accounts = chosen_accounts(self.identity, query.text("account"))
        found = Position.objects.filter(account_id__in=[account.pk for account in accounts])
        found = found.filter(instruments_named(query.text("symbol"), query.text("exchange")))
        if (strategy_id := query.text("strategy_id")) is not None:
            found = found.filter(strategy_id=strategy_id)
        shown = portfolio.account_shapes(found) if summed else portfolio.position_shapes(found)
        return everything(request, query, shown)
