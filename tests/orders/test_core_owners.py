"""A person's accounts do not trade with each other, unless their policy lets them: refused, or the older order gives way."""

from __future__ import annotations

import pytest

from orders import _core
from tests.orders.core_cast import ALICE, BOB, BUY, SELL, Desk, make_core, read, set_limits

ALLOW, REJECT_NEWEST, CANCEL_OLDEST = range(3)
CAROL = 3


def house(policy: int) -> Desk:
    """Alice has Bob's account as well; Carol is somebody else."""
    core = make_core()
    core.set_account(BOB, owner=ALICE)
    core.set_account(CAROL, owner=CAROL)
    for account in (ALICE, BOB, CAROL):
        set_limits(core, account, self_trade=policy)
        core.post(account, 1, 10**9)
        core.post(account, 2, 10**9)
    return Desk(core)


def test_none_lets_them_meet():
    desk = house(ALLOW)
    desk.place(ALICE, SELL, 100, 1)
    assert desk.why(BOB, BUY, 100, 1) == ""
    assert desk.core.position(BOB, 1, 0)[0] == 1


def test_reject_newest_refuses_across_accounts_and_only_where_they_would_meet():
    desk = house(REJECT_NEWEST)
    desk.place(ALICE, SELL, 100, 1)
    desk.place(CAROL, SELL, 99, 1)
    assert desk.why(BOB, BUY, 100, 2) == "SELF_TRADE"
    assert desk.why(BOB, BUY, 100, 1) == ""  # Carol's alone
    assert desk.why(BOB, BUY, 100, 1, flags=_core.FLAG_ALLOW_SELF_TRADE) == ""


@pytest.mark.parametrize("kind", [_core.TYPE_LIMIT, _core.TYPE_MARKET])
def test_cancel_oldest_takes_theirs_out_of_the_way(kind: int):
    desk = house(CANCEL_OLDEST)
    desk.place(ALICE, SELL, 99, 3, number=10)
    desk.place(CAROL, SELL, 100, 3, number=11)
    desk.place(ALICE, SELL, 101, 3, number=12)
    desk.core.reports()
    assert desk.why(BOB, BUY, 100, 2, type=kind, number=20) == ""
    told = [(r.order_no, r.exec_type, r.why) for r in read(desk.core.reports())]
    assert told == [(20, "0", ""), (10, "4", "SELF_TRADE"), (20, "F", ""), (11, "F", "")]
    assert desk.core.order(12) is not None  # it was not reached
    desk.core.verify()


def test_a_fill_or_kill_order_counts_without_what_gives_way():
    desk = house(CANCEL_OLDEST)
    desk.place(ALICE, SELL, 99, 3)
    desk.place(CAROL, SELL, 100, 3)
    assert desk.why(BOB, BUY, 100, 4, tif=_core.TIF_FOK) == "FOK_UNFILLABLE"
    assert desk.why(BOB, BUY, 100, 3, tif=_core.TIF_FOK) == ""


def test_a_triggered_stop_is_not_refused_for_meeting_their_own():
    desk = house(REJECT_NEWEST)
    desk.place(CAROL, BUY, 80, 5)
    desk.place(ALICE, BUY, 81, 5, number=10)
    desk.place(BOB, SELL, 0, 2, number=20, type=_core.TYPE_STOP, stop=90)
    desk.core.reports()
    desk.print(90)
    told = [(r.order_no, r.exec_type, r.why) for r in read(desk.core.reports()) if r.account != CAROL]
    assert told == [(20, "L", ""), (10, "4", "SELF_TRADE"), (20, "F", "")]
    desk.core.verify()


def test_an_account_that_gets_another_owner_goes_over_with_its_orders():
    desk = house(REJECT_NEWEST)
    desk.place(ALICE, SELL, 100, 1)
    desk.place(BOB, BUY, 90, 1)
    desk.core.set_account(BOB, owner=CAROL)
    assert desk.why(BOB, BUY, 100, 1) == ""
    desk.place(CAROL, SELL, 101, 1)
    assert desk.why(BOB, BUY, 101, 1) == "SELF_TRADE"
    desk.core.verify()
