"""Who gets in over REST, and how far."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from marketdata import clock
from orders import auth, caller, keys
from orders.models import ApiKey
from tests.orders.cast import PASSWORD, PretendCaller, Town, found_town

pytestmark = pytest.mark.django_db
ORDERS = "/api/v1/orders"
BODY = {"exchange": "sim", "symbol": "BTC/USDT", "type": "limit", "side": "buy", "price": "1", "quantity": "1"}


@pytest.fixture
def town() -> Town:
    return found_town()


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> PretendCaller:
    pretend = PretendCaller()
    monkeypatch.setattr(caller, "default", lambda: pretend)
    return pretend


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_nobody_is_refused_and_told_how_to_come_in(town: Town) -> None:
    answer = Client().get(ORDERS)
    assert code(answer) == (401, "AUTH_INVALID")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_signed_request_gets_in(town: Town) -> None:
    assert town.ann.signed("GET", ORDERS).status_code == 200


def test_the_signature_covers_the_query_as_it_was_sent(town: Town) -> None:
    path = f"{ORDERS}?symbol=BTC%2FUSDT&limit=5"
    assert town.ann.signed("GET", path).status_code == 200
    assert code(town.ann.signed("GET", path, signed_path=ORDERS)) == (401, "AUTH_INVALID")


def test_the_signature_covers_the_body_as_it_was_sent(town: Town, line: PretendCaller) -> None:
    answer = town.ann.signed("POST", ORDERS, json.dumps(BODY, indent=3).encode())
    assert answer.status_code == 200
    assert len(line.sent) == 1


def test_an_unknown_key_and_a_wrong_signature_are_told_the_same(town: Town) -> None:
    wrong = town.ann.signed("GET", ORDERS, signature="0" * 64)
    town.ann.key.key = "mk_nobody"
    unknown = town.ann.signed("GET", ORDERS)
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


def test_a_timestamp_more_than_five_seconds_off_is_refused_with_our_time(town: Town) -> None:
    answer = town.ann.signed("GET", ORDERS, timestamp=str(clock.now_ms() - 6000))
    assert code(answer) == (401, "TS_WINDOW")
    assert abs(int(answer.json()["value"]) - clock.now_ms()) < 5000


def test_a_key_that_may_trade_does_not_get_in_without_a_signature(town: Town) -> None:
    answer = Client().get(ORDERS, headers={"X-API-Key": town.ann.key.key})
    assert code(answer) == (401, "SIGNATURE_REQUIRED")


def test_a_key_that_only_reads_gets_in_alone_and_may_only_read(town: Town, line: PretendCaller) -> None:
    key, _ = keys.create(town.ann.owner, scopes=["read"])
    headers = {"X-API-Key": key.key}
    assert Client().get(ORDERS, headers=headers).status_code == 200
    answer = Client().post(ORDERS, BODY, content_type="application/json", headers=headers)
    assert code(answer) == (403, "SCOPE")
    assert line.sent == []


def test_a_revoked_key_is_out_within_a_second(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    assert town.ann.signed("GET", ORDERS).status_code == 200
    keys.revoke(town.ann.key)
    real = clock.monotonic_ns
    monkeypatch.setattr(clock, "monotonic_ns", lambda: real() + 1_000_000_000)
    assert code(town.ann.signed("GET", ORDERS)) == (401, "AUTH_INVALID")


def test_an_expired_key_is_out_at_once(town: Town) -> None:
    ApiKey.objects.filter(pk=town.ann.key.pk).update(expires_at=clock.now() - timedelta(seconds=1))
    assert code(town.ann.signed("GET", ORDERS)) == (401, "AUTH_INVALID")


def test_a_key_follows_its_person_out(town: Town) -> None:
    town.ann.user.is_active = False
    town.ann.user.save()
    assert code(town.ann.signed("GET", ORDERS)) == (401, "AUTH_INVALID")


def test_a_key_never_does_more_than_its_person_may(town: Town) -> None:
    key, _ = keys.create(town.ann.owner, scopes=["read", "operate"])
    assert auth._look_up_key(key.key).identity.scopes == {"read"}  # type: ignore[union-attr]


def test_a_key_bound_to_an_address_is_refused_from_another(town: Town) -> None:
    ApiKey.objects.filter(pk=town.ann.key.pk).update(addresses=["10.0.0.0/8"])
    assert code(town.ann.signed("GET", ORDERS)) == (403, "IP")


def test_a_key_narrowed_to_accounts_sees_no_other(town: Town) -> None:
    town.ann.key.accounts.set([town.ann.account])
    auth.forget()
    assert [row["name"] for row in town.ann.signed("GET", "/api/v1/accounts").json()["results"]] == ["ann-sim"]


def test_a_key_in_the_body_places_on_paper_alone(town: Town, line: PretendCaller) -> None:
    answer = Client().post(ORDERS, {**BODY, "api_key": town.ann.key.key}, content_type="application/json")
    assert answer.status_code == 200
    assert line.sent[0].account_id == town.ann.account.pk
    type(town.ann.account).objects.filter(pk=town.ann.account.pk).update(kind="live")
    refused = Client().post(
        ORDERS,
        {**BODY, "api_key": town.ann.key.key, "account": "ann-sim", "exchange": None},
        content_type="application/json",
    )
    assert refused.status_code in (200, 403)  # the catalog may be a second old; the line below is what counts
    assert all(command.owner_id == town.ann.owner.pk for command in line.sent)


def test_a_password_gives_a_token_and_the_token_gets_in(town: Town) -> None:
    answer = Client().post("/api/v1/token", {"username": "ann", "password": PASSWORD}, content_type="application/json")
    assert answer.status_code == 200
    assert answer.json()["expires_in"] == 900
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    assert Client().get(ORDERS, headers=headers).status_code == 200
    renewed = Client().post(
        "/api/v1/token/refresh", {"refresh": answer.json()["refresh"]}, content_type="application/json"
    )
    assert renewed.status_code == 200
    assert renewed.json()["access"] != ""


def test_a_refresh_token_is_no_way_in(town: Town) -> None:
    answer = Client().post("/api/v1/token", {"username": "ann", "password": PASSWORD}, content_type="application/json")
    headers = {"Authorization": f"Bearer {answer.json()['refresh']}"}
    assert code(Client().get(ORDERS, headers=headers)) == (401, "AUTH_INVALID")


def test_a_change_of_password_ends_tokens(town: Town) -> None:
    answer = Client().post("/api/v1/token", {"username": "ann", "password": PASSWORD}, content_type="application/json")
    town.ann.user.set_password("another one, just as long")
    town.ann.user.save()
    headers = {"Authorization": f"Bearer {answer.json()['access']}"}
    assert code(Client().get(ORDERS, headers=headers)) == (401, "AUTH_INVALID")


def test_the_sixth_try_after_five_wrong_passwords_waits(town: Town) -> None:
    for _ in range(5):
        wrong = Client().post("/api/v1/token", {"username": "ann", "password": "x"}, content_type="application/json")
        assert code(wrong) == (401, "AUTH_INVALID")
    answer = Client().post("/api/v1/token", {"username": "ann", "password": PASSWORD}, content_type="application/json")
    assert code(answer) == (429, "LOGIN_RATE")
    assert int(answer.headers["Retry-After"]) > 0


def test_an_unknown_name_is_told_what_a_wrong_password_is(town: Town) -> None:
    answers = [
        Client().post("/api/v1/token", {"username": name, "password": "x"}, content_type="application/json").json()
        for name in ("ann", "nobody")
    ]
    assert answers[0] == answers[1]


def test_a_session_gets_in_but_changes_nothing_without_the_pages_token(town: Town, line: PretendCaller) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(town.ann.user)
    assert client.get(ORDERS).status_code == 200
    assert code(client.post(ORDERS, BODY, content_type="application/json")) == (403, "CSRF")
    assert line.sent == []


def test_the_pages_token_lets_a_session_place(town: Town, line: PretendCaller) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(town.ann.user)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post(ORDERS, BODY, content_type="application/json", headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code == 200
    assert len(line.sent) == 1


def test_a_logged_out_session_is_out(town: Town) -> None:
    client = town.ann.client()
    assert client.get(ORDERS).status_code == 200
    client.logout()
    auth.forget()
    assert client.get(ORDERS).status_code == 401


def test_a_key_faster_than_its_rate_is_told_when_to_come_back(town: Town) -> None:
    ApiKey.objects.filter(pk=town.ann.key.pk).update(rate_per_second=1)
    answers = [town.ann.signed("GET", ORDERS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["code"] == "RATE"
    assert int(answers[2].headers["Retry-After"]) >= 1
