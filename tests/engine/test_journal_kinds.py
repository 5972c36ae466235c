"""Everything that ever changes the account half is in the journal, every kind of entry and every call: played again it is equal."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import psycopg

from marketdata.models import Instrument
from orders import _core, messages, services
from orders._core import Core
from orders.engine import journal
from orders.engine.service import database
from orders.ids import body_hash
from orders.models import Fill, Funding, Journal, Order, RiskLimit
from orders.simulator import AGENT_BIT

CALLS = {
    "set_instrument", "set_account", "set_limits", "set_halt", "post", "reset_account", "set_bridges", "marks", "day_open",
}  # fmt: skip


def test_a_story_with_everything_in_it_plays_again_to_the_same_state(engine: Any) -> None:
    _commands(engine)
    _told_fill(engine)
    _agents_trade(engine)
    _world_changes(engine)
    engine.ask(engine.place("buy", "0.01", "50000"))
    kinds, calls, commands = set(), set(), set()
    for kind, payload in Journal.objects.order_by("seq").values_list("kind", "payload"):
        kinds.add(kind)
        if kind == journal.TOLD:
            calls.add(json.loads(bytes(payload))[0])
        elif kind == journal.COMMAND:
            commands.add(type(messages.decode(journal._unpack_command.decode(bytes(payload))[0])))
    assert kinds == {journal.COMMAND, journal.MARKET, journal.TOLD, journal.EPOCH}
    assert calls == CALLS
    assert commands == {messages.Place, messages.Amend, messages.Cancel, messages.CancelAll, messages.ExchangeReport}
    before = engine.core.hash()
    assert _played_again() == before
    engine.restart()
    assert engine.core.hash() == before
    engine.core.verify()


def _played_again() -> int:
    core = Core()
    with psycopg.connect(database()) as link:
        for kind, payload in link.execute("SELECT kind, payload FROM orders_journal ORDER BY seq"):
            journal.replay(core, kind, bytes(payload))
    return core.hash()


def _commands(engine: Any) -> None:
    """Placed, refused, amended, canceled, swept, and one too old to be decided."""
    account = engine.cast.account
    who = {"owner_id": account.owner_id, "account_ids": [account.pk]}
    assert engine.ask(engine.place("buy", "0.02"))[0] == 201
    assert engine.ask(engine.place("sell", "9", "70000"))[0] == 422
    first = engine.ask(engine.place("buy", "0.01", "50000"))[1]
    amend = messages.Amend(**who, request_id="amend", body_hash=body_hash("amend"), id=first["id"], price="49000")
    assert engine.ask(amend)[0] == 200
    assert engine.ask(engine.cancel(first["id"]))[0] == 200
    engine.ask(engine.place("buy", "0.01", "50000"))
    assert len(engine.ask(messages.CancelAll(**who))[1]["results"]) == 1
    assert engine.ask(engine.place("buy", "0.01", "50000"), age_ms=6000)[0] == 422


def _told_fill(engine: Any) -> None:
    """The exchange tells of a trade whose report was lost, and that the order is over."""
    account = engine.cast.account
    order = engine.ask(engine.place("buy", "0.02", "60000"))[1]
    trade = messages.ReportedFill("900000001", 6_000_000, 500, True)
    told = messages.ExchangeReport(
        owner_id=account.owner_id, account_id=account.pk, id=order["id"], fills=[trade], closed="4"
    )
    status, body, _ = engine.ask(told)
    assert (status, body["status"], body["filled_quantity"]) == (200, "canceled", "0.005")


def _agents_trade(engine: Any) -> None:
    """An agent takes an order of ours: a decision of the market half alone."""
    ask = engine.core.best(engine.cast.btc.pk)[2]
    order = engine.ask(engine.place("sell", "0.01", str(Decimal(ask - 1) / 100)))[1]
    reason = engine.core.place(
        engine.service.chain.seq, AGENT_BIT | 12345, 0, engine.cast.btc.pk, 1, _core.SIDE_BUY, _core.TYPE_LIMIT,
        _core.TIF_IOC, _core.FLAG_AGENT, 0, ask - 1, 1000,
    )  # fmt: skip
    assert reason == 0
    engine.turn()
    assert Order.objects.get(id=order["id"]).status == "filled" and Fill.objects.filter(order_uuid=order["id"]).exists()


def _world_changes(engine: Any) -> None:
    """Specs, limits, halts and money."""
    account = engine.cast.account
    Instrument.objects.filter(pk=engine.cast.shib.pk).update(notional_min=Decimal(2))
    RiskLimit.objects.create(account=account, code="open_orders_max", value=Decimal(77))
    services.set_halt("account", "other", "halted", by="test", owner=engine.cast.other)
    engine.turn()
    Funding.objects.create(owner=account.owner, account=account, kind="reset")
    engine.turn()
