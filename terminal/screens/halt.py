"""The kill switch: stop, cancel all, flatten, each by itself, and a drill of all three. Plain forms that need no script."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from orders import drill, release, services, urgent
from orders.errors import ApiError
from orders.identity import owner_of
from orders.models import Account, Halt, Owner
from orders.shapes import PAPER_KINDS
from terminal.account_history import halts_of
from terminal.screens import stopping

ASK_ABOVE = 10  # so many orders are canceled without a second question


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def halt(request: HttpRequest) -> HttpResponse:
    """GET says how things stand. POST action: stop, cancel, halt (both), flatten, resume, drill."""
    owner = owner_of(request.user)
    if request.method == "POST":
        act = ACTIONS.get(request.POST.get("action", "halt"))
        if act is None:
            raise Http404
        return act(request, owner) or redirect("halt")
    results = [{"kind": note.extra_tags or "", "text": note.message} for note in notes.get_messages(request)]
    return render(
        request, "screens/halt.html", {**stopping.page(owner, halts_of(owner.pk)), "results": results, "mode": ""}
    )


@never_cache
@login_required
@require_GET
def flattens(request: HttpRequest) -> HttpResponse:
    """The part of the page that changes while a flatten is under way."""
    owner = owner_of(request.user)
    return render(request, "partials/_flattens.html", stopping.page(owner, halts_of(owner.pk)))


@never_cache
@login_required
@require_GET
def flatten(request: HttpRequest) -> HttpResponse:
    """The second question: what a flatten of ?account= would sell and buy, and what that would cost."""
    owner = owner_of(request.user)
    account = Account.objects.filter(owner=owner, name=request.GET.get("account", "")).first()
    if account is None:
        raise Http404
    results = [{"kind": note.extra_tags or "", "text": note.message} for note in notes.get_messages(request)]
    context = {
        **stopping.flattening(account),
        "results": results,
        "mode": "live" if account.kind == "live" else "paper",
    }
    return render(request, "screens/flatten.html", context)


def _good(request: HttpRequest, text: str) -> None:
    notes.add_message(request, notes.SUCCESS, text, extra_tags="good")


def _bad(request: HttpRequest, text: str, kind: str = "warn") -> None:
    notes.add_message(request, notes.ERROR, text, extra_tags=kind)


def _halt(request: HttpRequest, owner: Owner) -> None:
    if _stopped(request, owner):
        _sweep(request, owner)


def _stop(request: HttpRequest, owner: Owner) -> None:
    _stopped(request, owner)


def _stopped(request: HttpRequest, owner: Owner) -> bool:
    try:
        by = request.user.get_username()
        services.set_halt(Halt.Scope.OWNER, owner.name, Halt.State.HALTED, by=by, reason="Halt button", owner=owner)
    except DatabaseError:
        _bad(request, "The halt could not be written, so trading is NOT stopped. Try again.", "")
        return False
    _good(request, "Trading is stopped: every new order is refused from now on.")
    return True


def _cancel(request: HttpRequest, owner: Owner) -> HttpResponse | None:
    count = stopping.page(owner, [])["open_orders"]
    if count > ASK_ABOVE and not request.POST.get("confirmed"):
        return render(request, "screens/cancel_all.html", {"open_orders": count, "mode": ""})
    _sweep(request, owner)
    return None


def _sweep(request: HttpRequest, owner: Owner) -> None:
    reply = services.cancel_all(owner)
    body: dict[str, Any] = json.loads(reply.body or b"{}")
    if reply.status == 200:
        count = body.get("canceled", len(body.get("results", [])))
        _good(request, "1 open order was canceled." if count == 1 else f"{count} open orders were canceled.")
    else:
        what = body.get("message", "The engine did not answer.")
        _bad(request, f"Open orders may still stand: {what} Look at them and cancel by hand.")


def _flatten(request: HttpRequest, owner: Owner) -> HttpResponse | None:
    account = Account.objects.filter(owner=owner, name=request.POST.get("account", "")).select_related("owner").first()
    if account is None:
        raise Http404
    again = redirect(f"/halt/flatten?account={account.name}")
    if not request.POST.get("confirmed"):
        return again
    user: Any = request.user
    if account.kind not in PAPER_KINDS and not user.check_password(request.POST.get("password", "")):
        _bad(request, "The password is not right, so nothing was sold.")
        return again
    found = urgent.shape(urgent.wait(urgent.flatten(account, request.user.get_username())))
    if found["state"] == "flat":
        _good(request, found["message"])
    elif found["state"] in ("left", "refused"):
        _bad(request, found["message"], "")
    else:
        _bad(request, f"The flatten of {account.name} is not over yet. {found['message']}")
    return None


def _resume(request: HttpRequest, owner: Owner) -> None:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        return _bad(request, "Give a reason; it is kept beside the halt.")
    by = request.user.get_username()
    for one in halts_of(owner.pk):
        if one.owner_id == owner.pk:
            try:
                release.release(one.scope, one.key, by=by, reason=reason, owner=owner)
            except ApiError as error:
                return _bad(request, error.message)
    return _good(request, "Trading goes on. Canceled orders were not placed again.")


def _drill(request: HttpRequest, owner: Owner) -> None:
    try:
        row = drill.run(owner, request.user.get_username())
    except ApiError as error:
        return _bad(request, error.message)
    if drill.passed(row):
        return _good(request, f"The drill was passed: flat {row.flat_ms} ms after the press.")
    return _bad(request, "The drill was not passed; its times are below.", "")


ACTIONS: dict[str, Callable[[HttpRequest, Owner], HttpResponse | None]] = {
    "halt": _halt, "stop": _stop, "cancel": _cancel, "flatten": _flatten, "resume": _resume, "drill": _drill,
}  # fmt: skip
