"""What web serves. Order entry has a door of its own in front of Django; the rest is screens, REST and sockets."""

from __future__ import annotations

import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "terminal.settings")
django_application = get_asgi_application()  # loads the apps: what follows may import models

from django.conf import settings  # noqa: E402
from django.core.exceptions import ImproperlyConfigured  # noqa: E402

from orders.door import HotDoor  # noqa: E402
from terminal.bot_door import BotDoor  # noqa: E402
from terminal.routing import websocket_urlpatterns  # noqa: E402

if settings.SECRET_KEY_IS_EPHEMERAL:
    raise ImproperlyConfigured(
        "SECRET_KEY is not set, so nobody could stay logged in. Set it, or start with `make run`."
    )

application = ProtocolTypeRouter(
    {"http": HotDoor(django_application), "websocket": BotDoor(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))}
)
