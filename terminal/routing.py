"""Which consumer answers which socket."""

from __future__ import annotations

import importlib.util

from django.urls import URLPattern, path

websocket_urlpatterns: list[URLPattern] = []
if importlib.util.find_spec("terminal.consumers"):
    from terminal import consumers

    websocket_urlpatterns = [
        path("ws/market", consumers.MarketConsumer.as_asgi()),
        path("ws/account", consumers.AccountConsumer.as_asgi()),
    ]
