"""What people do with strategies: check a configuration, start it, stop it. The host follows the rows."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from marketdata import bus, channels
from orders.models import Account
from strategies.domain import ParametersRefused, parameter_texts, parse_parameters
from strategies.library import STRATEGIES
from strategies.live import market_of
from strategies.models import StrategyConfig

#: Money of nobody: what a strategy may trade with in this release.
ACCOUNT_KINDS = (Account.Kind.PAPER, Account.Kind.SIMULATED)


class CannotRun(ValueError):
    """A configuration that cannot run; `errors` holds a sentence for each field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {sentence.rstrip('.')}." for name, sentence in errors.items()))
        self.errors = errors


def check(config: StrategyConfig) -> None:
    """Raises CannotRun when the configuration does not hold together. Fills the parameters' defaults in."""
    errors = {}
    account, instrument = config.account, config.instrument
    if account.owner_id != config.owner_id:
        errors["account"] = (
            f"{account.name} is not an account of {config.owner}. A strategy trades its owner's money only."
        )
    elif account.kind not in ACCOUNT_KINDS:
        errors["account"] = (
            f"{account.name} is a {account.kind} account; strategies trade paper and simulated accounts only."
        )
    elif account.exchange_id != instrument.exchange_id:
        errors["instrument"] = f"{instrument} is not traded by {account.name}, which is on {account.exchange}."
    kind = STRATEGIES.get(config.strategy)
    if kind is None:
        errors["strategy"] = f'there is no strategy "{config.strategy}"; there are {", ".join(STRATEGIES)}.'
    else:
        try:
            values = parse_parameters(kind.parameters, config.parameters)
            kind(values, market_of(instrument))
            config.parameters = parameter_texts(values)
        except ParametersRefused as refusal:
            errors |= {f"parameters.{name}": sentence for name, sentence in refusal.errors.items()}
    if errors:
        raise CannotRun(errors)


def start(config: StrategyConfig) -> None:
    """Want it running: the host begins a new run within a second. Already running: nothing. Raises CannotRun."""
    check(config)
    idle = StrategyConfig.objects.filter(pk=config.pk, wanted=StrategyConfig.Wanted.STOPPED)
    idle.update(wanted=StrategyConfig.Wanted.RUNNING, start_number=F("start_number") + 1, note="")
    config.refresh_from_db()
    transaction.on_commit(_ring)


def stop(config: StrategyConfig) -> None:
    """Want it stopped: the host withdraws its open orders and ends the run when they have ended; its position stays."""
    StrategyConfig.objects.filter(pk=config.pk).update(wanted=StrategyConfig.Wanted.STOPPED)
    config.refresh_from_db()
    transaction.on_commit(_ring)


def _ring() -> None:
    bus.default().wake(channels.WAKE_STRATEGIES)
