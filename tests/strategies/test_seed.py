"""Strategies in seed files."""

from __future__ import annotations

import pytest
import yaml

from marketdata import seeding
from strategies.models import StrategyConfig
from strategies.seeding import Strategies, seed_demo
from tests.strategies.stand import make_config

pytestmark = pytest.mark.django_db

ROW = """
strategies:
  - {slug: seeded, account: paper-grid-btc, symbol: BTC/USDT, strategy: grid, parameters: {step: 0.1, quantity: 0.001}}
"""


def test_a_seeded_strategy_is_stopped():
    owner = make_config().owner
    assert seeding.apply(seeding.load(ROW)) == ["+ strategy seeded"]
    config = StrategyConfig.objects.get(slug="seeded")
    assert (config.owner, config.wanted, config.parameters["step"]) == (owner, "stopped", "0.1")


def test_seeding_twice_changes_nothing():
    make_config()
    seeding.apply(seeding.load(ROW))
    assert seeding.apply(seeding.load(ROW)) == []


def test_a_changed_row_is_corrected():
    make_config()
    seeding.apply(seeding.load(ROW))
    assert seeding.apply(seeding.load(ROW.replace("0.001", "0.002"))) == ["~ strategy seeded: parameters"]


def test_a_dry_run_changes_nothing():
    make_config()
    seeding.apply(seeding.load(ROW), dry_run=True)
    assert not StrategyConfig.objects.filter(slug="seeded").exists()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("paper-grid-btc", "nobodys", "no account nobodys"),
        ("BTC/USDT", "BTC/EUR", "BTC/EUR"),
        ("quantity: 0.001", "quantity: 0", "parameters.quantity"),
        ("strategy: grid", "strategy: gird", 'no strategy "gird"'),
    ],
)
def test_a_row_that_cannot_run_is_refused(old: str, new: str, sentence: str):
    make_config()
    with pytest.raises(seeding.SeedError, match=sentence):
        seeding.apply(seeding.load(ROW.replace(old, new)))


def test_what_is_exported_can_be_seeded_again():
    make_config()
    seeding.apply(seeding.load(ROW))
    text = yaml.safe_dump({"strategies": Strategies().export()})
    assert seeding.apply(seeding.load(text)) == ["~ strategy grid-btc: parameters"]  # its defaults are written out


def test_the_demo_has_one_grid_that_waits_for_a_person():
    account = make_config().account
    seed_demo(account)
    seed_demo(account)
    assert StrategyConfig.objects.get(slug="demo-grid").wanted == "stopped"
