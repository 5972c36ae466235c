"""Which installation a page belongs to, in words nobody overlooks."""

from __future__ import annotations

import socket

from django import template
from django.conf import settings

register = template.Library()


@register.simple_tag
def environment() -> dict[str, str]:
    """`kind` paper or live, and `words` for the band."""
    if settings.LIVE_TRADING:
        return {"kind": "live", "words": f"Live trading is on · {socket.gethostname()}"}
    return {"kind": "paper", "words": f"Paper only · {socket.gethostname()}"}
