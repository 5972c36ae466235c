"""The console: strategies are set up with checked parameters, started and stopped."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from orders.models import Audit
from strategies.models import Run, StrategyConfig
from tests.strategies.stand import Host, PretendEngine, close_klines, make_config

pytestmark = pytest.mark.django_db

LIST = "admin:strategies_strategyconfig_changelist"
CHANGE = "admin:strategies_strategyconfig_change"
ADD = "admin:strategies_strategyconfig_add"
FIELDS = {
    "title": "A grid",
    "interval": "1m",
    "parameter_step": "0.5",
    "parameter_step_unit": "percent",
    "parameter_quantity": "0.01",
    "parameter_max_long_levels": "3",
}


@pytest.fixture(autouse=True)
def nothing_collected(settings: Any) -> None:
    """Pages name static files as if none had been collected yet."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("operator"))
    return client


def stopped() -> StrategyConfig:
    config = make_config()
    StrategyConfig.objects.update(wanted="stopped")
    return config


def page(config: StrategyConfig) -> str:
    return reverse(CHANGE, args=[config.pk])


def test_a_strategy_is_added_with_its_parameters(operator: Client):
    other = make_config()
    given = {
        **FIELDS,
        "slug": "mine",
        "strategy": "grid",
        "account": other.account_id,
        "instrument": other.instrument_id,
    }
    assert operator.post(reverse(ADD), given).status_code == 302
    made = StrategyConfig.objects.get(slug="mine")
    assert (made.owner, made.wanted) == (other.owner, "stopped")
    assert made.parameters == {
        "step": "0.5", "step_unit": "percent", "quantity": "0.01", "max_long_levels": 3, "reset_state_on_start": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("step", "0", "it must be more than 0"),
        ("step", "", "required"),
        ("quantity", "0.000001", "does not fit BTC/USDT"),
        ("max_long_levels", "-1", "it must be at least 0"),
        ("max_long_levels", "many", "not a whole number"),
    ],
)
def test_a_wrong_parameter_is_refused_at_its_field(operator: Client, name: str, value: str, sentence: str):
    answer = operator.post(page(stopped()), {**FIELDS, f"parameter_{name}": value})
    assert sentence in str(answer.context["adminform"].form.errors[f"parameter_{name}"])


def test_the_page_shows_the_parameters_as_they_are(operator: Client):
    config = stopped()
    answer = operator.get(page(config))
    assert answer.context["adminform"].form["parameter_quantity"].value() == "0.01"


def test_the_button_starts_what_is_on_the_page(operator: Client):
    config = stopped()
    operator.post(page(config), {**FIELDS, "_start": "1"})
    config.refresh_from_db()
    assert (config.wanted, config.start_number, config.parameters["max_long_levels"]) == ("running", 2, 3)


def test_the_button_stops_it(operator: Client):
    config = make_config()
    operator.post(page(config), {**FIELDS, "_stop": "1"})
    config.refresh_from_db()
    assert config.wanted == "stopped"


def test_several_are_started_and_stopped_from_the_list(operator: Client):
    config = stopped()
    operator.post(reverse(LIST), {"action": "start_selected", "_selected_action": [config.pk]})
    assert StrategyConfig.objects.get().wanted == "running"
    operator.post(reverse(LIST), {"action": "stop_selected", "_selected_action": [config.pk]})
    assert StrategyConfig.objects.get().wanted == "stopped"


def test_who_started_and_stopped_is_in_the_audit(operator: Client):
    config = stopped()
    operator.post(page(config), {**FIELDS, "_start": "1"})
    operator.post(page(config), {**FIELDS, "_stop": "1"})
    assert list(Audit.objects.filter(action__startswith="strategy.").order_by("seq").values_list("action", "actor", "target")) == [
        ("strategy.start", "operator", "grid-btc"), ("strategy.stop", "operator", "grid-btc"),
    ]  # fmt: skip


def test_the_run_and_its_refusals_are_shown(operator: Client, engine: PretendEngine, host: Host):
    engine.refuses = "TRADING_HALTED"
    config = make_config()
    close_klines(config, 0, "100")
    run = host.begin(config)
    close_klines(config, 1, "100", "98.9")
    host.work(run)
    assert b"TRADING_HALTED" in operator.get(page(config)).content
    assert b"running" in operator.get(reverse(LIST)).content


@pytest.mark.parametrize("model", ["run", "intent", "signal"])
def test_what_happened_can_be_read_and_not_changed(operator: Client, engine: PretendEngine, host: Host, model: str):
    config = make_config()
    close_klines(config, 0, "100")
    run = host.begin(config)
    close_klines(config, 1, "100", "98.9")
    host.work(run)
    assert b"grid-btc" in operator.get(reverse(f"admin:strategies_{model}_changelist")).content
    assert operator.get(reverse(f"admin:strategies_{model}_add")).status_code == 403


def test_what_has_run_cannot_be_removed(operator: Client, engine: PretendEngine, host: Host):
    config = make_config()
    host.begin(config)
    assert operator.post(reverse("admin:strategies_strategyconfig_delete", args=[config.pk])).status_code == 403
    assert Run.objects.exists()


def test_staff_see_and_trade_for_themselves_only(client: Client):
    mine, theirs = make_config("mine"), make_config("theirs")
    user = mine.owner.user
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="strategies"))
    client.force_login(user)
    listed = client.get(reverse(LIST)).content
    assert (b">mine<" in listed, b"theirs" in listed) == (True, False)
    assert client.post(page(theirs), {**FIELDS, "_stop": "1"}).status_code == 302
    client.post(reverse(LIST), {"action": "stop_selected", "_selected_action": [theirs.pk]})
    theirs.refresh_from_db()
    assert theirs.wanted == "running"
    given = {
        **FIELDS,
        "slug": "new",
        "strategy": "grid",
        "account": theirs.account_id,
        "instrument": theirs.instrument_id,
    }
    assert "account" in client.post(reverse(ADD), given).context["adminform"].form.errors
