"""What every REST view shares: who asks, how it fails. Named in settings.REST_FRAMEWORK, so other apps' views get it too."""

from __future__ import annotations

import logging
import uuid
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from orders import auth, caller, parsers
from orders.audit import floods
from orders.errors import DATABASE_AWAY, ApiError, database_away
from orders.identity import Identity

log = logging.getLogger(__name__)

CODES = {
    400: "INVALID",
    401: "AUTH_INVALID",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    415: "NOT_JSON",
    429: "RATE",
}


class Authentication(BaseAuthentication):
    """`auth.identify` for Django's requests. `request.auth` and `request.user` are both the Identity."""

    def authenticate(self, request: Request) -> tuple[Identity, Identity]:
        """Raises AuthError; views open to everybody have no authentication at all."""
        http = request._request
        length = http.META.get("CONTENT_LENGTH") or "0"
        bytes_max = parsers.bytes_max(request.parser_context)
        if length.isdigit() and int(length) > bytes_max:
            raise parsers.too_large(bytes_max)
        identity = auth.identify(
            [
                (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
                for name, value in http.headers.items()
            ],
            http.method or "",
            as_sent(http),
            http.body,
            http.META.get("REMOTE_ADDR") or "",
            check_csrf=not getattr(http, "_dont_enforce_csrf_checks", False),
            bytes_max=bytes_max,
        )
        return identity, identity

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class AlwaysJSON(BaseContentNegotiation):
    """Answers are JSON whatever a client says it accepts; bodies are refused unless they say they are JSON."""

    def select_parser(self, request: Request, parsers: list[Any]) -> Any:
        kind = str(request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == kind), None)

    def select_renderer(
        self, request: Request, renderers: list[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


def as_sent(http: Any) -> bytes:
    """Path and query as the client wrote them, before anything decoded them: signatures cover these bytes."""
    scope = getattr(http, "scope", None)
    if scope is None or not scope.get("raw_path"):
        return str(http.get_full_path()).encode("latin-1", "replace")
    path: bytes = scope["raw_path"]
    query: bytes = scope.get("query_string", b"")
    return path.split(b"?")[0] + (b"?" + query if query else b"")


def handle(error: Exception, context: dict[str, Any]) -> Response:
    """Every failure of a view as `{code, message, errors?, …}`; refusals are counted for the audit."""
    answer = _answer(error, context)
    request = context["request"]
    target = request.META.get("HTTP_X_API_KEY") or request.path
    floods.refused(answer.status_code, answer.data["code"], request.META.get("REMOTE_ADDR") or "", target)
    return answer


def _answer(error: Exception, context: dict[str, Any]) -> Response:
    if isinstance(error, DATABASE_AWAY):
        log.warning("PostgreSQL did not answer a request: %s", error)
        error = database_away()
    if isinstance(error, ApiError):
        return Response(error.body(), status=error.status, headers=error.headers)
    if isinstance(error, exceptions.ValidationError):
        return Response(
            {
                "code": "INVALID",
                "message": "Some fields cannot be read; nothing was done.",
                "errors": _flat(error.detail),
            },
            status=400,
        )
    if isinstance(error, Http404):
        return _plain(404, "There is nothing of yours with that name.")
    if isinstance(error, PermissionDenied):
        return _plain(403, "You may not do this. Nothing was done.")
    if isinstance(error, RequestDataTooBig):
        return Response(parsers.too_large(parsers.BODY_BYTES_MAX).body(), status=413)
    if isinstance(error, exceptions.APIException):
        headers = {"Retry-After": str(int(error.wait) + 1)} if getattr(error, "wait", None) is not None else {}
        if isinstance(error, exceptions.NotAuthenticated):
            headers["WWW-Authenticate"] = "Bearer"
        return _plain(error.status_code, str(error.detail), headers, getattr(error, "code", ""))
    if isinstance(error, caller.NotAccepted):
        return _plain(
            503, f"Nothing was accepted: {error}. Try again in a second.", {"Retry-After": "1"}, "NOT_ACCEPTED"
        )
    name = uuid.uuid4().hex[:12]
    log.error("error %s in %s", name, context["request"].path, exc_info=error)
    return _plain(
        500, f"This is a mistake of ours, in our log as {name}. Look your orders up before you try again.", {}, "BUG"
    )


def _plain(status: int, message: str, headers: dict[str, str] | None = None, code: str = "") -> Response:
    return Response({"code": code or CODES.get(status, "INVALID"), "message": message}, status=status, headers=headers)


def _flat(detail: Any, prefix: str = "") -> dict[str, str]:
    """DRF's nested lists of sentences as one sentence a field."""
    if isinstance(detail, dict):
        found: dict[str, str] = {}
        for name, inner in detail.items():
            found |= _flat(inner, f"{prefix}.{name}" if prefix else str(name))
        return found
    if isinstance(detail, (list, tuple)):
        return (
            _flat(detail[0], prefix) if detail and isinstance(detail[0], dict) else {prefix: " ".join(map(str, detail))}
        )
    return {prefix: str(detail)}
