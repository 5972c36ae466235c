"""The `strategies` section of a seed file. What it adds is stopped; a person starts it."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from marketdata import intervals
from marketdata.seeding import Report, SeedError, checked, differs, plain
from marketdata.services import InstrumentUnknown, find_instrument
from orders.models import Account
from strategies.models import StrategyConfig
from strategies.services import CannotRun, check

#: What the demo starts with: one grid, small beside its 100,000 USDT.
DEMO = {
    "slug": "demo-grid",
    "title": "Lazy grid on BTC/USDT",
    "strategy": "grid",
    "symbol": "BTC/USDT",
    "parameters": {"step": "0.1", "step_unit": "percent", "quantity": "0.001"},
}


class Strategies:
    """`strategies`: {slug, account, symbol, strategy, interval, title, parameters}; the owner is the account's."""

    name = "strategies"
    fields = ("title", "strategy", "interval", "parameters")

    def apply(self, rows: Any, report: Report) -> None:
        """Strategies are added and corrected; whether they run is not a seed file's to say."""
        allowed, needed = {"slug", "account", "symbol", *self.fields}, {"slug", "account", "symbol", "strategy"}
        for row in checked(rows, self.name, allowed, needed):
            self._apply(row, report)

    def export(self) -> Any:
        """All strategies."""
        found = StrategyConfig.objects.select_related("account", "instrument")
        return [
            {
                "slug": row.slug,
                "account": row.account.name,
                "symbol": row.instrument.symbol,
                **{name: plain(getattr(row, name)) for name in ("title", "strategy", "interval")},
                "parameters": row.parameters,
            }
            for row in found
        ]

    def _apply(self, row: dict[str, Any], report: Report) -> None:
        label = f"strategy {row['slug']}"
        account = Account.objects.select_related("owner", "exchange").filter(name=row["account"]).first()
        if account is None:
            raise SeedError(f"{label}: there is no account {row['account']}.")
        try:
            instrument = find_instrument(account.exchange.name, row["symbol"])
        except InstrumentUnknown as error:
            raise SeedError(f"{label}: {error}") from error
        config = StrategyConfig.objects.filter(slug=row["slug"]).first() or StrategyConfig(slug=row["slug"])
        wanted = {"owner": account.owner, "account": account, "instrument": instrument}
        wanted |= {"interval": intervals.BASE, "title": "", "parameters": {}}
        wanted |= {name: row[name] for name in self.fields if name in row}
        # YAML's numbers are as good as text here: digit for digit what the file says
        given = {
            name: value if isinstance(value, bool) else str(plain(value))
            for name, value in wanted["parameters"].items()
        }
        candidate = StrategyConfig(slug=row["slug"], **{**wanted, "parameters": given})
        try:
            check(candidate)  # fills the parameters' defaults in
            candidate.clean_fields(exclude=["slug"])
        except (CannotRun, ValidationError) as error:
            raise SeedError(f"{label}: {error}") from error
        wanted["parameters"] = candidate.parameters
        new = config.pk is None
        changed = list(wanted) if new else [name for name, value in wanted.items() if differs(config, name, value)]
        for name in changed:
            setattr(config, name, wanted[name])
        if changed:
            config.save()
            report(f"+ {label}" if new else f"~ {label}: {', '.join(changed)}")


def seed_demo(account: Account) -> None:
    """The demo's grid on this account, stopped; harmless when it is there."""
    Strategies().apply([{**DEMO, "account": account.name}], lambda change: None)
