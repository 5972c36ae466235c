"""Seed files: what exists, as text that can be applied again and again. Rows are added and corrected, never removed.

A seed file is YAML with one key a section. Sections are classes named, in order, by the setting SEED_SECTIONS, so that
an app to the left adds its own without this one knowing it. Each writes what it changes to `report`, one line a change;
a dry run is the same work rolled back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any, Protocol

import yaml
from django.conf import settings
from django.db import models, transaction
from django.utils.module_loading import import_string

from marketdata import bus, channels, intervals
from marketdata.models import Asset, Exchange, Instrument, Subscription
from marketdata.precision import decimal_text
from marketdata.services import CHANNELS, InstrumentUnknown, find_instrument, ring_subscriptions

DEFAULT_SECTIONS = tuple(
    f"marketdata.seeding.{name}" for name in ("Exchanges", "Assets", "Instruments", "Subscriptions")
)

Report = Callable[[str], None]


class SeedError(Exception):
    """A seed file that cannot be applied; the sentence names the row. Nothing of the file was applied."""


class Section(Protocol):
    """One key of a seed file."""

    name: str

    def apply(self, rows: Any, report: Report) -> None:
        """Bring the database to what the rows say, inside the caller's transaction. SeedError names the row that
        cannot be.
        """

    def export(self) -> Any:
        """The rows that would make this database again."""


class _Loader(yaml.SafeLoader):
    """YAML whose fractions are Decimals, digit for digit."""


_Loader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: Decimal(loader.construct_scalar(node)))


def sections() -> list[Section]:
    """All sections in the order in which they are applied."""
    return [import_string(path)() for path in getattr(settings, "SEED_SECTIONS", DEFAULT_SECTIONS)]


def load(text: str) -> dict[str, Any]:
    """A seed file's content. SeedError when it is none."""
    try:
        data = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise SeedError(f"The file is not YAML: {error}") from error
    if not isinstance(data, dict):
        raise SeedError("A seed file is a mapping of sections, as exchanges, assets, instruments, subscriptions.")
    return data


def apply(data: Mapping[str, Any], dry_run: bool = False) -> list[str]:
    """Apply a seed file as one transaction; the changes, one line each. A dry run changes nothing and says the same."""
    known = sections()
    unknown = sorted(set(data) - {section.name for section in known})
    if unknown:
        names = ", ".join(section.name for section in known)
        raise SeedError(f"There is no section {', '.join(unknown)}; sections are {names}.")
    changes: list[str] = []
    with transaction.atomic():
        for section in known:
            if data.get(section.name) is not None:
                section.apply(data[section.name], changes.append)
        transaction.set_rollback(dry_run)
        if changes and not dry_run:
            transaction.on_commit(ring_subscriptions)
            transaction.on_commit(_ring_control)
    return changes


def export() -> str:
    """This installation as a seed file."""
    data = {section.name: section.export() for section in sections()}
    return yaml.safe_dump({name: rows for name, rows in data.items() if rows}, sort_keys=False, allow_unicode=True)


def _ring_control() -> None:
    bus.default().wake(channels.WAKE_CONTROL)


class Exchanges:
    """`exchanges`: {name, title, source, maker_fee_ppm, taker_fee_ppm, enabled}."""

    name = "exchanges"
    fields = ("title", "source", "maker_fee_ppm", "taker_fee_ppm", "enabled")

    def apply(self, rows: Any, report: Report) -> None:
        """New ones come last in the lists, in the file's order."""
        for row in checked(rows, self.name, {"name", *self.fields}, {"name"}):
            exchange = Exchange.objects.filter(name=row["name"]).first()
            if exchange is None:
                exchange = Exchange(name=row["name"], position=next_position(Exchange.objects.all()))
            write(exchange, row, f"exchange {row['name']}", report)

    def export(self) -> Any:
        """All exchanges."""
        return [
            {"name": row.name, **{name: getattr(row, name) for name in self.fields}} for row in Exchange.objects.all()
        ]


class Assets:
    """`assets`: codes, or {code, scale}."""

    name = "assets"

    def apply(self, rows: Any, report: Report) -> None:
        """Assets that instruments name are also made by themselves; here are those of another scale or in an order
        of their own.
        """
        rows = [{"code": row} if isinstance(row, str) else row for row in rows] if isinstance(rows, list) else rows
        for row in checked(rows, self.name, {"code", "scale"}, {"code"}):
            asset = Asset.objects.filter(code=row["code"]).first() or Asset(code=row["code"])
            write(asset, row, f"asset {row['code']}", report)

    def export(self) -> Any:
        """All assets."""
        return [row.code if row.scale == 18 else {"code": row.code, "scale": row.scale} for row in Asset.objects.all()]


class Instruments:
    """`instruments`: {exchange, symbol, kline_symbol, order_symbol, kind, base, quote, settle, tick_size, lot_size, …,
    simulation}.

    base and quote are read from the symbol when absent. A change of the steps or minimums is a new spec_version.
    """

    name = "instruments"
    spec_fields = ("contract_size", "inverse", "tick_size", "lot_size", "quantity_min", "quantity_max", "notional_min")
    fields = (
        "kline_symbol",
        "order_symbol",
        "kind",
        "expires_at",
        *spec_fields,
        "status",
        "stale_after_ms",
        "simulation",
    )

    def apply(self, rows: Any, report: Report) -> None:
        """New ones come last in their exchange's list, in the file's order."""
        allowed = {"exchange", "symbol", "base", "quote", "settle", *self.fields}
        for row in checked(rows, self.name, allowed, {"exchange", "symbol", "tick_size", "lot_size"}):
            exchange = Exchange.objects.filter(name=row["exchange"]).first()
            if exchange is None:
                raise SeedError(f"instruments: {row['symbol']} is on {row['exchange']}, an exchange nobody seeded.")
            instrument = Instrument.objects.filter(exchange=exchange, symbol=row["symbol"]).first()
            label = f"instrument {exchange.name}:{row['symbol']}"
            if "simulation" in row:
                row["simulation"] = {name: plain(value) for name, value in row["simulation"].items()}
            values = {**row, **self._assets(row, label, report), "exchange": exchange}
            if instrument is None:
                position = next_position(Instrument.objects.filter(exchange=exchange))
                instrument = Instrument(exchange=exchange, symbol=row["symbol"], position=position)
            elif any(differs(instrument, name, values[name]) for name in self.spec_fields if name in values):
                values["spec_version"] = instrument.spec_version + 1
            write(instrument, values, label, report)

    def export(self) -> Any:
        """All instruments."""
        found = Instrument.objects.select_related("exchange", "base", "quote", "settle")
        return [
            {
                "exchange": row.exchange.name,
                "symbol": row.symbol,
                **{name: getattr(row, name).code for name in ("base", "quote", "settle")},
                **{name: plain(getattr(row, name)) for name in self.fields if getattr(row, name) not in (None, "", {})},
            }
            for row in found
        ]

    @staticmethod
    def _assets(row: Mapping[str, Any], label: str, report: Report) -> dict[str, Asset]:
        base, _, quote = str(row["symbol"]).partition(":")[0].partition("/")
        codes = {"base": row.get("base", base), "quote": row.get("quote", quote)}
        codes["settle"] = row.get("settle", codes["quote"])
        if not all(codes.values()):
            raise SeedError(f"{label}: say base and quote, the symbol is not BASE/QUOTE.")
        assets = {}
        for role, code in codes.items():
            assets[role], made = Asset.objects.get_or_create(code=code)
            if made:
                report(f"+ asset {code}")
        return assets


class Subscriptions:
    """`subscriptions`: {exchange, symbol or symbols, interval, channels}; all channels and 1m by default; symbols
    "*" = all there are.
    """

    name = "subscriptions"

    def apply(self, rows: Any, report: Report) -> None:
        """What the feed listens to."""
        for row in checked(rows, self.name, {"exchange", "symbol", "symbols", "interval", "channels"}, {"exchange"}):
            interval, wanted = row.get("interval", intervals.BASE), row.get("channels", list(CHANNELS))
            try:
                intervals.length_ms(interval)
                instruments = [find_instrument(row["exchange"], symbol) for symbol in self._symbols(row)]
            except (ValueError, InstrumentUnknown) as error:
                raise SeedError(f"subscriptions: {error}") from error
            for instrument in instruments:
                found = Subscription.objects.filter(instrument=instrument, interval=interval).first()
                subscription = found or Subscription(instrument=instrument, interval=interval)
                write(subscription, {"channels": wanted}, f"subscription {instrument} {interval}", report)

    def export(self) -> Any:
        """All subscriptions that are on."""
        found = Subscription.objects.filter(enabled=True).select_related("instrument__exchange")
        return [
            {
                "exchange": row.instrument.exchange.name,
                "symbol": row.instrument.symbol,
                "interval": row.interval,
                "channels": row.channels,
            }
            for row in found
        ]

    @staticmethod
    def _symbols(row: Mapping[str, Any]) -> list[str]:
        symbols = row.get("symbols", row.get("symbol"))
        if symbols == "*":
            return list(Instrument.objects.filter(exchange__name=row["exchange"]).values_list("symbol", flat=True))
        if isinstance(symbols, str):
            return [symbols]
        if isinstance(symbols, list):
            return symbols
        raise SeedError(f'subscriptions: say symbol, symbols or symbols: "*" for {row["exchange"]}.')


def next_position(rows: models.QuerySet[Any]) -> int:
    """The place after the last of these rows."""
    last: int | None = rows.aggregate(last=models.Max("position"))["last"]
    return 0 if last is None else last + 1


def checked(rows: Any, section: str, allowed: set[str], needed: set[str]) -> Iterable[dict[str, Any]]:
    """The rows of a section, each a mapping with known fields only. SeedError names the row."""
    if not isinstance(rows, list):
        raise SeedError(f"{section} is a list of rows.")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise SeedError(f"{section}, row {number}: is no mapping.")
        unknown, missing = sorted(set(row) - allowed), sorted(needed - set(row))
        if unknown:
            raise SeedError(
                f"{section}, row {number}: there is no field {', '.join(unknown)}; fields are {', '.join(sorted(allowed))}."
            )
        if missing:
            raise SeedError(f"{section}, row {number}: {', '.join(missing)} must be said.")
        yield row


def write(row: models.Model, values: Mapping[str, Any], label: str, report: Report) -> None:
    """Save a row when it is new or differs, and report how."""
    new = row.pk is None
    changed = [name for name, value in values.items() if new or differs(row, name, value)]
    if not changed:
        return
    before = {name: getattr(row, name, None) for name in changed} if not new else {}
    for name in changed:
        setattr(row, name, values[name])
    try:
        row.clean_fields()
    except Exception as error:
        raise SeedError(f"{label}: {error}") from error
    row.save()
    if new:
        report(f"+ {label}")
        return
    for name in changed:
        report(f"~ {label}: {name} {plain(before[name])} -> {plain(getattr(row, name))}")


def differs(row: models.Model, name: str, value: Any) -> bool:
    """Whether a field holds something else."""
    field = row._meta.get_field(name)
    return bool(getattr(row, name) != field.to_python(value)) if not field.is_relation else getattr(row, name) != value


def plain(value: Any) -> Any:
    """A field's value as YAML writes it."""
    if isinstance(value, Decimal):
        return decimal_text(value)
    return str(value) if isinstance(value, models.Model) else value
