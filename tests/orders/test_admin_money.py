"""The operator's console for money: accounts and their paper money, limits, keys, halts; records nobody changes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from marketdata import bus
from orders.models import Account, ApiKey, Audit, Funding, Halt, Journal, LimitProfile, RiskLimit
from tests.orders.cast import PASSWORD, Town, book_fill, found_town, hold, place_order

pytestmark = pytest.mark.django_db


class SilentBus:
    """Hears every wake."""

    def __init__(self) -> None:
        self.woken: list[str] = []

    def wake(self, word: str) -> None:
        self.woken.append(word)


@pytest.fixture
def town(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Town:
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}  # as if nothing was collected yet
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    silent = SilentBus()
    monkeypatch.setattr(bus, "default", lambda: silent)
    return found_town()


@pytest.fixture
def otto(town: Town) -> Client:
    return town.otto.client()


def none_of(prefix: str) -> dict[str, str]:
    """The management form of an inline nobody filled in."""
    return {f"{prefix}-TOTAL_FORMS": "0", f"{prefix}-INITIAL_FORMS": "0"}


def refusals(answer: Any) -> str:
    """What a form complained of, for a failing test to show."""
    return " | ".join(re.findall(r"errorlist[^>]*>(.*?)</ul>", answer.content.decode(), re.DOTALL))


def add_account(otto: Client, town: Town, **changes: str) -> Any:
    body = {
        "owner": town.ann.owner.pk,
        "name": "second",
        "exchange": town.exchange.pk,
        "profile": LimitProfile.objects.get(name="paper").pk,
        "reporting_asset": town.instrument.quote.pk,
        "margin": "0",
        **none_of("limits"),
        **none_of("fundings"),
        **changes,
    }
    return otto.post(reverse("admin:orders_account_add"), body)


def test_every_page_of_the_console_opens(town: Town, otto: Client) -> None:
    order = place_order(town, town.ann)
    book_fill(town, town.ann, order)
    hold(town, town.ann)
    limit = RiskLimit.objects.create(scope="global", code="open_orders_max", value=9)
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        if model._meta.app_label in ("orders", "auth"):
            assert otto.get(reverse(f"admin:{name}_changelist")).status_code == 200, name
            for row in [limit] if model is RiskLimit else model._default_manager.all()[:1]:
                assert otto.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code == 200, name


def test_the_console_says_which_installation_it_is(town: Town, otto: Client) -> None:
    assert b"Paper only" in otto.get("/admin/").content


def test_a_new_account_gets_its_opening_money_in_the_same_form(town: Town, otto: Client) -> None:
    opening = {
        "fundings-TOTAL_FORMS": "1",
        "fundings-0-kind": "opening",
        "fundings-0-asset": str(town.instrument.quote.pk),
        "fundings-0-amount": "2500.5",
    }
    answer = add_account(otto, town, **opening)
    assert answer.status_code == 302, refusals(answer)
    account = Account.objects.get(name="second")
    assert account.kind == Account.Kind.SIMULATED
    funding = Funding.objects.get(account=account)
    assert (funding.owner, funding.amount) == (town.ann.owner, Decimal("2500.5"))


def test_a_second_default_account_is_refused_in_a_sentence(town: Town, otto: Client) -> None:
    answer = add_account(otto, town, is_default="on")
    assert answer.status_code == 200
    assert "ann-sim is the default account on sim" in answer.content.decode()


def test_leverage_below_one_is_refused_in_a_sentence(town: Town, otto: Client) -> None:
    assert "in basis points" in add_account(otto, town, margin="2").content.decode()
    assert add_account(otto, town, margin="20000").status_code == 302
    assert Account.objects.get(name="second").margin == 20_000


def test_a_reset_is_a_wish_the_engine_hears(town: Town, otto: Client, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        otto.post(
            reverse("admin:orders_account_changelist"), {"action": "reset", "_selected_action": [town.ann.account.pk]}
        )
    assert Funding.objects.get(account=town.ann.account).kind == Funding.Kind.RESET
    assert bus.default().woken == ["control"]  # type: ignore[attr-defined]


def test_an_account_with_real_money_is_not_reset(town: Town, otto: Client) -> None:
    Account.objects.filter(pk=town.ann.account.pk).update(kind="live")
    otto.post(
        reverse("admin:orders_account_changelist"), {"action": "reset", "_selected_action": [town.ann.account.pk]}
    )
    assert not Funding.objects.exists()


def test_a_limit_of_a_profile_can_be_changed(town: Town, otto: Client) -> None:
    profile = LimitProfile.objects.get(name="paper")
    body: dict[str, Any] = {"note": "", "limits-TOTAL_FORMS": "6", "limits-INITIAL_FORMS": "6"}
    for number, limit in enumerate(profile.limits.all()):
        value = "7" if limit.code == "open_orders_max" else str(limit.value)
        body |= {
            f"limits-{number}-id": limit.pk,
            f"limits-{number}-profile": profile.pk,
            f"limits-{number}-code": limit.code,
            f"limits-{number}-value": value,
        }
    answer = otto.post(reverse("admin:orders_limitprofile_change", args=[profile.pk]), body)
    assert answer.status_code == 302, refusals(answer)
    assert RiskLimit.objects.get(profile=profile, code="open_orders_max").value == 7
    assert Audit.objects.get(action="limits.change").detail["open_orders_max"] == "7"


def make_key(otto: Client, town: Town, **changes: Any) -> Any:
    body = {"owner": town.ann.owner.pk, "name": "bot", "scopes": ["read", "trade"], "symbols": "BTC/USDT", **changes}
    return otto.post(reverse("admin:orders_apikey_add"), body)


def test_a_new_keys_secret_is_on_that_page_and_on_no_other(town: Town, otto: Client) -> None:
    answer = make_key(otto, town)
    assert answer.status_code == 200, refusals(answer)
    found = re.search(r'id="api-secret">([^<]+)<', answer.content.decode())
    assert found, refusals(answer)
    secret = found.group(1)
    assert "no-store" in answer.headers["Cache-Control"]
    key = ApiKey.objects.get(name="bot")
    assert key.symbols == ["BTC/USDT"]
    assert secret not in otto.get(reverse("admin:orders_apikey_change", args=[key.pk])).content.decode()
    town.ann.key, town.ann.secret = key, secret
    assert town.ann.signed("GET", "/api/v1/orders").status_code == 200


def test_a_key_for_somebody_elses_account_is_refused(town: Town, otto: Client) -> None:
    answer = make_key(otto, town, accounts=[town.bob.account.pk])
    assert "only accounts of its owner" in answer.content.decode()
    assert not ApiKey.objects.filter(name="bot").exists()


def test_a_key_can_be_narrowed_but_not_widened(town: Town, otto: Client) -> None:
    page = reverse("admin:orders_apikey_change", args=[town.ann.key.pk])
    answer = otto.post(page, {"name": "mine", "scopes": ["admin"], "addresses": "10.0.0.0/8 127.0.0.1"})
    assert answer.status_code == 302, refusals(answer)
    town.ann.key.refresh_from_db()
    assert town.ann.key.scopes == ["read", "trade"]
    assert town.ann.key.addresses == ["10.0.0.0/8", "127.0.0.1"]


def test_a_revoked_key_is_out(town: Town, otto: Client) -> None:
    assert town.ann.signed("GET", "/api/v1/orders").status_code == 200
    otto.post(reverse("admin:orders_apikey_changelist"), {"action": "revoke", "_selected_action": [town.ann.key.pk]})
    assert town.ann.signed("GET", "/api/v1/orders").status_code == 401


def test_a_halt_set_here_carries_who_and_why(town: Town, otto: Client) -> None:
    body = {"scope": "owner", "key": "ann", "owner": town.ann.owner.pk, "state": "halted", "reason": "asked for it"}
    answer = otto.post(reverse("admin:orders_halt_add"), body)
    assert answer.status_code == 302, refusals(answer)
    halt = Halt.objects.get()
    assert (halt.set_by, halt.reason, halt.state) == ("otto", "asked for it", "halted")
    otto.post(reverse("admin:orders_halt_changelist"), {"action": "resume", "_selected_action": [halt.pk]})
    halt.refresh_from_db()
    assert (halt.state, halt.version) == ("active", 2)


@pytest.mark.parametrize("name", ["order", "fill", "ledgerentry", "journal", "audit"])
def test_nobody_adds_to_the_records(town: Town, otto: Client, name: str) -> None:
    assert otto.get(reverse(f"admin:orders_{name}_add")).status_code == 403


def test_nobody_changes_an_order_here(town: Town, otto: Client) -> None:
    order = place_order(town, town.ann)
    page = reverse("admin:orders_order_change", args=[order.pk])
    assert otto.post(page, {"status": "filled"}).status_code == 403
    assert otto.post(reverse("admin:orders_order_delete", args=[order.pk]), {"post": "yes"}).status_code == 403


def test_balances_and_positions_have_their_pages(town: Town, otto: Client) -> None:
    hold(town, town.ann)
    assert b"1000.5" in otto.get(reverse("admin:orders_balances")).content
    assert b"sim:BTC/USDT" in otto.get(reverse("admin:orders_positions")).content


def test_staff_who_are_no_superusers_see_their_own_rows_alone(town: Town) -> None:
    place_order(town, town.ann)
    hold(town, town.ann)
    town.bob.user.is_staff = True
    town.bob.user.save()
    town.bob.user.user_permissions.set(Permission.objects.filter(content_type__app_label="orders"))
    bob = Client()
    assert bob.login(username="bob", password=PASSWORD)
    for name in ("owner", "account", "order", "fill", "apikey", "halt", "ledgerentry", "audit"):
        page = bob.get(reverse(f"admin:orders_{name}_changelist"))
        assert page.status_code == 200, name
        assert b"ann" not in page.content, name
    assert b"ann" not in bob.get(reverse("admin:orders_balances")).content
    assert b"ann" not in bob.get(reverse("admin:orders_positions")).content
    assert bob.get(reverse("admin:orders_journal_changelist")).status_code == 403
    assert b"ann" not in bob.get(reverse("admin:orders_account_add")).content
    assert Journal.objects.count() == 0
