"""Every path of the web process that the hot door and the sockets do not take."""

from __future__ import annotations

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from terminal import health
from terminal.screens import login

admin.autodiscover()

urlpatterns: list[URLPattern | URLResolver] = [
    path("favicon.ico", RedirectView.as_view(url="/static/img/mark.svg")),  # pages that are not ours ask for it here
    path("healthz", health.alive),
    path("readyz", health.ready),
    path("metrics", health.metrics),
    path("admin/login/", RedirectView.as_view(url="/login", query_string=True)),  # one way in, paced and in the audit
    path("admin/logout/", login.logout),
    path("admin/", admin.site.urls),
    path("", include("terminal.api")),
    path("", include("terminal.screen_urls")),
]
