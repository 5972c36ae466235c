"""Signing in and out."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from orders.throttles import failed_logins

PASSWORD = "a long password for tests"


@pytest.fixture
def ann(db: None) -> Any:
    failed_logins.clear()
    return get_user_model().objects.create_user("ann", password=PASSWORD)


def _sign_in(client: Client, **more: str) -> Any:
    return client.post("/login", {"username": "ann", "password": PASSWORD, **more})


def test_the_right_password_leads_to_the_page_asked_for(ann: Any) -> None:
    assert _sign_in(Client(), next="/portfolio")["Location"] == "/portfolio"
    assert _sign_in(Client())["Location"] == "/"


@pytest.mark.parametrize("place", ["https://evil.test/", "//evil.test/", "javascript:alert(1)", "/\\evil.test"])
def test_the_next_page_is_always_ours(ann: Any, place: str) -> None:
    assert _sign_in(Client(), next=place)["Location"] == "/"


def test_a_wrong_password_and_an_unknown_name_look_the_same(ann: Any) -> None:
    wrong = Client().post("/login", {"username": "ann", "password": "wrong"}).content.decode()
    unknown = Client().post("/login", {"username": "zoe", "password": "wrong"}).content.decode()
    sentence = "That name and password do not match an account here."
    assert sentence in wrong
    assert sentence in unknown


def test_a_form_without_its_token_is_refused(ann: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert _sign_in(strict).status_code == 403
    strict.force_login(ann)
    assert strict.post("/halt", {"action": "halt"}).status_code == 403


def test_signing_out_is_a_form_not_a_link(ann: Any) -> None:
    client = Client()
    client.force_login(ann)
    assert client.get("/logout").status_code == 405
    assert client.post("/logout")["Location"] == "/login?ended=1"
    assert client.get("/halt").status_code == 302


def test_the_sixth_wrong_password_waits_even_when_it_is_right(ann: Any) -> None:
    for _ in range(5):
        assert Client().post("/login", {"username": "ann", "password": "wrong"}).status_code == 200
    answer = _sign_in(Client())
    assert answer.status_code == 429 and int(answer["Retry-After"]) > 0
    assert "Too many wrong passwords" in answer.content.decode()
    failed_logins.clear()
    assert _sign_in(Client()).status_code == 302
