"""Tokens for people's scripts: a password for a short token and one that renews it."""

from __future__ import annotations

from math import ceil

from django.contrib.auth import authenticate
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken, TokenError
from rest_framework_simplejwt.serializers import TokenRefreshSerializer
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import RefreshToken

from orders import documents as docs
from orders.api.fields import Body
from orders.audit import floods, lines
from orders.errors import ApiError
from orders.identity import AuthError, owner_of
from orders.throttles import failed_logins

WRONG = "The name or the password is not right."


class Open(APIView):
    """A view that asks nobody who they are."""

    authentication_classes = ()
    permission_classes = ()


class Token(Open):
    """A token for a password."""

    @extend_schema(
        operation_id="create_token",
        summary="A token for a name and password",
        auth=[],
        request=docs.Login,
        responses={200: docs.Tokens, 400: docs.Error, 401: docs.Error, 429: docs.Error},
    )
    def post(self, request: Request) -> Response:
        body = Body(request.data, ("username", "password"))
        username = body.needed_text("username", 150)
        password = body.needed_text("password", 4096)
        body.done()
        who = (username.lower(), request.META.get("REMOTE_ADDR", ""))
        wait_s = ceil(failed_logins.wait_s(who))
        if wait_s:
            headers = {"Retry-After": str(wait_s)}
            raise ApiError(429, "LOGIN_RATE", f"Too many wrong passwords; try again in {wait_s} s.", headers=headers)
        user = authenticate(request._request, username=username, password=password)
        if user is None:
            failed_logins.note(who)
            floods.note("login.fail", who[1], username)
            raise AuthError(401, "AUTH_INVALID", WRONG, headers={"WWW-Authenticate": "Bearer"})
        failed_logins.forget(who)
        lines.note("login.token", actor=user.get_username(), owner_id=owner_of(user).pk, ip=who[1])
        refresh = RefreshToken.for_user(user)
        return Response(_shape(str(refresh.access_token), str(refresh)))


class Refresh(Open):
    """A new token for a refresh token."""

    @extend_schema(
        operation_id="refresh_token",
        summary="A new token for a refresh token",
        auth=[],
        request=docs.Refresh,
        responses={200: docs.Tokens, 400: docs.Error, 401: docs.Error},
    )
    def post(self, request: Request) -> Response:
        body = Body(request.data, ("refresh",))
        raw = body.needed_text("refresh", 4096)
        body.done()
        reader = TokenRefreshSerializer(data={"refresh": raw})
        try:
            reader.is_valid(raise_exception=True)
        except (TokenError, InvalidToken, AuthenticationFailed):
            raise AuthError(401, "AUTH_INVALID", "This token is over or was never ours; ask for a new one.") from None
        return Response(_shape(reader.validated_data["access"], raw))


def _shape(access: str, refresh: str) -> dict[str, object]:
    expires_in = int(api_settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    return {"access": access, "refresh": refresh, "expires_in": expires_in}
