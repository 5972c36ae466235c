"""An order's timeline, and how long stages take."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import clock
from orders import documents as docs
from orders.api.base import Query, View, own_accounts
from orders.api.orders import named
from orders.errors import NotFound, invalid
from orders.flight import latency, timeline
from orders.models import Order

WINDOW_S = 300
WINDOW_MAX_S = 3600


class OneFlight(View):
    """When an order passed each of its stages."""

    @extend_schema(
        operation_id="get_flight",
        summary="An order's timeline in ns, from the browser's click to the browser's paint",
        description="Stages of one clock are offsets on that clock: those of the server begin at its first stamp, those of the "
        "browser at the click. A stage that is not known is null and says why. Round trip and server time are durations, so "
        "their difference, what network and browser took, compares no clocks.",
        parameters=[docs.ORDER_ID],
        responses={200: docs.Flight, **docs.ERRORS},
    )
    def get(self, request: Request, id: str) -> Response:
        Query(request, ())
        order = Order.objects.filter(named(id), account_id__in=own_accounts(self.identity).values("pk")).first()
        if order is None:
            raise NotFound("order")
        return Response(timeline.of(order))


class Latency(View):
    """How long stages take."""

    @extend_schema(
        operation_id="get_latency",
        summary="Percentiles of each stage and exchange, of the newest orders",
        parameters=[
            OpenApiParameter(
                "window", int, description=f"Seconds back; {WINDOW_S} unless said, {WINDOW_MAX_S} at most."
            )
        ],
        responses={200: docs.Latencies, **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        text = Query(request, ("window",)).text("window") or str(WINDOW_S)
        if not (text.isascii() and text.isdigit() and len(text) <= 6 and int(text) > 0):
            raise invalid({"window": f"It is a number of seconds from 1 to {WINDOW_MAX_S}."})
        return Response(latency.measured(clock.now(), min(int(text), WINDOW_MAX_S)))
