"""API keys: made, shown once, kept encrypted, revoked.

A secret must be recoverable, because a signature is checked with it; so it lies in the row encrypted (AES-256-GCM)
under a key that lies outside the database. A stolen dump opens nothing, and a box moved to another row does not open
either: the key's public name is part of what is authenticated.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import transaction

from marketdata import clock
from orders import keyfile
from orders.models import Account, ApiKey, Owner

SCOPES = ("read", "trade", "operate", "admin")
KEY_PREFIX = "mk_"
SECRET_PREFIX = "ms_"
_VERSION = b"\x01"
_NONCE_BYTES = 12


class SecretUnreadable(Exception):
    """A kept secret does not open: the key file is gone, is another one, or the row was changed."""


class BadKeyRequest(ValueError):
    """What was asked of a new key cannot be; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def key_file() -> Path:
    """Where the key that encrypts secrets lies: CREDENTIAL_KEY_FILE, else DATA/credential.key."""
    named = str(settings.CREDENTIAL_KEY_FILE or "")
    return Path(named) if named else Path(settings.DATA) / "credential.key"


def seal(secret: str, name: str) -> bytes:
    """`secret` encrypted for the row called `name`. Makes the key file at the first use."""
    key_id, key = _file_keys(keyfile.make(key_file()))[0]
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return _VERSION + key_id + nonce + AESGCM(key).encrypt(nonce, secret.encode(), _bound_to(name))


def unseal(box: bytes, name: str) -> str:
    """The secret in the box of the row called `name`. Raises SecretUnreadable with what to do."""
    box = bytes(box)
    key_id, nonce, sealed = box[1:5], box[5:17], box[17:]
    path = key_file()
    if not path.exists():
        raise SecretUnreadable(f"{path} is missing, so kept API secrets cannot be read. Put it back from your backup.")
    for known_id, key in _file_keys(path):
        if known_id == key_id and box[:1] == _VERSION:
            try:
                return AESGCM(key).decrypt(nonce, sealed, _bound_to(name)).decode()
            except InvalidTag:
                break
    raise SecretUnreadable(
        f"The secret of key {name} does not open with {path}. Put the right file back, or make another key."
    )


def create(
    owner: Owner,
    *,
    scopes: Iterable[str],
    name: str = "",
    accounts: Iterable[Account] = (),
    symbols: Iterable[str] = (),
    order_notional_max: Decimal | None = None,
    day_notional_max: Decimal | None = None,
    rate_per_second: int | None = None,
    paper_only: bool = False,
    addresses: Iterable[str] = (),
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """A new key of `owner` and its secret, which nothing shows a second time. Raises BadKeyRequest."""
    wanted = list(dict.fromkeys(scopes))
    if not wanted or any(scope not in SCOPES for scope in wanted):
        raise BadKeyRequest("scopes", f"Scopes are some of {', '.join(SCOPES)}; was {', '.join(wanted) or 'empty'}.")
    narrowed = list(accounts)
    if any(account.owner_id != owner.pk for account in narrowed):
        raise BadKeyRequest("accounts", f"A key reaches only accounts of its owner, {owner.name}.")
    public = KEY_PREFIX + secrets.token_urlsafe(18)
    secret = SECRET_PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        key = ApiKey.objects.create(
            owner=owner,
            name=name,
            key=public,
            secret_box=seal(secret, public),
            scopes=sorted(wanted, key=SCOPES.index),
            symbols=list(symbols),
            order_notional_max=order_notional_max,
            day_notional_max=day_notional_max,
            rate_per_second=rate_per_second,
            paper_only=paper_only,
            addresses=list(addresses),
            expires_at=expires_at,
        )
        key.accounts.set(narrowed)
    return key, secret


def revoke(key: ApiKey) -> None:
    """From now on the key opens nothing: every process forgets it within a second. Twice is once."""
    ApiKey.objects.filter(pk=key.pk, revoked_at__isnull=True).update(revoked_at=clock.now())


def _bound_to(name: str) -> bytes:
    return b"orders_apikey:" + name.encode()


def _file_keys(path: Path) -> list[tuple[bytes, bytes]]:
    try:
        return keyfile.read(path)
    except keyfile.NotAKeyFile as error:
        raise SecretUnreadable(str(error)) from None
