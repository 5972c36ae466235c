"""Signing in and out, with Django's own sessions. `next` leads only to pages of ours."""

from __future__ import annotations

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache

_logout = LogoutView.as_view(next_page="/login?ended=1")


@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """The sign-in page."""
    ended = request.GET.get("ended") == "1" and REDIRECT_FIELD_NAME not in request.GET
    response: HttpResponse = LoginView.as_view(
        template_name="screens/login.html", redirect_authenticated_user=True, extra_context={"ended": ended}
    )(request)
    return response


def logout(request: HttpRequest) -> HttpResponse:
    """POST only: a link must not end a session."""
    response: HttpResponse = _logout(request)
    return response
