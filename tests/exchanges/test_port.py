"""Every exchange stands behind one port: what the table in base.py calls required, each of them answers."""

from __future__ import annotations

import inspect

import pytest

from orders import exchanges
from orders.exchanges import base
from orders.exchanges.base import Exchange, ExchangeError
from orders.exchanges.paper import PaperExchange, RemotePaperExchange
from orders.exchanges.sim import RemoteSimExchange, SimExchange

ADAPTERS = [SimExchange, RemoteSimExchange, PaperExchange, RemotePaperExchange]


def test_the_table_lists_every_method_once() -> None:
    methods = {name for name, _ in inspect.getmembers(Exchange, inspect.isfunction) if not name.startswith("_")}
    assert methods == set(base.REQUIRED) | set(base.OPTIONAL)
    assert set(Exchange.__abstractmethods__) == set(base.REQUIRED)
    for method in methods:
        assert f"| {method} " in (base.__doc__ or "")


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("method", base.REQUIRED)
def test_an_adapter_answers_what_is_required(adapter: type[Exchange], method: str) -> None:
    assert adapter.can(method)
    assert not inspect.isabstract(adapter)


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("method", [*base.REQUIRED, *base.OPTIONAL])
def test_an_adapter_keeps_the_ports_parameters(adapter: type[Exchange], method: str) -> None:
    ours = inspect.signature(getattr(adapter, method))
    assert list(ours.parameters) == list(inspect.signature(getattr(Exchange, method)).parameters)


def test_a_missing_optional_method_says_that_nothing_was_sent() -> None:
    port = exchanges.connect("sim", "simulated")
    assert not port.can("balances")
    with pytest.raises(ExchangeError, match="nothing was sent") as refusal:
        port.balances(1)
    assert refusal.value.outcome_known


@pytest.mark.parametrize(("kind", "port"), [("simulated", RemoteSimExchange), ("paper", RemotePaperExchange)])
def test_an_accounts_kind_decides_what_stands_behind_its_orders(kind: str, port: type[Exchange]) -> None:
    assert type(exchanges.connect("any", kind)) is port


def test_an_exchange_without_order_entry_is_named() -> None:
    with pytest.raises(LookupError, match="kraken"):
        exchanges.connect("kraken", "live")
