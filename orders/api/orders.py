"""Orders: list, place, look up, amend, cancel, cancel all. Everything that changes one goes to the engine."""

from __future__ import annotations

import json
from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders import documents as docs
from orders import intake, items, parsers, rows, services
from orders.api.base import (
    Query,
    View,
    answered,
    chosen_accounts,
    instruments_named,
    named_instruments,
    own_accounts,
    page,
)
from orders.conditions import TYPES
from orders.errors import ApiError, NotFound, invalid
from orders.messages import Reply
from orders.models import Order
from orders.shapes import FINAL_STATUSES

SIDES = ("buy", "sell")
STATUSES = (
    "pending_new",
    "new",
    "partially_filled",
    "filled",
    "pending_cancel",
    "pending_replace",
    "canceled",
    "rejected",
    "expired",
    "unknown",
)
SWEEP_FILTERS = ("account", "exchange", "symbol", "side", "strategy_id")
LIST_FILTERS = (*SWEEP_FILTERS, "status", "type", "request_id", "order_id", "source", "from", "to", "limit", "cursor")


class Orders(View):
    """Your orders."""

    required_scope = {"GET": "read", "POST": "trade", "DELETE": "trade"}

    @extend_schema(
        operation_id="list_orders",
        summary="Your orders, newest first",
        parameters=[
            docs.ACCOUNT,
            docs.EXCHANGE,
            docs.SYMBOL,
            docs.STRATEGY_ID,
            OpenApiParameter("side", enum=SIDES),
            OpenApiParameter("type", enum=TYPES),
            OpenApiParameter(
                "status", description=f"One or more, with commas: {', '.join(STATUSES)}; or open, or final."
            ),
            OpenApiParameter("request_id"),
            OpenApiParameter("order_id", description="What the client called it."),
            OpenApiParameter("source"),
            *docs.SPAN,
            *docs.PAGE,
        ],
        responses={200: docs.page_of(docs.Order), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, LIST_FILTERS)
        accounts = chosen_accounts(self.identity, query.text("account"))
        found = Order.objects.filter(_matching(query), account_id__in=[account.pk for account in accounts])
        return page(request, found.select_related(*rows.ORDER_RELATED), rows.order, query, ("created_at", "order_no"))

    @extend_schema(
        operation_id="place_order",
        summary="Place an order",
        description="Answered when it is decided and durable. The same request_id with the same body is answered again "
        "from what was decided (200, Idempotent-Replay: true).",
        request=docs.NewOrder,
        responses={
            201: docs.Order,
            200: docs.Order,
            202: docs.Order,
            409: docs.Error,
            422: docs.Error,
            503: docs.Error,
            504: docs.Error,
            **docs.ERRORS,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return answered(services.place(self.identity, request.data, _header_id(request)))

    @extend_schema(
        operation_id="cancel_orders",
        summary="Cancel every open order that passes the filters",
        parameters=[
            docs.ACCOUNT,
            docs.EXCHANGE,
            docs.SYMBOL,
            docs.STRATEGY_ID,
            OpenApiParameter("side", enum=SIDES),
        ],
        description="While the bus is away it goes by a row, which the engine decides all the same: 200 when it has, 202 with "
        "the row when not yet.",
        responses={200: docs.page_of(docs.Order), 202: docs.Flatten, 503: docs.Error, 504: docs.Error, **docs.ERRORS},
    )
    def delete(self, request: Request) -> HttpResponse:
        query = Query(request, SWEEP_FILTERS)
        accounts = chosen_accounts(self.identity, query.text("account"))
        exchange = query.text("exchange")
        if exchange is not None:
            accounts = [account for account in accounts if account.exchange.name == exchange.lower()]
        replies = [
            services.cancel_all(
                self.identity,
                account_ids=[account.pk for account in accounts],
                instrument_id=instrument_id,
                side=query.choice("side", SIDES),
                strategy_id=query.text("strategy_id"),
            )
            for instrument_id in _instruments(query.text("symbol"), exchange)
        ]
        failed = next((reply for reply in replies if reply.status != 200), None)
        return answered(failed or _joined(replies))


class Batch(View):
    """Many at once."""

    required_scope = {"POST": "trade"}
    body_bytes_max = parsers.BATCH_BYTES_MAX

    @extend_schema(
        operation_id="send_batch",
        summary="Place, amend and cancel up to 500 at once, in their order",
        description="The results stand in the order of the items, each with the status it would have had alone; one that "
        "fails does not stop the others. Sent again with the same request_ids, each is answered from what was decided.",
        request=docs.NewBatch,
        responses={207: docs.BatchResults, 413: docs.Error, **docs.ERRORS},
    )
    def post(self, request: Request) -> HttpResponse:
        return answered(items.send(self.identity, items.read_items(request.data)))


class CheckOrder(View):
    """Whether an order would be taken."""

    required_scope = {"POST": "read"}

    @extend_schema(
        operation_id="check_order",
        summary="Would this order be taken? Every limit with its value, the room left and a fix; changes nothing",
        description="The body of a place. Answered by the engine that would decide it, beside its commands: nothing is stored, "
        "no token is taken, no commit is waited for. The first that is not ok is what placing it now would answer.",
        request=docs.NewOrder,
        responses={200: docs.OrderCheck, 409: docs.Error, 422: docs.Error, 503: docs.Error, **docs.ERRORS},
    )
    def post(self, request: Request) -> HttpResponse:
        return answered(services.check(self.identity, request.data))


class OneOrder(View):
    """One of your orders, by our id or `client:<request_id>`."""

    required_scope = {"GET": "read", "PATCH": "trade", "DELETE": "trade"}

    @extend_schema(
        operation_id="get_order",
        summary="One order, by our id or client:<request_id>",
        parameters=[docs.ORDER_ID],
        responses={200: docs.Order, **docs.ERRORS},
    )
    def get(self, request: Request, id: str) -> Response:
        Query(request, ())
        found = Order.objects.filter(named(id), account_id__in=own_accounts(self.identity).values("pk"))
        row = found.select_related(*rows.ORDER_RELATED).first()
        if row is None:
            raise NotFound("order")
        return Response(rows.order(row))

    @extend_schema(
        operation_id="amend_order",
        summary="Change an order's price or quantity",
        description="A smaller quantity at the same price keeps its place in the queue. The header Idempotency-Key may "
        "carry the amend's own request_id.",
        parameters=[docs.ORDER_ID, docs.IDEMPOTENCY_KEY],
        request=docs.AmendOrder,
        responses={200: docs.Order, 202: docs.Order, 409: docs.Error, 422: docs.Error, 504: docs.Error, **docs.ERRORS},
    )
    def patch(self, request: Request, id: str) -> HttpResponse:
        return answered(services.amend(self.identity, id, _given(request), _header_id(request)))

    @extend_schema(
        operation_id="cancel_order",
        summary="Cancel an order",
        parameters=[docs.ORDER_ID, docs.IDEMPOTENCY_KEY],
        responses={200: docs.Order, 202: docs.Order, 409: docs.Error, 504: docs.Error, **docs.ERRORS},
    )
    def delete(self, request: Request, id: str) -> HttpResponse:
        return answered(services.cancel(self.identity, id, _given(request), _header_id(request)))


def _header_id(request: Request) -> str:
    return str(request.headers.get("Idempotency-Key", ""))


def _given(request: Request) -> dict[str, Any]:
    """The body without the fields that are null: they are left out."""
    return {name: value for name, value in request.data.items() if value is not None}


def named(id: str) -> Q:
    order_id, request_id = intake.read_target(id)
    return Q(pk=order_id) if order_id else Q(request_id=request_id)


def _instruments(symbol: str | None, exchange: str | None) -> list[int | None]:
    """The instruments a sweep is for; [None] = all. A symbol nobody knows is refused, or it would look like a success."""
    if symbol is None:
        return [None]
    found = named_instruments(symbol, exchange)
    if not found:
        raise ApiError(422, "INSTRUMENT_UNKNOWN", "This symbol is not known, so nothing was canceled.", value=symbol)
    return [*found]


def _joined(replies: list[Reply]) -> Reply:
    """The answers to one sweep over several instruments as one."""
    if len(replies) == 1:
        return replies[0]
    results = [order for reply in replies for order in json.loads(reply.body)["results"]]
    return Reply(200, {}, json.dumps({"results": results}).encode())


def _matching(query: Query) -> Q:
    """The condition of the list's filters."""
    found = instruments_named(query.text("symbol"), query.text("exchange"))
    for name, words in (("side", SIDES), ("type", TYPES)):
        if word := query.choice(name, words):
            found &= Q(**{name: word})
    for name in ("strategy_id", "request_id", "order_id", "source"):
        text = query.text(name)
        if text is not None:
            found &= Q(**{name: text})
    if (status := query.text("status")) is not None:
        found &= _status(status)
    if moment := query.moment("from"):
        found &= Q(created_at__gte=moment)
    if moment := query.moment("to"):
        found &= Q(created_at__lt=moment)
    return found


def _status(text: str) -> Q:
    words = text.lower().split(",")
    if words == ["open"]:
        return ~Q(status__in=FINAL_STATUSES)
    if words == ["final"]:
        return Q(status__in=FINAL_STATUSES)
    if any(word not in STATUSES for word in words):
        raise invalid({"status": f"It is open, final, or some of {', '.join(STATUSES)}."})
    return Q(status__in=words)
