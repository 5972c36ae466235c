"""Every exchange stands behind one port: what the table in base.py calls required, each of them answers."""

from __future__ import annotations

import inspect

import pytest

from orders import exchanges
from orders.exchanges import base
from orders.exchanges.base import Exchange, ExchangeError
from orders.exchanges.sim import RemoteSimExchange, SimExchange

ADAPTERS = [SimExchange, RemoteSimExchange]


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
    port = exchanges.connect("sim", "simulator")
    assert not port.can("balances")
    with pytest.raises(ExchangeError, match="nothing was sent") as refusal:
        port.balances(1)
    assert refusal.value.outcome_known


@pytest.mark.parametrize(("name", "source"), [("sim", "simulator"), ("tokocrypto", "simulator"), ("old", "replay")])
def test_an_exchange_is_found_by_its_source(name: str, source: str) -> None:
    assert isinstance(exchanges.connect(name, source), Exchange)


def test_an_exchange_without_order_entry_is_named() -> None:
    with pytest.raises(LookupError, match="kraken"):
        exchanges.connect("kraken", "ccxt")
