"""Signing in and out, with Django's own sessions. `next` leads only to pages of ours."""

from __future__ import annotations

from math import ceil

from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache

from orders.audit import floods, lines
from orders.identity import owner_of
from orders.throttles import failed_logins

_logout = LogoutView.as_view(next_page="/login?ended=1")


@never_cache
def login(request: HttpRequest) -> HttpResponse:
    """The sign-in page. Five wrong passwords for a name from one address close it to them for a quarter of an hour."""
    who = (request.POST.get("username", "")[:150].lower(), request.META.get("REMOTE_ADDR", ""))
    tried = request.method == "POST" and not request.user.is_authenticated
    wait_s = ceil(failed_logins.wait_s(who)) if tried else 0
    if wait_s:
        floods.note("login.fail", who[1], who[0])
        page = render(request, "screens/login.html", {"wait_minutes": ceil(wait_s / 60)}, status=429)
        page["Retry-After"] = str(wait_s)
        return page
    ended = request.GET.get("ended") == "1" and REDIRECT_FIELD_NAME not in request.GET
    response: HttpResponse = LoginView.as_view(
        template_name="screens/login.html", redirect_authenticated_user=True, extra_context={"ended": ended}
    )(request)
    if tried:
        _tell(request, who)
        (failed_logins.forget if request.user.is_authenticated else failed_logins.note)(who)
    return response


def logout(request: HttpRequest) -> HttpResponse:
    """POST only: a link must not end a session."""
    if request.method == "POST" and request.user.is_authenticated:
        _note("logout", request)
    response: HttpResponse = _logout(request)
    return response


def _tell(request: HttpRequest, who: tuple[str, str]) -> None:
    """The audit hears of it: a sign-in as a line, a wrong password counted."""
    if request.user.is_authenticated:
        _note("login", request)
    else:
        floods.note("login.fail", who[1], who[0])


def _note(action: str, request: HttpRequest) -> None:
    ip = request.META.get("REMOTE_ADDR") or ""
    lines.note(action, actor=request.user.get_username(), owner_id=owner_of(request.user).pk, ip=ip)
