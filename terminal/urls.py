"""Every path of the web process that the hot door and the sockets do not take."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path

from terminal import health


def empty(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>Meridian</title><h1>Meridian</h1>")


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("admin/", admin.site.urls),
    path("", empty),
]
