"""Fills: what was executed, newest first."""

from __future__ import annotations

from django.db.models import Q
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders import documents as docs
from orders import rows
from orders.api.base import Query, View, chosen_accounts, instruments_named, page
from orders.errors import invalid
from orders.models import Fill

SIDES = ("buy", "sell")
FILTERS = (
    "account",
    "exchange",
    "symbol",
    "side",
    "strategy_id",
    "order_id",
    "request_id",
    "from",
    "to",
    "limit",
    "cursor",
)


class Fills(View):
    """Your fills."""

    @extend_schema(
        operation_id="list_fills",
        summary="Your fills, newest first",
        parameters=[
            docs.ACCOUNT,
            docs.EXCHANGE,
            docs.SYMBOL,
            docs.STRATEGY_ID,
            OpenApiParameter("side", enum=SIDES),
            OpenApiParameter("order_id", description="Our id of the order."),
            OpenApiParameter("request_id"),
            *docs.SPAN,
            *docs.PAGE,
        ],
        responses={200: docs.page_of(docs.Fill), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, FILTERS)
        accounts = chosen_accounts(self.identity, query.text("account"))
        found = Fill.objects.filter(_matching(query), account_id__in=[account.pk for account in accounts])
        return page(request, found.select_related(*rows.FILL_RELATED), rows.fill, query, ("at", "account_seq"))


def _matching(query: Query) -> Q:
    found = instruments_named(query.text("symbol"), query.text("exchange"))
    if side := query.choice("side", SIDES):
        found &= Q(side=side)
    for name in ("strategy_id", "request_id"):
        text = query.text(name)
        if text is not None:
            found &= Q(**{name: text})
    if (order_id := query.text("order_id")) is not None:
        named = rows.parse_uuid(order_id)
        if named is None:
            raise invalid({"order_id": "It is our id of an order, a uuid."})
        found &= Q(order_uuid=named)
    if moment := query.moment("from"):
        found &= Q(at__gte=moment)
    if moment := query.moment("to"):
        found &= Q(at__lt=moment)
    return found
