"""The quick reading of plain orders makes the very command the full reading makes, or leaves it to that."""

from __future__ import annotations

import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from orders import intake, quick
from orders.errors import ApiError
from orders.identity import Identity
from tests.orders.cast import found_town

pytestmark = pytest.mark.django_db
PLAIN = {"account": "ann-sim", "symbol": "BTC/USDT", "side": "buy", "type": "limit", "price": "61000.50",
         "quantity": "0.00120", "request_id": "r-1"}  # fmt: skip
CHANGES: dict[str, list[Any]] = {
    "account": [None, "", "bob-sim", "nobody", 7, ["ann"]],
    "exchange": ["sim", "SIM", "", "nowhere", None, 1],
    "symbol": ["BTC_USDT", "btc/usdt", "ETH/USDT", "", None, {}],
    "side": ["sell", "SELL", "hold", None, True],
    "type": ["market", "LIMIT", "stop", None, 3],
    "price": ["0.01", "61000", "61000.505", "0", "-1", "007", "1e3", "1_000", " 7 ", "\uff17", "", None, 5, Decimal("1.5"),
              "99999999999999999999", "1." + "0" * 18, "61000.50\n", "+1", ".5", "5.", "NaN"],
    "quantity": ["1", "0.00001", "0.000001", "00", "0", "1E+5", None, 1.5, "1" * 40],
    "time_in_force": ["gtc", "GTC", "ioc", "fok", "day", "gtd", "", None, 1],
    "request_id": ["a.b:c_d-e", "x" * 65, "", None, 12, "with space", "ü"],
    "strategy_id": ["grid", "", None, "s" * 65, 5],
    "source": ["bot", None, "s" * 33, False],
    "post_only": [True, False, None, "yes", 1],
    "reduce_only": [True, False, 0],
    "allow_duplicate": [True, False, "true"],
    "spec_version": [None, 1],
    "tags": [["a"], None],
    "status": ["filled"],
}  # fmt: skip


@pytest.fixture
def ann() -> Identity:
    town = found_town()
    return Identity(
        user_id=town.ann.owner.user_id, username="ann", owner_id=town.ann.owner.pk, owner_name="ann", shard=0,
        scopes=frozenset({"read", "trade"}), via="key", key_id=town.ann.key.pk, order_notional_max=Decimal("5000.0"),
        rate_per_second=None, paper_only=True,
    )  # fmt: skip


def full(who: Identity, body: dict[str, Any]) -> Any:
    try:
        return intake.read_place(who, body)
    except ApiError as error:
        return error


def compare(who: Identity, body: dict[str, Any]) -> bool:
    """Whether it was read quickly; if so, to the same command."""
    found = quick.place(who, body)
    if found is None:
        return False
    expected = full(who, body)
    assert not isinstance(expected, ApiError), (body, expected.body())
    if body.get("request_id") is None:
        expected = msgspec.structs.replace(expected, request_id=found.request_id)
    assert 0 < found.accepted_ns <= expected.accepted_ns  # each was read at a moment of its own
    expected = msgspec.structs.replace(expected, accepted_ns=found.accepted_ns)
    assert found == expected
    return True


def test_a_plain_order_is_read_quickly(ann: Identity) -> None:
    assert compare(ann, PLAIN)
    assert compare(ann, {**PLAIN, "type": "market", "price": None})
    assert compare(ann, {**PLAIN, "account": None})


def test_every_change_of_one_field_is_the_same_command_or_left_to_the_full_reading(ann: Identity) -> None:
    quickly = [compare(ann, {**PLAIN, name: value}) for name, values in CHANGES.items() for value in values]
    assert 20 < sum(quickly) < len(quickly) - 40


def test_any_mixture_is_too(ann: Identity) -> None:
    chance = random.Random(7)
    for _ in range(1500):
        body = dict(PLAIN)
        for name in chance.sample(sorted(CHANGES), chance.randint(1, 4)):
            body[name] = chance.choice(CHANGES[name])
        compare(ann, body)


def test_what_is_remembered_of_a_place_ends_with_the_identity_it_was_found_for(ann: Identity) -> None:
    assert quick.place(ann, PLAIN) is not None
    assert quick.place(replace(ann, symbols=frozenset({"ETH/USDT"})), PLAIN) is None
    assert quick.place(replace(ann, account_ids=frozenset()), PLAIN) is None


@pytest.mark.parametrize("order", [{"client": "mine"}, {"client": "mine", "request_id": "c-1"},
                                   {"id": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}])  # fmt: skip
def test_a_cancel_is_the_same_too(ann: Identity, order: dict[str, Any]) -> None:
    found = quick.cancel(ann, order)
    target = order.get("id") or f"client:{order['client']}"
    assert found == intake.read_cancel(ann, target, {"request_id": found.request_id if found else None})


@pytest.mark.parametrize("order", [{}, {"client": "a", "id": "b"}, {"id": "b"}, {"client": 1}, {"client": "ü"},
                                   {"client": "a", "price": "1"}, {"client": "a", "request_id": ""}])  # fmt: skip
def test_a_cancel_that_is_not_plain_is_left_to_the_full_reading(ann: Identity, order: dict[str, Any]) -> None:
    assert quick.cancel(ann, order) is None
