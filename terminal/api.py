"""/api/v1/: the apps' routes joined, their schema, its page, and whether everything runs."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from marketdata import clock
from marketdata.models import Heartbeat
from orders.api import seedpaths
from orders.api import urls as orders_urls
from orders.errors import ApiError
from terminal import health

BEAT_LATE_MS = 5000  # five beats missed: the process is not well


class Process(serializers.Serializer):
    process = serializers.CharField()
    service = serializers.CharField()
    alive = serializers.BooleanField(help_text="It said so within the last 5 seconds.")
    beat_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField()


class HealthAnswer(serializers.Serializer):
    ready = serializers.BooleanField(help_text="An order would be taken.")
    reason = serializers.CharField(allow_blank=True, help_text="Why not.")
    time = serializers.DateTimeField()
    processes = Process(many=True)


class Health(APIView):
    """Whether an order would be taken, and which processes live."""

    required_scope = "read"

    @extend_schema(operation_id="get_health", responses={200: HealthAnswer})
    def get(self, request: Request) -> Response:
        now = clock.now()
        reason = health.why_not_ready() or ""
        return Response(
            {
                "ready": not reason,
                "reason": reason,
                "time": clock.iso(now),
                "processes": [
                    {
                        "process": beat.process,
                        "service": beat.service,
                        "alive": clock.to_ms(now) - clock.to_ms(beat.beat_at) < BEAT_LATE_MS,
                        "beat_at": clock.iso(beat.beat_at),
                        "started_at": clock.iso(beat.started_at),
                    }
                    for beat in Heartbeat.objects.all()
                ],
            }
        )


class NoSuchRoute(APIView):
    """Everything below /api/ that is no route, answered in JSON too."""

    authentication_classes = ()
    permission_classes = ()
    schema = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self.http_method_names = [request.method.lower()]
        setattr(self, request.method.lower(), self.refuse)
        return super().dispatch(request, *args, **kwargs)

    def refuse(self, request: Request, rest: str = "") -> Response:
        raise ApiError(404, "NOT_FOUND", "There is no such route; /api/v1/docs lists them all.")


class Authenticated(OpenApiAuthenticationExtension):  # type: ignore[misc]
    """How the schema says who asks."""

    target_class = "orders.rest.Authentication"
    name = ["signed", "token", "session"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {
                "type": "apiKey",
                "in": "header",
                "name": "X-API-Key",
                "description": "Alone for keys that only read; else with X-API-Timestamp (ms) and X-API-Signature.",
            },
            {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            {"type": "apiKey", "in": "cookie", "name": "sessionid"},
        ]


class Schema(SpectacularJSONAPIView):
    """The schema, in JSON for every client."""


class Docs(SpectacularSwaggerSplitView):
    """The schema as a page one can try things on; its script is a file of its own, as our policy wants it."""


v1 = [
    *orders_urls.urlpatterns,
    path("health", Health.as_view()),
    path("schema", Schema.as_view(), name="schema"),
    path("docs", Docs.as_view(url_name="schema"), name="docs"),
    path("", include("marketdata.api")),
]

urlpatterns = [
    path("api/v1/", include(v1)),
    *seedpaths.urlpatterns,
    path("api/<path:rest>", NoSuchRoute.as_view()),
]
