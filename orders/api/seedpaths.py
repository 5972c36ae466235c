"""The paths the seed systems' clients know, on the same views: they go on working with another address and key."""

from __future__ import annotations

from django.urls import path
from drf_spectacular.utils import extend_schema

from orders.api.accounts import Positions
from orders.api.fills import Fills
from orders.api.orders import OneOrder, Orders


@extend_schema(exclude=True)
class SeedOrders(Orders):
    """`/api/v1/orders` under another name."""


class PlaceOnly(SeedOrders):
    """Only to place: these paths never had a list."""

    http_method_names = ["post", "options"]


class ListOnly(SeedOrders):
    """Only to look: orders were placed under another path."""

    http_method_names = ["get", "head", "options"]


@extend_schema(exclude=True)
class SeedOrder(OneOrder):
    """`/api/v1/orders/{id}` under another name."""

    http_method_names = ["get", "head", "options"]


@extend_schema(exclude=True)
class SeedPositions(Positions):
    """`/api/v1/positions` under another name."""


@extend_schema(exclude=True)
class SeedExecutions(Fills):
    """`/api/v1/fills` under another name."""


urlpatterns = [
    path("order-engine/v1/orders", PlaceOnly.as_view()),
    path("api/order", PlaceOnly.as_view()),
    path("api/orders", ListOnly.as_view()),
    path("api/orders/<str:id>", SeedOrder.as_view()),
    path("api/positions", SeedPositions.as_view()),
    path("api/executions", SeedExecutions.as_view()),
]
