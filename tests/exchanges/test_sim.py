"""The simulated exchange tells what its books and its tape hold, also when the account half believes something else."""

from __future__ import annotations

import pytest

from orders import _core, caller, messages
from orders.exchanges.base import ExchangeError, ExchangeRequest
from orders.exchanges.inside import trade_id
from orders.exchanges.sim import RemoteSimExchange, SimExchange
from tests.orders.simulations import BTC, INSTRUMENTS, USER, World


class Sim:
    """The exchange in its engine, and the same one from outside."""

    def __init__(self) -> None:
        self.world = World(INSTRUMENTS[0])
        self.world.run(50)
        self.inside = SimExchange(self.world.core, self.world.simulator)
        self.outside = RemoteSimExchange(lambda query: messages.Reply(200, {}, self.inside.answer(query)))

    def request(self, number: int, ticks: int, lots: int, side: str = "buy", tif: str = "gtc") -> ExchangeRequest:
        return ExchangeRequest(
            number=number, client_id=f"c{number}", account_id=USER, instrument_id=BTC, spec_version=1, side=side,
            type="limit", time_in_force=tif, price_ticks=ticks, quantity_lots=lots, at_ns=self.world.now_ns,
        )  # fmt: skip


@pytest.fixture
def sim() -> Sim:
    return Sim()


def test_a_submitted_order_stands_and_is_told(sim: Sim) -> None:
    ticks = int(sim.world.mid(BTC) * 0.97)
    assert sim.inside.submit(sim.request(5, ticks, 100)) == "5"
    for port in (sim.inside, sim.outside):
        order = port.fetch_order(USER, "5")
        assert order is not None
        assert (order.open, order.price_ticks, order.remaining_lots, order.filled_lots) == (True, ticks, 100, 0)
        assert port.open_orders(USER) == [order]


def test_a_canceled_order_is_not_known_any_more(sim: Sim) -> None:
    sim.inside.submit(sim.request(5, 6_000_000, 100))
    sim.inside.cancel(USER, "5", sim.world.now_ns)
    assert sim.outside.fetch_order(USER, "5") is None
    assert sim.outside.open_orders(USER) == []


def test_an_amended_order_is_told_as_it_stands_now(sim: Sim) -> None:
    sim.inside.submit(sim.request(5, 6_000_000, 100))
    sim.inside.amend(USER, "5", 6_010_000, 70, sim.world.now_ns)
    order = sim.outside.fetch_order(USER, "5")
    assert order is not None
    assert (order.price_ticks, order.remaining_lots) == (6_010_000, 70)


def test_fills_are_told_with_price_side_liquidity_and_id(sim: Sim) -> None:
    ask, lots = sim.world.core.depth(BTC, 1)[1][0]
    sim.inside.submit(sim.request(5, ask, lots, tif="ioc"))
    for port in (sim.inside, sim.outside):
        fills = port.fills(USER, "5")
        assert sum(fill.quantity_lots for fill in fills) == lots
        assert {(fill.price_ticks, fill.side, fill.maker) for fill in fills} == {(ask, "buy", False)}
        trades = sim.world.simulator.tape.of_order(5)
        assert [fill.exchange_trade_id for fill in fills] == [trade_id(trade.trade_no) for trade in trades]
        assert port.fills(USER, "5", since_ns=sim.world.now_ns + 1) == []


def test_a_withheld_report_does_not_hide_the_fill(sim: Sim) -> None:
    ask, lots = sim.world.core.depth(BTC, 1)[1][0]
    sim.world.core.fail_at("market.report", 1)
    sim.inside.submit(sim.request(5, ask, lots + 50))
    believed = sim.world.core.order(5)
    assert believed is not None
    assert believed["filled_lots"] < lots
    order = sim.outside.fetch_order(USER, "5")
    assert order is not None
    assert (order.remaining_lots, order.filled_lots) == (50, lots)


def test_many_orders_are_told_in_one_question(sim: Sim) -> None:
    ask, lots = sim.world.core.depth(BTC, 1)[1][0]
    sim.inside.submit(sim.request(5, 6_000_000, 100))
    sim.inside.submit(sim.request(6, ask, lots))
    there, filled, unknown = sim.outside.fetch_orders(USER, ["5", "6", "99"])
    assert there.order is not None
    assert there.order.open
    assert there.fills == ()
    assert filled.order is not None
    assert not filled.order.open
    assert sum(fill.quantity_lots for fill in filled.fills) == lots
    assert (unknown.order, unknown.fills) == (None, ())


def test_a_refusal_names_the_cores_reason(sim: Sim) -> None:
    with pytest.raises(ExchangeError, match="BALANCE_INSUFFICIENT") as refusal:
        sim.inside.submit(sim.request(5, 6_000_000, 10**16))
    assert refusal.value.outcome_known
    with pytest.raises(ExchangeError, match="ORDER_UNKNOWN"):
        sim.inside.cancel(USER, "77", sim.world.now_ns)


def test_orders_do_not_go_in_from_outside_the_engine(sim: Sim) -> None:
    with pytest.raises(ExchangeError, match="nothing was sent"):
        sim.outside.submit(sim.request(5, 6_000_000, 100))


def test_an_engine_that_does_not_answer_is_not_an_unknown_order() -> None:
    def silence(query: messages.Query) -> messages.Reply:
        raise caller.NoAnswer

    with pytest.raises(ExchangeError, match="ask again"):
        RemoteSimExchange(silence).fetch_order(USER, "5")
    with pytest.raises(ExchangeError, match="503"):
        RemoteSimExchange(lambda query: messages.Reply(503, {}, b"")).fetch_order(USER, "5")


def test_users_who_meet_each_other_both_have_the_trade(sim: Sim) -> None:
    core = sim.world.core
    core.set_account(2, owner=2)
    core.set_limits(_core.SCOPE_ACCOUNT, 2, self_trade=1)
    core.post(2, 1, 10**33)
    bid, _, ask, _ = core.best(BTC)
    assert bid is not None
    assert ask is not None
    middle = (bid + ask) // 2
    sim.inside.submit(sim.request(5, middle, 100))
    core.place(sim.world.now_ns, 6, 2, BTC, 1, _core.SIDE_SELL, _core.TYPE_LIMIT, _core.TIF_IOC, 0, 0, middle, 100)
    (bought,), (sold,) = sim.outside.fills(USER, "5"), sim.outside.fills(2, "6")
    assert bought.exchange_trade_id == sold.exchange_trade_id
    assert (bought.side, bought.maker, sold.side, sold.maker) == ("buy", True, "sell", False)
