"""Limits at every scope: each counts its own orders and messages, and the strictest of all decides."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BUY, SELL, Desk, make_core, read, set_instrument, set_limits

SECOND = 1_000_000_000
GRID, KEY = 2**63 + 5, 77
SCOPES = [
    (_core.SCOPE_GLOBAL, 0),
    (_core.SCOPE_EXCHANGE, 1),
    (_core.SCOPE_OWNER, ALICE),
    (_core.SCOPE_STRATEGY, GRID),
    (_core.SCOPE_INSTRUMENT, 1),
    (_core.SCOPE_KEY, KEY),
]


def keyed(core: _core.Core, number: int, price: int = 100, at: int = 1, account: int = ALICE) -> str:
    reason = core.place(at, number, account, 1, 1, BUY, 0, 0, 0, GRID, price, 1, KEY)
    return _core.REASONS.get(reason, "")


@pytest.mark.parametrize(("scope", "key"), SCOPES)
def test_each_scope_counts_its_open_orders(scope: int, key: int):
    core = make_core()
    core.set_limits(scope, key, open_orders_max=2)
    assert [keyed(core, n) for n in (1, 2, 3)] == ["", "", "OPEN_ORDERS_MAX"]
    core.verify()
    core.cancel(2, 1)
    assert keyed(core, 4) == ""
    core.clear_limits(scope, key)
    assert keyed(core, 5) == ""
    core.verify()


@pytest.mark.parametrize(("scope", "key"), SCOPES)
def test_each_scope_has_its_own_bucket(scope: int, key: int):
    core = make_core()
    core.set_limits(scope, key, rate_per_second=1, rate_burst=2)
    assert [keyed(core, n, at=SECOND) for n in (1, 2, 3)] == ["", "", "RATE_ORDERS"]
    assert keyed(core, 4, at=2 * SECOND) == ""


def test_a_wider_limit_does_not_loosen_a_narrower_one():
    core = make_core()
    set_limits(core, ALICE, notional_max=500)
    core.set_limits(_core.SCOPE_GLOBAL, 0, notional_max=1000)
    core.set_limits(_core.SCOPE_OWNER, BOB, notional_max=200)
    desk = Desk(core)
    assert desk.why(ALICE, BUY, 100, 6) == "NOTIONAL_MAX"
    assert read(core.reports())[-1].limit == 500
    assert desk.why(BOB, BUY, 100, 3) == "NOTIONAL_MAX"
    assert desk.why(ALICE, BUY, 100, 5) == ""


def test_limits_of_others_alone_do_not_open_an_account():
    core = make_core()
    core.set_limits(_core.SCOPE_GLOBAL, 0, open_orders_max=100)
    core.clear_limits(_core.SCOPE_ACCOUNT, ALICE)
    assert Desk(core).why(ALICE, BUY, 100, 1) == "LIMITS_MISSING"


def test_one_owners_orders_are_not_counted_to_another():
    core = make_core()
    core.set_limits(_core.SCOPE_OWNER, ALICE, open_orders_max=1)
    desk = Desk(core)
    assert [desk.why(ALICE, BUY, 100, 1), desk.why(ALICE, BUY, 100, 1)] == ["", "OPEN_ORDERS_MAX"]
    assert desk.why(BOB, BUY, 100, 1) == ""


def test_orders_open_before_a_limit_was_set_count_against_it():
    core = make_core()
    desk = Desk(core)
    for _ in range(3):
        desk.place(ALICE, BUY, 100, 1)
    core.set_limits(_core.SCOPE_INSTRUMENT, 1, open_orders_max=3)
    assert desk.why(BOB, BUY, 100, 1) == "OPEN_ORDERS_MAX"
    core.verify()


def test_the_last_third_of_the_messages_is_for_cancels():
    core = make_core()
    set_limits(core, ALICE, message_per_second=1, message_burst=10)
    desk = Desk(core)
    assert [desk.why(ALICE, BUY, 100, 1, at=SECOND) for _ in range(9)] == [""] * 7 + ["RATE_MESSAGES"] * 2
    assert _core.REASONS[core.amend(SECOND, 1, 0, 99, 1)] == "RATE_MESSAGES"
    assert [core.cancel(SECOND, n) for n in (1, 2, 3, 4, 5)] == [0] * 5  # even where the bucket is empty
    assert desk.why(ALICE, BUY, 100, 1, at=4 * SECOND) == "RATE_MESSAGES"
    assert desk.why(ALICE, BUY, 100, 1, at=5 * SECOND) == ""


def test_the_same_order_twice_in_a_moment_is_refused_unless_it_is_meant():
    core = make_core()
    set_limits(core, ALICE, duplicate_ms=1000)
    desk = Desk(core)
    assert desk.why(ALICE, BUY, 100, 1, at=SECOND) == ""
    assert desk.why(ALICE, BUY, 100, 1, at=2 * SECOND - 1) == "DUPLICATE_ORDER"
    assert read(core.reports())[-1].value == 1  # ns to wait
    assert desk.why(ALICE, BUY, 100, 1, at=2 * SECOND - 1, flags=_core.FLAG_ALLOW_DUPLICATE) == ""
    assert desk.why(ALICE, BUY, 101, 1, at=2 * SECOND) == ""
    assert desk.why(ALICE, BUY, 100, 2, at=2 * SECOND) == ""
    assert desk.why(ALICE, SELL, 200, 1, at=2 * SECOND) == ""
    assert desk.why(BOB, BUY, 100, 1, at=2 * SECOND) == ""


def test_orders_that_wait_for_different_prices_are_no_duplicates():
    core = make_core()
    set_limits(core, ALICE, duplicate_ms=1000)
    desk = Desk(core)
    for type, words in ((_core.TYPE_STOP, ("stop", 110, 111)), (_core.TYPE_TRAILING_STOP, ("trail", 5, 6))):
        name, first, second = words
        start = {"stop": 110} if name == "trail" else {}
        assert desk.why(ALICE, BUY, 0, 1, at=SECOND, type=type, **start, **{name: first}) == ""
        assert desk.why(ALICE, BUY, 0, 1, at=SECOND, type=type, **start, **{name: second}) == ""
        assert desk.why(ALICE, BUY, 0, 1, at=SECOND, type=type, **start, **{name: first}) == "DUPLICATE_ORDER"


def test_a_quantity_has_a_cap_of_its_own():
    core = make_core(base_unit=10)
    set_limits(core, ALICE, quantity_max=59)
    desk = Desk(core)
    assert [desk.why(ALICE, BUY, 100, 6), desk.why(ALICE, BUY, 100, 5)] == ["QTY_MAX", ""]


def test_what_no_limit_can_be_is_refused_and_changes_nothing():
    core = make_core()
    before = core.hash()
    for scope, key, limits in [
        (_core.SCOPE_ACCOUNT, ALICE, {"self_trade": 3}),
        (_core.SCOPE_ACCOUNT, ALICE, {"executions_max": 65}),
        (_core.SCOPE_ACCOUNT, ALICE, {"notional_max": -1}),
        (_core.SCOPE_ACCOUNT, 9, {"notional_max": 1}),
        (_core.SCOPE_GLOBAL, 0, {"daily_loss_bp": 1}),
        (_core.SCOPE_POSITION, 1, {"notional_max": 1}),
    ]:
        with pytest.raises(_core.CoreError):
            core.set_limits(scope, key, **limits)
    with pytest.raises(TypeError, match="no limit nothing"):
        core.set_limits(_core.SCOPE_GLOBAL, 0, nothing=1)
    assert core.hash() == before


def test_limits_and_their_counts_outlive_a_checkpoint():
    core = make_core()
    set_instrument(core, 2)
    set_limits(core, ALICE, duplicate_ms=1000, message_per_second=1, message_burst=10)
    for scope, key in SCOPES:
        core.set_limits(scope, key, open_orders_max=2, rate_per_second=1, rate_burst=5)
    assert [keyed(core, 1), keyed(core, 2, 99)] == ["", ""]
    again = _core.Core()
    again.restore(core.checkpoint())
    again.rebuild_books()
    again.verify()
    assert again.hash() == core.hash()
    for one in (core, again):
        assert keyed(one, 3, 98) == "OPEN_ORDERS_MAX"
        one.cancel(2, 1)
        assert keyed(one, 4) == "DUPLICATE_ORDER"
    assert again.hash() == core.hash()
