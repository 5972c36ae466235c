"""Who asks: `identify` reads one request's credentials, the same way for the hot door, the REST views and the sockets.

Ways in, in this order of precedence: signed key, bare key (only for keys that may do nothing but read), `Authorization:
Bearer` token, session cookie (with Django's CSRF check where something would change), `api_key` in the body (paper
only, as the seed systems' clients send it). Credentials that are there and wrong are refused: no next way is tried.
"""

from __future__ import annotations

import hmac
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from ipaddress import ip_address, ip_network
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.contrib.auth import get_user
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, InvalidToken

from marketdata import clock
from orders import keys, parsers
from orders.audit import floods
from orders.identity import AuthError, Identity, owner_of, user_scopes
from orders.models import ApiKey, Owner

Headers = Iterable[tuple[bytes, bytes]]
T = TypeVar("T")

WINDOW_MS = 5000  # how far a signature's timestamp may be from our clock
FRESH_NS = 1_000_000_000  # how long what a key or a session may do is remembered: no revocation takes longer
RENEW_NS = 400_000_000  # the same for sockets, which look twice a second
REMEMBERED_MAX = 10_000
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MISSING = "Nobody said who asks. Send X-API-Key with its signature, a bearer token, or log in."
_WRONG = "The key, its signature or the token is not right. Nothing was done."


def identify(
    headers: Headers, method: str, target: str | bytes, body: bytes, client_ip: str, *, check_csrf: bool = True,
    bytes_max: int = parsers.BODY_BYTES_MAX,
) -> Identity:  # fmt: skip
    """The identity behind a request, or AuthError. Synchronous; at most one query when it was asked within a second.

    `headers` as ASGI has them (names in lower case), `target` the path with its query exactly as it was sent, `body`
    the raw bytes: a signature covers what travelled, not what was read from it.
    """
    found = {name: value for name, value in headers if name in _READ}
    key = found.get(b"x-api-key", b"").decode("latin-1")
    if key:
        if b"x-api-signature" in found or b"x-api-timestamp" in found:
            timestamp = found.get(b"x-api-timestamp", b"").decode("latin-1")
            signature = found.get(b"x-api-signature", b"").decode("latin-1")
            return signed(key, timestamp, signature, method, target, body, client_ip)
        return _bare(key, client_ip)
    bearer = found.get(b"authorization", b"")
    if bearer:
        return _token(bearer)
    session = _cookies(found.get(b"cookie", b"")).get(settings.SESSION_COOKIE_NAME)
    if session and (identity := _session(session)):
        if check_csrf and method not in SAFE_METHODS:
            _check_csrf(found, method)
        return identity
    if method == "POST" and b'"api_key"' in body:
        named = parsers.parse_object(body, bytes_max).get("api_key")
        if isinstance(named, str) and named:
            return _in_body(named, client_ip)
    raise AuthError(401, "AUTH_INVALID", _MISSING, headers={"WWW-Authenticate": "Bearer"})


def signed(
    key: str, timestamp: str, signature: str, method: str, target: str | bytes, body: bytes, client_ip: str
) -> Identity:
    """Of a signed request or bot logon: hex HMAC-SHA256 over timestamp + method + target + sha256hex(body)."""
    known = _known_key(key)
    secret = known.secret if known else _NOBODY
    path = target if isinstance(target, bytes) else target.encode()
    text = timestamp.encode("latin-1", "replace") + method.encode() + path + sha256(body).hexdigest().encode()
    expected = hmac.new(secret, text, sha256).hexdigest()
    right = hmac.compare_digest(expected.encode(), signature.lower().encode("latin-1", "replace"))
    if known is None or not right:
        raise _wrong()
    now_ms = clock.now_ms()
    sent_ms = int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15 else 0
    if abs(now_ms - sent_ms) > WINDOW_MS:
        raise AuthError(
            401,
            "TS_WINDOW",
            f"X-API-Timestamp is over {WINDOW_MS // 1000} s from our clock, which says {now_ms}. Nothing was done.",
            limit=str(WINDOW_MS),
            value=str(now_ms),
        )
    return _admitted(known, client_ip)


def admitted_again(key: str, client_ip: str) -> Identity:
    """Of a key that logged on before: what it may do now. AuthError when it is revoked, expired or no longer from this address.

    Asks PostgreSQL whenever what is remembered is older than RENEW_NS, so that a socket that asks often enough closes in time.
    """
    known = _keys.get(key, RENEW_NS)
    if known is None or (known.expires_ns is not None and clock.now_ns() >= known.expires_ns):
        raise _wrong()
    return _admitted(known, client_ip)


def forget() -> None:
    """Drops everything remembered, for tests and for whoever just changed a key in this process."""
    _keys.clear()
    _sessions.clear()
    _tokens.clear()


@dataclass(frozen=True, slots=True)
class _Key:
    identity: Identity
    secret: bytes
    addresses: tuple[str, ...]
    expires_ns: int | None


class _Remembered(Generic[T]):
    """Answers kept for FRESH_NS; the oldest go when there are too many, so that made-up keys cost no memory."""

    def __init__(self, look_up: Callable[[str], T]) -> None:
        self._look_up = look_up
        self._kept: dict[str, tuple[int, T]] = {}
        self._lock = threading.Lock()

    def get(self, name: str, fresh_ns: int = FRESH_NS) -> T:
        kept = self._kept.get(name)
        if kept is not None and clock.monotonic_ns() - kept[0] < fresh_ns:
            return kept[1]
        asked_at = clock.monotonic_ns()  # before the look-up: the age counts from what the database was asked
        found = self._look_up(name)
        if kept is not None and kept[1] == found:
            found = kept[1]  # the very same: what was found out for it stays true
        with self._lock:
            self._kept.pop(name, None)
            if len(self._kept) >= REMEMBERED_MAX:
                del self._kept[next(iter(self._kept))]
            self._kept[name] = (asked_at, found)
        return found

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


def _look_up_key(name: str) -> _Key | None:
    row = ApiKey.objects.select_related("owner__user").filter(key=name, revoked_at__isnull=True).first()
    if row is None or not row.owner.user.is_active:
        return None
    accounts = frozenset(row.accounts.values_list("id", flat=True))
    identity = replace(
        _person(row.owner.user, row.owner, "key"),
        scopes=frozenset(row.scopes) & user_scopes(row.owner.user),  # a key never does more than its person may
        key_id=row.pk,
        account_ids=accounts or None,
        symbols=frozenset(row.symbols) or None,
        order_notional_max=row.order_notional_max,
        day_notional_max=row.day_notional_max,
        rate_per_second=row.rate_per_second,
        paper_only=row.paper_only,
    )
    expires_ns = None if row.expires_at is None else clock.to_ms(row.expires_at) * 1_000_000
    return _Key(identity, keys.unseal(row.secret_box, row.key).encode(), tuple(row.addresses), expires_ns)


def _look_up_session(session_key: str) -> Identity | None:
    request = HttpRequest()
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    user = get_user(request)
    return _person(user, owner_of(user), "session") if user.is_authenticated else None


def _look_up_token(raw: str) -> Identity | None:
    reader = JWTAuthentication()
    try:
        user = reader.get_user(reader.get_validated_token(raw.encode("latin-1")))
    except (InvalidToken, AuthenticationFailed):
        return None
    return _person(user, owner_of(user), "token")


_keys: _Remembered[_Key | None] = _Remembered(_look_up_key)
_sessions: _Remembered[Identity | None] = _Remembered(_look_up_session)
_tokens: _Remembered[Identity | None] = _Remembered(_look_up_token)
_READ = frozenset(
    {
        b"x-api-key",
        b"x-api-timestamp",
        b"x-api-signature",
        b"authorization",
        b"cookie",
        b"host",
        b"origin",
        b"referer",
        b"x-csrftoken",
        b"x-forwarded-proto",
    }
)
_NOBODY = b"checked all the same, so that an unknown key takes as long as a wrong signature"
_used_ns: dict[int, int] = {}
_USE_NOTED_EVERY_NS = 60_000_000_000


def _person(user: Any, owner: Owner, via: str) -> Identity:
    return Identity(
        user_id=user.pk,
        username=user.get_username(),
        owner_id=owner.pk,
        owner_name=owner.name,
        shard=owner.shard,
        scopes=user_scopes(user),
        via=via,
    )


def _wrong() -> AuthError:
    return AuthError(401, "AUTH_INVALID", _WRONG, headers={"WWW-Authenticate": "Bearer"})


def _known_key(name: str) -> _Key | None:
    if not name.isascii() or not 0 < len(name) <= 64:
        return None
    known = _keys.get(name)
    expired = known is not None and known.expires_ns is not None and clock.now_ns() >= known.expires_ns
    return None if expired else known


def _bare(name: str, client_ip: str) -> Identity:
    known = _known_key(name)
    if known is None:
        raise _wrong()
    if known.identity.scopes - {"read"}:
        raise AuthError(
            401,
            "SIGNATURE_REQUIRED",
            "This key may do more than read, so its requests are signed: send X-API-Timestamp and X-API-Signature too.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return _admitted(known, client_ip)


def _in_body(name: str, client_ip: str) -> Identity:
    known = _known_key(name)
    if known is None:
        raise _wrong()
    identity = _admitted(known, client_ip)
    return replace(identity, via="body", paper_only=True, scopes=identity.scopes & {"read", "trade"})


def _token(header: bytes) -> Identity:
    kind, _, raw = header.decode("latin-1").partition(" ")
    identity = _tokens.get(raw.strip()) if kind.lower() == "bearer" and len(raw) <= 4096 else None
    if identity is None:
        raise _wrong()
    return identity


def _session(session_key: str) -> Identity | None:
    return _sessions.get(session_key) if len(session_key) <= 64 else None


def _admitted(known: _Key, client_ip: str) -> Identity:
    """The key's identity, if it may come from this address; notes its use once a minute."""
    if known.addresses and not _from_one_of(known.addresses, client_ip):
        raise AuthError(403, "IP", f"This key may not be used from {client_ip}. Nothing was done.")
    key_id = known.identity.key_id or 0
    now_ns = clock.monotonic_ns()
    if now_ns - _used_ns.get(key_id, -_USE_NOTED_EVERY_NS) >= _USE_NOTED_EVERY_NS:
        _used_ns[key_id] = now_ns
        floods.note("key.use", client_ip, f"key {key_id}")
        now = clock.now()
        long_ago = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - timedelta(minutes=1))
        ApiKey.objects.filter(long_ago, pk=key_id).update(last_used_at=now)
    return known.identity


def _from_one_of(addresses: tuple[str, ...], client_ip: str) -> bool:
    try:
        address = ip_address(client_ip)
        return any(address in ip_network(allowed, strict=False) for allowed in addresses)
    except ValueError:
        return False  # an address that cannot be read is not on the list


def _cookies(raw: bytes) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(raw.decode("latin-1")).items()}
    except CookieError:
        return {}


class _Csrf(CsrfViewMiddleware):
    """Django's own check, told as a reason instead of a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _check_csrf(found: dict[bytes, bytes], method: str) -> None:
    request = HttpRequest()
    request.method = method
    request.COOKIES = _cookies(found.get(b"cookie", b""))
    for name in (b"host", b"origin", b"referer", b"x-csrftoken", b"x-forwarded-proto"):
        if name in found:
            request.META["HTTP_" + name.decode().upper().replace("-", "_")] = found[name].decode("latin-1")
    check = _Csrf(lambda _: HttpResponse())
    check.process_request(request)
    reason = check.process_view(request, None, (), {})
    if reason:
        raise AuthError(403, "CSRF", f"The page's token does not fit: {reason} Nothing was done; reload the page.")
