"""Limits, and the switches that stop trading."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata.models import Exchange, Instrument
from marketdata.precision import decimal_text, parse_decimal
from orders import documents as docs
from orders import limits, release, rows, services
from orders.api.base import PAGED, Query, View, chosen_accounts, everything
from orders.api.fields import Body
from orders.audit import lines
from orders.errors import ApiError, NotFound, invalid
from orders.identity import AuthError, Identity
from orders.models import Account, ApiKey, Halt, Order, Owner, RiskLimit
from orders.shapes import FINAL_STATUSES, JSON, PAPER_KINDS

# From mild to severe: the more severe of two scopes holds.
STATES = ("active", "reducing", "halted")
OWN_SCOPES = ("owner", "account", "strategy", "key", "position")
LIMIT_SCOPES = limits.EVERYWHERE
OWN_LIMITS = ("owner", "strategy", "key")
SHARED_SCOPES = ("global", "exchange", "instrument")
FIELDS = ("scope", "key", "state", "reason")


class Limits(View):
    """The limits of your accounts, and of the scopes around them."""

    required_scope = {"GET": "read", "PUT": "operate"}

    @extend_schema(
        operation_id="list_limits",
        summary="The limits in force, and where each was set",
        description="Those of your accounts first, then those of wider and narrower scopes that concern you. The strictest of "
        "all scopes decides; each counts for itself.",
        parameters=[docs.ACCOUNT, docs.LIMIT_SCOPE, *docs.PAGE],
        responses={200: docs.page_of(docs.Limit), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account", "scope", *PAGED))
        accounts = chosen_accounts(self.identity, query.text("account"))
        scope = query.choice("scope", LIMIT_SCOPES)
        found = [row for account in accounts for row in _limits_of(account)] if scope in (None, "account") else []
        if scope != "account" and query.text("account") is None:
            found += [_scoped(row) for row in _scoped_rows(self.identity.owner_id, scope)]
        return everything(request, query, found)

    @extend_schema(
        operation_id="set_limits",
        summary="Set limits of one of your accounts, or of another scope; obeyed from the next order on",
        request=docs.SetLimits,
        responses={200: docs.page_of(docs.Limit), **docs.ERRORS},
    )
    def put(self, request: Request) -> Response:
        query = Query(request, PAGED)
        body = Body(request.data, ("account", "scope", "key", "limits"))
        scope = body.word("scope", LIMIT_SCOPES, "account")
        name = body.needed_text("account", 64) if scope == "account" else ""
        key = body.text("key", 96)
        wanted = body.table("limits")
        body.done()
        values = _read_limits(wanted, scope)
        if scope == "account":
            return everything(request, query, self._set_accounts(name, values))
        key = _key_of(self.identity, scope, key)
        owner_id = self.identity.owner_id if scope in OWN_LIMITS else None
        with transaction.atomic():
            for code, value in values.items():
                place = {"scope": scope, "key": "" if scope == "owner" else key, "owner_id": owner_id}
                _set_limit(self.identity, place, f"{scope}:{key}", code, value)
        found = _scoped_rows(self.identity.owner_id, scope).filter(key="" if scope == "owner" else key)
        return everything(request, query, [_scoped(row) for row in found])

    def _set_accounts(self, name: str, values: dict[str, Decimal | None]) -> list[JSON]:
        account = chosen_accounts(self.identity, name)[0]
        if account.kind not in PAPER_KINDS:
            raise AuthError(403, "STEP_UP", "Limits of a live account are set in the admin. Nothing was changed.")
        with transaction.atomic():
            for code, value in values.items():
                _set_limit(self.identity, {"account": account}, account.name, code, value)
        return _limits_of(account)


class State(View):
    """Whether you may trade."""

    @extend_schema(
        operation_id="get_risk_state",
        summary="Whether trading is halted, for whom and why",
        parameters=[docs.ACCOUNT],
        responses={200: docs.RiskState, **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account",))
        accounts = chosen_accounts(self.identity, query.text("account"))
        halts = list(_halts_for(self.identity.owner_id).exclude(state=Halt.State.ACTIVE))
        counted = dict(
            Order.objects.filter(~Q(status__in=FINAL_STATUSES), account_id__in=[account.pk for account in accounts])
            .order_by()
            .values_list("account_id")
            .annotate(open=Count("id"))
        )
        wide = _worst(halt for halt in halts if halt.scope in ("global", "owner"))
        return Response(
            {
                "state": wide,
                "halts": [rows.halt(halt) for halt in halts],
                "accounts": [
                    {
                        "account": account.name,
                        "state": _worst(halt for halt in halts if _stops(halt, account)),
                        "open_orders": counted.get(account.pk, 0),
                    }
                    for account in accounts
                ],
            }
        )


class StopTrading(View):
    """Halt a scope."""

    required_scope = {"POST": "trade"}

    @extend_schema(
        operation_id="halt",
        summary="Halt trading in a scope, or let it only reduce",
        description="Your own scopes (owner, account, strategy) with trade, those of the installation with operate. "
        "Open orders stay; cancels are always taken.",
        request=docs.AskHalt,
        responses={200: docs.Halt, **docs.ERRORS},
    )
    def post(self, request: Request) -> Response:
        body = Body(request.data, FIELDS)
        state = body.word("state", ("halted", "reducing"), "halted")
        return _set(self.identity, body, state)


class ResumeTrading(View):
    """Resume a scope."""

    required_scope = {"POST": "trade"}

    @extend_schema(
        operation_id="resume",
        summary="Resume trading in a scope",
        description="Open orders of the accounts concerned are compared with their exchange first; while one differs (409 "
        "DIFFERENCE_OPEN) or cannot be compared (503 NOT_COMPARED) the halt stays.",
        request=docs.AskResume,
        responses={200: docs.Halt, 409: docs.Error, 503: docs.Error, **docs.ERRORS},
    )
    def post(self, request: Request) -> Response:
        return _set(self.identity, Body(request.data, ("scope", "key", "reason")), "active")


def _set(identity: Identity, body: Body, state: str) -> Response:
    scope = body.word("scope", (*OWN_SCOPES, *SHARED_SCOPES))
    key = body.text("key", 96)
    reason = body.text("reason", 200)
    body.done()
    if scope in SHARED_SCOPES:
        identity.require("operate")
    owner = Owner.objects.get(pk=identity.owner_id) if scope in OWN_SCOPES else None
    write = release.release if state == "active" else partial(services.set_halt, state=state)
    halt = write(scope, _key_of(identity, scope, key), by=identity.actor, reason=reason, owner=owner)
    return Response(rows.halt(halt))


def _key_of(identity: Identity, scope: str, key: str) -> str:
    """The name of the thing in its scope, which must be there and, for one's own scopes, one's own."""
    if scope == "global":
        if key:
            raise invalid({"key": "The global scope has none."})
        return ""
    if scope == "owner":
        if key not in ("", identity.owner_name):
            raise NotFound("owner")
        return identity.owner_name
    if not key:
        raise invalid({"key": "It is missing."})
    if scope == "account":
        chosen_accounts(identity, key)
    elif scope == "key":
        if not ApiKey.objects.filter(owner_id=identity.owner_id, key=key).exists():
            raise NotFound("key")
    elif scope == "position":
        account, _, market = key.partition("|")
        chosen_accounts(identity, account)
        _key_of(identity, "instrument", market)
    elif scope == "exchange" and not Exchange.objects.filter(name=key).exists():
        raise NotFound("exchange")
    elif scope == "instrument":
        exchange, _, symbol = key.partition(":")
        if not Instrument.objects.filter(exchange__name=exchange, symbol=symbol).exists():
            raise ApiError(
                404, "NOT_FOUND", "There is no such instrument; its key is exchange:symbol, as sim:BTC/USDT."
            )
    return key


def _halts_for(owner_id: int) -> Any:
    return Halt.objects.filter(Q(owner_id=owner_id) | Q(owner__isnull=True)).order_by("scope", "key")


def _worst(halts: Any) -> str:
    return max((halt.state for halt in halts), key=STATES.index, default="active")


def _stops(halt: Halt, account: Account) -> bool:
    if halt.scope in ("global", "owner"):
        return True
    return halt.key == {"account": account.name, "exchange": account.exchange.name}.get(halt.scope)


def _limits_of(account: Account) -> list[JSON]:
    own = dict(RiskLimit.objects.filter(account=account).values_list("code", "value"))
    shared = dict(RiskLimit.objects.filter(profile=account.profile).values_list("code", "value"))
    found = []
    for code, limit in limits.LIMITS.items():
        if "account" not in limit.scopes:
            continue
        value = own.get(code, shared.get(code, None if code in limits.NEEDED else Decimal(0)))
        set_on = "account" if code in own else "profile" if code in shared else "nothing"
        found.append(_row("account", account.name, account.name, code, value, set_on, account.profile.name))
    return found


def _scoped_rows(owner_id: int, scope: str | None) -> Any:
    found = RiskLimit.objects.exclude(scope="").filter(Q(owner_id=owner_id) | Q(owner__isnull=True))
    return (found if scope is None else found.filter(scope=scope)).order_by("scope", "key", "id")


def _scoped(row: RiskLimit) -> JSON:
    return _row(row.scope, row.key, None, row.code, row.value, row.scope, None)


def _row(
    scope: str, key: str, account: str | None, code: str, value: Decimal | None, set_on: str, profile: str | None
) -> JSON:  # fmt: skip
    return {
        "scope": scope,
        "key": key,
        "account": account,
        "code": code,
        "value": None if value is None else decimal_text(value),
        "set_on": set_on,
        "profile": profile,
        "meaning": limits.LIMITS[code].meaning,
    }


def _read_limits(wanted: dict[str, Any], scope: str) -> dict[str, Decimal | None]:
    errors: dict[str, str] = {}
    values: dict[str, Decimal | None] = {}
    for code, value in wanted.items():
        if code not in limits.LIMITS:
            errors[f"limits.{code}"] = f"There is no such limit; there are {', '.join(limits.LIMITS)}."
        elif scope not in limits.LIMITS[code].scopes:
            errors[f"limits.{code}"] = f"It can be set for {', '.join(limits.LIMITS[code].scopes)}."
        elif value is None:
            values[code] = None
        else:
            try:
                values[code] = limits.checked(code, parse_decimal(value))
            except ValueError as error:
                errors[f"limits.{code}"] = f"It {error}."
    if not wanted:
        errors["limits"] = "It is missing."
    if errors:
        raise invalid(errors)
    return values


def _set_limit(identity: Identity, place: dict[str, Any], name: str, code: str, value: Decimal | None) -> None:
    before = RiskLimit.objects.filter(**place, code=code).first()
    if value is None:
        RiskLimit.objects.filter(**place, code=code).delete()
    else:
        RiskLimit.objects.update_or_create(**place, code=code, defaults={"value": value})
    lines.note(
        "limit.set",
        actor=identity.actor,
        target=f"{name}:{code}",
        owner_id=identity.owner_id,
        old=decimal_text(before.value) if before else None,
        new=None if value is None else decimal_text(value),
    )
