"""What an account is worth: marks and rates told as events, never a guess where one is missing."""

from __future__ import annotations

import pytest

from orders._core import Core, CoreError
from tests.orders.core_cast import (
    ALICE,
    BOB,
    BTC,
    BTC_USDT,
    BUY,
    SELL,
    USDT,
    Desk,
    make_core,
    set_instrument,
    set_limits,
)

EUR, IDR, TKO, SIM = 3, 4, 5, 1
SECOND = 10**9


def worth(core: Core, account: int = ALICE) -> tuple[bool, int | None, int | None, int | None, int]:
    return core.equity(account)


def funded(**spec: int) -> Core:
    """Alice has 3 BTC and 1,000 USDT and counts in USDT; a mark of BTC is good for two seconds."""
    core = make_core(rich=False, stale_after_ns=2 * SECOND, **spec)
    core.set_account(ALICE, owner=ALICE, exchange=SIM, reporting_asset=USDT)
    core.post(ALICE, BTC, 3)
    core.post(ALICE, USDT, 1000)
    return core


def test_without_a_mark_the_worth_is_unknown() -> None:
    assert worth(funded()) == (False, None, None, None, 0)


def test_what_was_brought_is_no_profit() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, SECOND)
    assert worth(core) == (True, 1300, 0, 1300, 1300)
    core.mark(BTC_USDT, 110, 2 * SECOND)
    assert worth(core) == (True, 1330, 0, 1330, 1300)  # 30 gained: equity less day_open less flows


def test_a_withdrawal_is_no_drawdown() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, SECOND)
    core.post(ALICE, USDT, -900)
    assert worth(core) == (True, 400, 0, 400, 400)


def test_funding_of_a_contract_is_profit_or_loss() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, SECOND)
    core.post(ALICE, USDT, -50, flow=False)
    assert worth(core) == (True, 1250, 0, 1300, 1300)


def test_a_day_begins_with_what_there_is() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, SECOND)
    core.day_open(86_400 * SECOND)
    core.mark(BTC_USDT, 90, 2 * SECOND)
    assert worth(core) == (True, 1270, 1300, 1300, 0)


def test_a_stale_mark_makes_the_worth_unknown_until_a_new_one() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, SECOND)
    core.marks(3 * SECOND, [])
    assert worth(core)[0]
    core.marks(3 * SECOND + 1, [])
    assert worth(core)[:2] == (False, None)
    core.marks(4 * SECOND, [(BTC_USDT, 201, 2)])
    assert worth(core)[:2] == (True, 1302)  # three at 100.5, a half to the even one


def test_an_older_mark_changes_nothing() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, 2 * SECOND)
    core.mark(BTC_USDT, 999, SECOND)
    assert worth(core)[1] == 1300


def test_conversion_is_direct_then_inverse_then_through_a_bridge_then_through_its_own_market() -> None:
    core = funded()
    core.set_bridges(USDT, 0, BTC)
    core.rate(EUR, USDT, 11, 10, SECOND)
    core.rate(BTC, USDT, 100, 1, SECOND)
    core.rate(BTC, IDR, 5000, 1, SECOND)
    core.rate(TKO, IDR, 10, 1, SECOND)
    assert core.convert(ALICE, EUR, USDT, 10) == 11
    assert core.convert(ALICE, USDT, EUR, 11) == 10
    assert core.convert(ALICE, BTC, EUR, 11) == 1000  # through USDT
    assert core.convert(ALICE, EUR, IDR, 1000) == 55_000  # through USDT there is none, through BTC: 11
    assert core.convert(ALICE, TKO, USDT, 500) == 100  # rupiah, BTC, dollars
    assert core.convert(ALICE, 99, USDT, 1) is None


def test_an_account_asks_its_own_exchange_first() -> None:
    core = funded()
    core.rate(BTC, USDT, 500, 1, SECOND, source=2)
    assert core.convert(ALICE, BTC, USDT, 1) == 500
    core.mark(BTC_USDT, 100, SECOND)
    assert core.convert(ALICE, BTC, USDT, 1) == 100
    core.rate(BTC, USDT, 500, 1, 5 * SECOND, source=2)
    assert core.convert(ALICE, BTC, USDT, 1) == 500  # its own is stale


@pytest.mark.parametrize(("num", "den"), [(0, 1), (1, 0), (-1, 1), (10**36 + 1, 1)])
def test_a_rate_that_is_no_rate_is_refused(num: int, den: int) -> None:
    with pytest.raises(CoreError, match="a rate must be"):
        funded().rate(EUR, USDT, num, den, SECOND)


def test_worth_survives_a_checkpoint_and_a_fork() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, SECOND)
    core.day_open(5)
    core.set_bridges(USDT, 0, BTC)
    core.rate(EUR, USDT, 11, 10, SECOND, source=7, stale_after_ns=9)
    core.post(ALICE, IDR, 7)  # of unknown worth: the flow waits
    again = Core()
    again.restore(core.checkpoint())
    fork = core.fork()
    for one in (again, fork):
        assert one.hash() == core.hash()
        assert worth(one) == worth(core)
    for one in (core, again, fork):
        one.rate(IDR, USDT, 10, 1, SECOND)
        assert worth(one) == (True, 1370, 1300, 1370, 70)
        assert one.hash() == core.hash()


def test_trading_moves_worth_only_when_marks_come() -> None:
    core = funded()
    set_limits(core, BOB)
    core.post(BOB, BTC, 10)
    core.mark(BTC_USDT, 100, SECOND)
    desk = Desk(core)
    desk.place(BOB, SELL, 90, 5)
    desk.place(ALICE, BUY, 90, 5)
    assert worth(core)[1] == 1300
    core.mark(BTC_USDT, 100, SECOND)
    assert worth(core)[1] == 1350


def test_new_steps_forget_the_mark_in_old_ticks() -> None:
    core = funded()
    core.mark(BTC_USDT, 100, SECOND)
    set_instrument(core, stale_after_ns=2 * SECOND, base_unit=1, quote_unit=2, spec_version=2)
    core.mark(BTC_USDT, 100, SECOND)
    assert worth(core)[1] == 1600
