"""The kill switch: writes the halt row, then cancels what is open. A plain form, so that it works without a script."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from orders import services
from orders.identity import owner_of
from orders.models import Halt, Owner
from terminal.account_history import halts_of


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
def halt(request: HttpRequest) -> HttpResponse:
    """GET says how things stand; POST action=halt stops all trading of this owner, action=resume lets it go on."""
    owner = owner_of(request.user)
    if request.method == "POST":
        action = request.POST.get("action", "halt")
        if action == "resume":
            _resume(request, owner)
        else:
            _halt(request, owner)
        return redirect("halt")
    halts = halts_of(owner.pk)
    context = {
        "halts": halts,
        "halted": bool(halts),
        "may_resume": any(one.owner_id == owner.pk for one in halts),
        "results": [{"kind": note.extra_tags or "", "text": note.message} for note in notes.get_messages(request)],
        "mode": "",
    }
    return render(request, "screens/halt.html", context)


def _halt(request: HttpRequest, owner: Owner) -> None:
    try:
        by = request.user.get_username()
        services.set_halt(Halt.Scope.OWNER, owner.name, Halt.State.HALTED, by=by, reason="Halt button", owner=owner)
    except DatabaseError:
        notes.add_message(
            request, notes.ERROR, "The halt could not be written, so trading is NOT stopped. Try again.", extra_tags=""
        )
        return
    notes.add_message(
        request, notes.SUCCESS, "Trading is stopped: every new order is refused from now on.", extra_tags="good"
    )
    reply = services.cancel_all(owner)
    body: dict[str, Any] = json.loads(reply.body or b"{}")
    if reply.status == 200:
        notes.add_message(
            request, notes.SUCCESS, f"{len(body.get('results', []))} open orders were canceled.", extra_tags="good"
        )
    else:
        what = body.get("message", "The engine did not answer.")
        notes.add_message(
            request,
            notes.ERROR,
            f"Open orders may still stand: {what} Look at them and cancel by hand.",
            extra_tags="warn",
        )


def _resume(request: HttpRequest, owner: Owner) -> None:
    reason = request.POST.get("reason", "").strip()
    if not reason:
        notes.add_message(request, notes.ERROR, "Give a reason; it is kept beside the halt.", extra_tags="warn")
        return
    by = request.user.get_username()
    for one in halts_of(owner.pk):
        if one.owner_id == owner.pk:
            services.set_halt(one.scope, one.key, Halt.State.ACTIVE, by=by, reason=reason, owner=owner)
    notes.add_message(
        request, notes.SUCCESS, "Trading goes on. Canceled orders were not placed again.", extra_tags="good"
    )
