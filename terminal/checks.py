"""What must hold before anything is served: `manage.py check`, and before every migration."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


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
    if settings.ENGINE_SHARDS < 1:
        found.append(Error("ENGINE_SHARDS must be at least 1.", id="terminal.E003"))
    return found
