"""Whether Meridian lives and whether it may be traded on; what Prometheus scrapes."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from marketdata import bus
from marketdata.mirror import default_mirror
from marketdata.models import Exchange, Instrument

# fewer levels than this on a side and a first market order might find nothing
LEVELS_MIN = 20


def alive(request: HttpRequest) -> HttpResponse:
    """This process answers. Says nothing of the rest; restart it when this fails."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 only when an order to the simulator would be accepted; else 503 and the reason."""
    reason = why_not_ready()
    if reason is None:
        return JsonResponse({"ready": True, "reason": ""})
    return JsonResponse({"ready": False, "reason": reason}, status=503)


def why_not_ready() -> str | None:
    """What is missing, as a sentence; None when an order would be taken."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT shard, expires_at > now(), ready FROM orders_lease")
            leases = {shard: (live, recovered) for shard, live, recovered in cursor.fetchall()}
        simulated = list(
            Instrument.objects.filter(
                exchange__source=Exchange.Source.SIMULATOR, exchange__enabled=True, status=Instrument.Status.TRADING
            ).values_list("id", "exchange__name", "symbol")
        )
    except DatabaseError:
        return "PostgreSQL does not answer"
    for shard in range(settings.ENGINE_SHARDS):
        live, recovered = leases.get(shard, (False, False))
        if not live:
            return f"no engine holds shard {shard}"
        if not recovered:
            return f"the engine of shard {shard} is still recovering"
    if not bus.default().ping():
        return "Valkey does not answer"
    mirror = default_mirror()
    for instrument_id, exchange, symbol in simulated:
        book = mirror.book(instrument_id, LEVELS_MIN)
        if book is None or min(len(book["bids"]), len(book["asks"])) < LEVELS_MIN:
            return f"the book of {exchange} {symbol} is not there yet"
    return None


def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, to this machine and its private network only unless METRICS_PUBLIC is set."""
    address = request.META.get("REMOTE_ADDR") or "127.0.0.1"
    if not settings.METRICS_PUBLIC and not ipaddress.ip_address(address).is_private:
        return HttpResponse(status=404)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST)
