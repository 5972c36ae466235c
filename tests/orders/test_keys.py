"""Secrets at rest, and keys made from the command line."""

from __future__ import annotations

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from orders import auth, keys
from orders.models import Account, ApiKey, Funding
from tests.orders.cast import Town, found_town

pytestmark = pytest.mark.django_db


@pytest.fixture
def town(settings: Any, tmp_path: Path) -> Town:
    settings.CREDENTIAL_KEY_FILE = str(tmp_path / "credential.key")
    return found_town()


def said(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


def test_the_key_file_is_made_at_first_use_for_its_owner_alone(town: Town) -> None:
    assert stat.S_IMODE(keys.key_file().stat().st_mode) == 0o600


def test_a_secret_is_not_in_its_row(town: Town) -> None:
    assert town.ann.secret.encode() not in bytes(town.ann.key.secret_box)
    assert keys.unseal(town.ann.key.secret_box, town.ann.key.key) == town.ann.secret


def test_a_box_moved_to_another_row_does_not_open(town: Town) -> None:
    with pytest.raises(keys.SecretUnreadable):
        keys.unseal(town.ann.key.secret_box, town.bob.key.key)


def test_a_missing_key_file_is_said_and_no_new_one_made(town: Town) -> None:
    keys.key_file().unlink()
    with pytest.raises(keys.SecretUnreadable, match="is missing"):
        keys.unseal(town.ann.key.secret_box, town.ann.key.key)
    assert not keys.key_file().exists()


def test_a_new_key_put_in_front_leaves_old_boxes_readable(town: Town) -> None:
    old = keys.key_file().read_bytes()
    keys.key_file().unlink()
    keys.seal("made under a new key", "x")
    keys.key_file().write_bytes(keys.key_file().read_bytes() + old)
    assert keys.unseal(town.ann.key.secret_box, town.ann.key.key) == town.ann.secret


def test_the_command_prints_a_key_that_gets_in(town: Town) -> None:
    printed = json.loads(said("create_api_key", "ann", "--scopes", "read,trade", "--json").splitlines()[-1])
    town.ann.key.key, town.ann.secret = printed["api_key"], printed["api_secret"]
    assert town.ann.signed("GET", "/api/v1/orders").status_code == 200
    made = ApiKey.objects.get(key=printed["api_key"])
    assert not made.paper_only
    assert list(made.accounts.all()) == []


def test_the_command_narrows_to_accounts(town: Town) -> None:
    printed = json.loads(
        said("create_api_key", "ann", "--scopes", "read", "--accounts", "ann-sim", "--paper-only", "--json")
    )
    made = ApiKey.objects.get(key=printed["api_key"])
    assert made.paper_only
    assert [account.name for account in made.accounts.all()] == ["ann-sim"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "--scopes", "read"), "no user"),
        (("ann", "--scopes", "withdraw"), "Scopes are some of"),
        (("ann", "--scopes", "operate"), "may not operate"),
        (("ann", "--scopes", "read", "--accounts", "bob-sim"), "has no account bob-sim"),
    ],
)
def test_the_command_refuses_in_a_sentence(town: Town, arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        said("create_api_key", *arguments)


def test_set_limits_moves_an_account_to_a_profile(town: Town) -> None:
    assert "under the limits load" in said("set_limits", "ann-sim", "--profile", "load")
    town.ann.account.refresh_from_db()
    assert town.ann.account.profile.name == "load"


def test_set_limits_refuses_a_profile_that_is_none(town: Town) -> None:
    with pytest.raises(CommandError, match="there are live, paper, load"):
        said("set_limits", "ann-sim", "--profile", "none")


def test_add_account_opens_paper_money(town: Town) -> None:
    said("add_account", "ann", "--name", "second", "--exchange", "sim", "--kind", "paper")
    account = Account.objects.get(name="second")
    assert account.kind == "simulated"
    assert not account.is_default
    assert Funding.objects.filter(account=account).count() == 3


def test_add_account_says_plainly_that_there_is_no_gateway_yet(town: Town) -> None:
    with pytest.raises(CommandError, match="no gateway"):
        said("add_account", "ann", "--name", "real", "--exchange", "sim", "--kind", "live", "--credentials", "x.json")
    assert not Account.objects.filter(name="real").exists()


def test_what_a_key_is_remembered_as_can_be_forgotten(town: Town) -> None:
    town.ann.signed("GET", "/api/v1/orders")
    keys.revoke(town.ann.key)
    auth.forget()
    assert town.ann.signed("GET", "/api/v1/orders").status_code == 401
