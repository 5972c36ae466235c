"""Flat, and the drill of it."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from orders import documents as docs
from orders import drill, urgent
from orders.api.base import PAGED, Query, View, answered, chosen_accounts, everything
from orders.api.fields import Body
from orders.errors import NotFound
from orders.identity import AuthError, Identity
from orders.models import Account, Drill, Owner, UrgentCommand

KEPT = 500


class Flatten(View):
    """Cancel every order of an account and close what it holds."""

    required_scope = {"GET": "read", "POST": "trade"}

    @extend_schema(
        operation_id="list_flattens",
        summary="Flattens of your accounts, newest first",
        parameters=[docs.ACCOUNT, *docs.PAGE],
        responses={200: docs.page_of(docs.Flatten), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, ("account", *PAGED))
        accounts = chosen_accounts(self.identity, query.text("account"))
        found = UrgentCommand.objects.filter(kind="flatten", account__in=accounts).select_related("account")
        return everything(request, query, [urgent.shape(row) for row in found[:KEPT]])

    @extend_schema(
        operation_id="flatten",
        summary="Cancel every open order of an account and close every position at the market",
        description="Works while trading is halted and past the account's limits, because it only reduces. It does not halt: "
        "halt first, or strategies may trade again. Goes by PostgreSQL alone, so the bus may be down. 200 when it is over "
        "(`state` flat, or left with what could not be closed), 202 while it is under way: look it up, asking again changes "
        "nothing.",
        request=docs.AskFlatten,
        responses={200: docs.Flatten, 202: docs.Flatten, **docs.ERRORS},
    )
    def post(self, request: Request) -> HttpResponse:
        account = _named(self.identity, Body(request.data, ("account",)))
        assert account is not None
        return answered(urgent.reply(urgent.wait(urgent.flatten(account, self.identity.actor))))


class OneFlatten(View):
    """One of them."""

    @extend_schema(
        operation_id="get_flatten", summary="What became of it", responses={200: docs.Flatten, **docs.ERRORS}
    )
    def get(self, request: Request, id: int) -> Response:
        Query(request, ())
        accounts = chosen_accounts(self.identity, None)
        row = UrgentCommand.objects.filter(pk=id, kind="flatten", account__in=accounts).first()
        if row is None:
            raise NotFound("flatten")
        return Response(urgent.shape(row))


class Drills(View):
    """How fast the kill switch is, measured."""

    required_scope = {"GET": "read", "POST": "trade"}

    @extend_schema(
        operation_id="list_drills",
        summary="Kill drills and how long they took, newest first",
        parameters=[*docs.PAGE],
        responses={200: docs.page_of(docs.Drill), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, PAGED)
        found = Drill.objects.filter(owner_id=self.identity.owner_id).select_related("account")
        reach = self.identity.account_ids
        found = found if reach is None else found.filter(account_id__in=reach)
        return everything(request, query, [drill.shape(row) for row in found[:KEPT]])

    @extend_schema(
        operation_id="drill",
        summary="Play the kill drill on a paper account: halt, cancel all, flatten, measured",
        description="Without `account` on one that is made for it. With one, what it holds is sold. Takes a few seconds.",
        request=docs.AskDrill,
        responses={200: docs.Drill, 409: docs.Error, 422: docs.Error, **docs.ERRORS},
    )
    def post(self, request: Request) -> Response:
        account = _named(self.identity, Body(request.data, ("account",)), needed=False)
        if account is None and self.identity.account_ids is not None:
            raise AuthError(403, "SCOPE", "This key reaches single accounts only: name one of them. Nothing was done.")
        owner = Owner.objects.get(pk=self.identity.owner_id)
        return Response(drill.shape(drill.run(owner, self.identity.actor, account)))


def _named(identity: Identity, body: Body, needed: bool = True) -> Account | None:
    """The caller's account that the body names."""
    name = body.needed_text("account", 64) if needed else body.text("account", 64)
    body.done()
    if not name:
        return None
    account = chosen_accounts(identity, name)[0]
    if not identity.may_use_kind(account.kind):
        raise AuthError(403, "PAPER_ONLY", "This key is for paper accounts only. Nothing was done.")
    return account
