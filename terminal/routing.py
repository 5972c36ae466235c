"""Which consumer answers which socket."""

from __future__ import annotations

from django.urls import URLPattern, path

from terminal import consumers

websocket_urlpatterns: list[URLPattern] = [
    path("ws/market", consumers.MarketConsumer.as_asgi()),
    path("ws/account", consumers.AccountConsumer.as_asgi()),
]
