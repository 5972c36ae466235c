"""The operator's console: a subscription added there rings the feed; a changed step is a new spec."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from marketdata.bus import Bus
from marketdata.models import Heartbeat, Instrument, Subscription

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_page_opens(admin_client: Client, btc: Any) -> None:
    for name in ("exchange", "asset", "instrument", "subscription", "heartbeat"):
        assert admin_client.get(reverse(f"admin:marketdata_{name}_changelist")).status_code == 200
    assert admin_client.get(reverse("admin:marketdata_instrument_change", args=[btc.pk])).status_code == 200
    assert admin_client.get(reverse("admin:marketdata_subscription_add")).status_code == 200


def test_a_subscription_added_rings_the_feed(admin_client: Client, bus: Bus, btc: Any) -> None:
    listener = bus.listener("wake")
    assert listener.open()
    fields = {"instrument": btc.pk, "interval": "5m", "channels": ["klines", "book"], "enabled": "on"}
    answer = admin_client.post(reverse("admin:marketdata_subscription_add"), fields)
    assert answer.status_code == 302, answer.content
    made = Subscription.objects.get()
    assert (made.interval, made.channels) == ("5m", ["klines", "book"])
    assert listener.get(2) == ("wake", b"subscriptions")
    listener.close()


def test_an_unknown_interval_is_refused(admin_client: Client, btc: Any) -> None:
    fields = {"instrument": btc.pk, "interval": "7m", "channels": ["klines"], "enabled": "on"}
    answer = admin_client.post(reverse("admin:marketdata_subscription_add"), fields)
    assert b"One of 1m" in answer.content
    assert not Subscription.objects.exists()


def test_a_changed_step_is_a_new_spec_version(admin_client: Client, btc: Any) -> None:
    address = reverse("admin:marketdata_instrument_change", args=[btc.pk])
    form = admin_client.get(address).context["adminform"].form
    fields = {name: form[name].value() for name in form.fields}
    fields = {name: value for name, value in fields.items() if value is not None and value is not False} | {
        "simulation": "{}"
    }
    answer = admin_client.post(address, fields | {"kline_symbol": "xbtusdt"})
    assert answer.status_code == 302, answer.context["errors"]
    assert Instrument.objects.get(pk=btc.pk).spec_version == 1
    assert admin_client.post(address, fields | {"tick_size": "0.05"}).status_code == 302
    changed = Instrument.objects.get(pk=btc.pk)
    assert (changed.kline_symbol, changed.spec_version) == ("btcusdt", 2)


def test_heartbeats_are_only_looked_at(admin_client: Client) -> None:
    assert admin_client.get(reverse("admin:marketdata_heartbeat_add")).status_code == 403
    assert not Heartbeat.objects.exists()
