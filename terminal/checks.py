"""What must hold before anything is served: `manage.py check`, and before every migration."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register


@register()
def check_settings(**_: Any) -> list[CheckMessage]:
    """The settings that could cost money when wrong."""
    found: list[CheckMessage] = []
    if settings.SECRET_KEY_IS_EPHEMERAL:
        found.append(
            Error(
                "SECRET_KEY is not set.",
                hint="Set it in the environment or .env; the embedded installation makes its own at the first `manage.py up`.",
                id="terminal.E001",
            )
        )
    if settings.TIME_ZONE != "UTC" or not settings.USE_TZ:
        found.append(Error("TIME_ZONE must be UTC: the trading day is.", id="terminal.E002"))
    if settings.EXCHANGE_OVERRIDES and (trouble := _unreadable(Path(settings.EXCHANGE_OVERRIDES))):
        found.append(Error(f"EXCHANGE_OVERRIDES cannot be used: {trouble}.", id="terminal.E003"))
    for proxy in settings.TRUSTED_PROXIES:
        try:
            ip_network(proxy, strict=False)
        except ValueError:
            found.append(
                Error(f"TRUSTED_PROXIES names {proxy!r}, which is no address and no network.", id="terminal.E004")
            )
    if settings.BEHIND_TLS and not settings.TRUSTED_PROXIES:
        found.append(
            Warning(
                "BEHIND_TLS is on and TRUSTED_PROXIES is empty: unless the proxy is on this machine, "
                "everybody behind it shares the connections of one address.",
                hint="Name the proxy in TRUSTED_PROXIES, and let it set X-Forwarded-For as deploy/nginx.conf does.",
                id="terminal.W001",
            )
        )
    return found


def _unreadable(file: Path) -> str:
    """What is wrong with a file that should hold one JSON object; '' when nothing is."""
    try:
        held = json.loads(file.read_text())
    except (OSError, ValueError) as error:
        return str(error)
    return "" if isinstance(held, dict) else f"{file} holds no JSON object"
