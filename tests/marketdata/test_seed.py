"""manage.py seed: the demo, twice the same, differences first, and back out again."""

from __future__ import annotations

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata import seeding, services
from marketdata.models import Asset, Exchange, Instrument, Subscription
from marketdata.seeding import Report

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("seed", *arguments, stdout=out)
    return out.getvalue()


def seed_text(tmp_path: Path, text: str, *options: str) -> str:
    path = tmp_path / "seed.yaml"
    path.write_text(text)
    return run(str(path), *options)


def test_the_demo_is_seeded_and_the_second_time_changes_nothing() -> None:
    run("demo")
    assert [row.name for row in Exchange.objects.all()][:2] == ["sim", "tokocrypto"]
    first = Instrument.objects.first()
    assert first is not None
    assert (first.exchange.name, first.symbol) == ("sim", "BTC/USDT")
    assert (first.tick_size, first.lot_size) == (Decimal("0.01"), Decimal("0.00001"))
    assert Instrument.objects.filter(exchange__name="sim").count() >= 6
    assert Subscription.objects.count() == Instrument.objects.count()
    assert run("demo") == "Nothing to change: all of it is there.\n"


def test_the_seed_systems_instrument_takes_their_order() -> None:
    run("demo")
    for name in ("TKO/IDR", "TKO_IDR", "tkoidr"):
        tko = services.find_instrument("tokocrypto", name)
        assert tko.symbol == "TKO/IDR"
    price, quantity = Decimal(920), Decimal(30)
    assert price % tko.tick_size == 0
    assert quantity % tko.lot_size == 0
    assert quantity >= tko.quantity_min
    assert price * quantity >= tko.notional_min
    assert tko.exchange.source == "simulator"


def test_a_dry_run_says_the_differences_and_makes_none(tmp_path: Path) -> None:
    run("demo")
    changed = seeding.DEFAULT_SECTIONS and run("--export").replace("tick_size: '0.01'", "tick_size: 0.05", 1)
    said = seed_text(tmp_path, changed, "--dry-run")
    assert "~ instrument sim:BTC/USDT: tick_size 0.01 -> 0.05" in said
    assert "~ instrument sim:BTC/USDT: spec_version 1 -> 2" in said
    assert "2 changes would be made" in said
    assert Instrument.objects.get(exchange__name="sim", symbol="BTC/USDT").tick_size == Decimal("0.01")
    seed_text(tmp_path, changed)
    assert Instrument.objects.get(exchange__name="sim", symbol="BTC/USDT").spec_version == 2


def test_an_export_makes_the_same_installation_again(tmp_path: Path) -> None:
    run("demo")
    exported = run("--export")
    Subscription.objects.all().delete()
    Instrument.objects.all().delete()
    Exchange.objects.all().delete()
    Asset.objects.all().delete()
    seed_text(tmp_path, exported)
    assert run("demo") == "Nothing to change: all of it is there.\n"
    assert run("--export") == exported


def test_fractions_keep_every_digit(tmp_path: Path) -> None:
    seed_text(
        tmp_path,
        "exchanges: [{name: x}]\n"
        "instruments: [{exchange: x, symbol: A/B, tick_size: 0.000000000000000001, lot_size: 1.1}]\n",
    )
    made = Instrument.objects.get()
    assert made.tick_size == Decimal("1E-18")
    assert made.lot_size == Decimal("1.1")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nonsense: []", "There is no section nonsense"),
        ("[1, 2]", "mapping of sections"),
        ("exchanges: {a: 1}", "exchanges is a list"),
        ("exchanges: [{name: x, colour: red}]", "exchanges, row 1: there is no field colour"),
        ("exchanges: [{name: x, source: moon}]", "exchange x:"),
        ("instruments: [{exchange: x, symbol: A/B, tick_size: 1, lot_size: 1}]", "an exchange nobody seeded"),
        ("exchanges: [{name: x}]\ninstruments: [{exchange: x, symbol: A/B, lot_size: 1}]", "tick_size must be said"),
        ("subscriptions: [{exchange: x, symbol: A/B}]", 'no exchange "x"'),
        ("exchanges: [", "not YAML"),
    ],
)
def test_a_wrong_file_changes_nothing_and_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(CommandError) as refused:
        seed_text(tmp_path, text)
    assert said in str(refused.value)
    assert "Nothing was changed" in str(refused.value)
    assert not Exchange.objects.exists()


class Greetings:
    """A section of another app."""

    name = "greetings"
    heard: list[Any] = []

    def apply(self, rows: Any, report: Report) -> None:
        self.heard.extend(rows)
        report("+ greeting")

    def export(self) -> Any:
        return list(self.heard)


def test_other_apps_add_their_sections_by_the_setting(tmp_path: Path, settings: Any) -> None:
    settings.SEED_SECTIONS = [*seeding.DEFAULT_SECTIONS, f"{__name__}.Greetings"]
    assert "+ greeting" in seed_text(tmp_path, "greetings: [hello]")
    assert "greetings:\n- hello" in run("--export")
