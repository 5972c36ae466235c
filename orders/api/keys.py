"""API keys: who may act for you, and how far."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from marketdata import clock
from marketdata.precision import decimal_text
from orders import auth, keys
from orders import documents as docs
from orders.api.base import PAGED, Query, View, chosen_accounts, everything
from orders.api.fields import Body
from orders.audit import lines
from orders.errors import NotFound, invalid
from orders.identity import AuthError, Identity
from orders.models import ApiKey, Owner
from orders.shapes import JSON

FIELDS = (
    "name",
    "scopes",
    "accounts",
    "symbols",
    "order_notional_max",
    "day_notional_max",
    "rate_per_second",
    "paper_only",
    "addresses",
    "expires_at",
)
PERSONAL = ("session", "token")  # ways in of a person, not of a key


class Keys(View):
    """Your API keys."""

    required_scope = {"GET": "read", "POST": "read"}

    @extend_schema(
        operation_id="list_keys",
        summary="Your keys, without their secrets",
        parameters=[*docs.PAGE],
        responses={200: docs.page_of(docs.Key), **docs.ERRORS},
    )
    def get(self, request: Request) -> Response:
        query = Query(request, PAGED)
        found = ApiKey.objects.filter(owner_id=self.identity.owner_id).prefetch_related("accounts")
        if self.identity.key_id is not None and "admin" not in self.identity.scopes:
            found = found.filter(pk=self.identity.key_id)  # a key knows itself, not its siblings
        return everything(request, query, [_shape(key) for key in found])

    @extend_schema(
        operation_id="create_key",
        summary="Make a key; its secret is shown in this answer and never again",
        request=docs.NewKey,
        responses={201: docs.KeyWithSecret, **docs.ERRORS},
    )
    def post(self, request: Request) -> Response:
        _require_person(self.identity)
        body = Body(request.data, FIELDS)
        scopes = body.texts("scopes")
        options = {
            "name": body.text("name", 64),
            "symbols": body.texts("symbols"),
            "order_notional_max": body.decimal("order_notional_max"),
            "day_notional_max": body.decimal("day_notional_max"),
            "rate_per_second": body.whole("rate_per_second", 1, 100_000),
            "paper_only": body.flag("paper_only", False),
            "addresses": body.addresses("addresses"),
            "expires_at": body.moment("expires_at"),
        }
        names = body.texts("accounts")
        body.done()
        beyond = [scope for scope in scopes if scope in keys.SCOPES and scope not in self.identity.scopes]
        if beyond:
            raise AuthError(
                403, "SCOPE", f"You do not have {', '.join(beyond)}, so no key of yours can. Nothing was made."
            )
        accounts = chosen_accounts(self.identity, ",".join(names)) if names else []
        try:
            with transaction.atomic():
                owner = Owner.objects.get(pk=self.identity.owner_id)
                key, secret = keys.create(owner, scopes=scopes, accounts=accounts, **options)  # type: ignore[arg-type]
                _audit(self.identity, key, "key.create")
        except keys.BadKeyRequest as error:
            raise invalid({error.field: str(error)}) from None
        return Response({**_shape(key), "api_secret": secret}, status=201)


class OneKey(View):
    """One of your keys."""

    required_scope = {"GET": "read", "DELETE": "read"}

    @extend_schema(
        operation_id="get_key", summary="One key, without its secret", responses={200: docs.Key, **docs.ERRORS}
    )
    def get(self, request: Request, id: int) -> Response:
        return Response(_shape(_own_key(self.identity, id)))

    @extend_schema(
        operation_id="revoke_key",
        summary="Revoke a key: within a second it opens nothing",
        responses={204: None, **docs.ERRORS},
    )
    def delete(self, request: Request, id: int) -> HttpResponse:
        key = _own_key(self.identity, id)
        if key.pk != self.identity.key_id:  # a key may always give itself up
            _require_person(self.identity)
        with transaction.atomic():
            keys.revoke(key)
            _audit(self.identity, key, "key.revoke")
        auth.forget()
        return HttpResponse(status=204)


class RotateKey(View):
    """A new key in place of an old one."""

    required_scope = {"POST": "read"}

    @extend_schema(
        operation_id="rotate_key",
        summary="Revoke a key and make one that may do the same",
        request=None,
        responses={201: docs.KeyWithSecret, **docs.ERRORS},
    )
    def post(self, request: Request, id: int) -> Response:
        _require_person(self.identity)
        Body(request.data, ()).done()
        old = _own_key(self.identity, id)
        with transaction.atomic():
            key, secret = keys.create(
                old.owner,
                scopes=old.scopes,
                name=old.name,
                accounts=old.accounts.all(),
                symbols=old.symbols,
                order_notional_max=old.order_notional_max,
                day_notional_max=old.day_notional_max,
                rate_per_second=old.rate_per_second,
                paper_only=old.paper_only,
                addresses=old.addresses,
                expires_at=old.expires_at,
            )
            keys.revoke(old)
            _audit(self.identity, key, "key.rotate")
        auth.forget()
        return Response({**_shape(key), "api_secret": secret}, status=201)


def _require_person(identity: Identity) -> None:
    """Keys are made by people, or by a key that was given `admin` for it: a leaked key must not make another."""
    if identity.via not in PERSONAL and "admin" not in identity.scopes:
        raise AuthError(403, "SCOPE", "Keys are made and revoked by a person who is logged in, or a key with admin.")


def _own_key(identity: Identity, id: int) -> ApiKey:
    found = ApiKey.objects.filter(owner_id=identity.owner_id, pk=id, revoked_at__isnull=True)
    if identity.key_id is not None and "admin" not in identity.scopes:
        found = found.filter(pk=identity.key_id)
    key = found.select_related("owner").first()
    if key is None:
        raise NotFound("key")
    return key


def _audit(identity: Identity, key: ApiKey, action: str) -> None:
    lines.note(
        action,
        actor=identity.actor,
        target=key.key,
        owner_id=identity.owner_id,
        scopes=key.scopes,
        paper_only=key.paper_only,
    )


def _shape(key: ApiKey) -> JSON:
    def when(moment: object) -> str | None:
        return clock.iso(moment) if moment else None  # type: ignore[arg-type]

    return {
        "id": key.pk,
        "name": key.name,
        "api_key": key.key,
        "scopes": key.scopes,
        "accounts": [account.name for account in key.accounts.all()],
        "symbols": key.symbols,
        "order_notional_max": decimal_text(key.order_notional_max) if key.order_notional_max is not None else None,
        "day_notional_max": decimal_text(key.day_notional_max) if key.day_notional_max is not None else None,
        "rate_per_second": key.rate_per_second,
        "paper_only": key.paper_only,
        "addresses": key.addresses,
        "expires_at": when(key.expires_at),
        "revoked_at": when(key.revoked_at),
        "last_used_at": when(key.last_used_at),
        "created_at": clock.iso(key.created_at),
    }
