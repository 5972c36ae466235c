"""What the doors are held against, as an application of its own: an authenticated DRF view that does nothing, and a Channels
consumer that sends back what it hears. `python -m daphne -p PORT orders.benchmark.path.empty:application`.
"""

from __future__ import annotations

import django

django.setup()

from channels.generic.websocket import AsyncWebsocketConsumer  # noqa: E402
from channels.routing import ProtocolTypeRouter  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Empty(APIView):
    """Authenticated as every view of the API is."""

    def get(self, request: Request) -> Response:
        return Response({})


class Echo(AsyncWebsocketConsumer):
    """A bare Channels consumer."""

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        await self.send(text_data=text_data)


urlpatterns = [path("empty", Empty.as_view())]
settings.ROOT_URLCONF = __name__
application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": Echo.as_asgi()})
