"""The operator's console for strategies: set up, start, stop; what the runs wished, thought and are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html, format_html_join

from marketdata import clock
from orders.admin.base import OwnerScoped, ReadOnly, note, scoped
from orders.models import Account
from strategies import services
from strategies.domain import Kind, Parameter
from strategies.library import STRATEGIES
from strategies.models import Intent, Run, Signal, StrategyConfig

PREFIX = "parameter_"
FIXED = ("slug", "strategy", "account", "instrument")  # a run, its orders and its position hang on them


class ConfigForm(forms.ModelForm):
    """A configuration with its parameters as fields of their own, checked as the host checks them."""

    class Meta:
        model = StrategyConfig
        fields = ("slug", "title", "strategy", "account", "instrument", "interval")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in (self.instance.parameters or {}).items():
            if PREFIX + name in self.fields:
                self.fields[PREFIX + name].initial = value

    def clean(self) -> dict[str, Any]:
        """Everything that would stop it from running is said here, at its field."""
        data = super().clean() or self.cleaned_data
        given = {name.removeprefix(PREFIX): value for name, value in data.items() if name.startswith(PREFIX)}
        fields = {name: data.get(name, getattr(self.instance, name, None)) for name in ("strategy", "interval")}
        account, instrument = self._picked(data, "account"), self._picked(data, "instrument")
        if account is None or instrument is None or any(name.startswith(PREFIX) for name in self.errors):
            return data
        candidate = StrategyConfig(
            owner=account.owner, account=account, instrument=instrument, parameters=given, **fields
        )
        try:
            services.check(candidate)
        except services.CannotRun as refusal:
            for name, sentence in refusal.errors.items():
                field = name.replace("parameters.", PREFIX)
                self.add_error(field if field in self.fields else None, ValidationError(sentence))
        self.instance.owner, self.instance.parameters = account.owner, candidate.parameters
        return data

    def _picked(self, data: Mapping[str, Any], name: str) -> Any:
        return data.get(name) or (getattr(self.instance, name) if self.instance.pk else None)


def parameter_field(parameter: Parameter) -> forms.Field:
    """A form's field for a strategy's parameter. The bounds are the parameter's own to check."""
    words: dict[str, Any] = {
        "label": parameter.name.replace("_", " "),
        "help_text": parameter.help,
        "initial": parameter.default,
        "required": parameter.default is None,
    }
    if parameter.kind is Kind.FLAG:
        return forms.BooleanField(**{**words, "required": False, "initial": parameter.default == "true"})
    if parameter.kind is Kind.CHOICE:
        return forms.ChoiceField(choices=[(choice, choice) for choice in parameter.choices], **words)
    return forms.CharField(**words)


@admin.register(StrategyConfig)
class StrategyConfigAdmin(OwnerScoped):
    """Strategies: set up, started, stopped."""

    change_form_template = "admin/strategies/strategyconfig/change_form.html"
    list_display = ("slug", "title", "strategy", "account", "instrument", "interval", "wanted", "run_state", "position")
    list_select_related = ("account", "instrument__exchange")
    list_filter = ("strategy", "wanted")
    search_fields = ("slug", "title")
    actions = ("start_selected", "stop_selected")

    def get_form(
        self, request: HttpRequest, obj: StrategyConfig | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """The strategy's parameters are fields of the form."""
        made = {PREFIX + parameter.name: parameter_field(parameter) for parameter in self._parameters(request, obj)}
        kwargs["form"] = type("ConfigForm", (ConfigForm,), made)
        kwargs["fields"] = [
            name for name in ConfigForm.Meta.fields if name not in self.get_readonly_fields(request, obj)
        ]
        return super().get_form(request, obj, change, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: StrategyConfig | None = None) -> Any:
        parameters = [PREFIX + parameter.name for parameter in self._parameters(request, obj)]
        title = "Parameters" if obj is None else "Parameters (a run keeps those it began with)"
        shown = [(None, {"fields": ConfigForm.Meta.fields}), (title, {"fields": parameters})]
        return shown if obj is None else [("Run", {"fields": ("running",)}), *shown]

    def get_readonly_fields(self, request: HttpRequest, obj: StrategyConfig | None = None) -> Any:
        return () if obj is None else (*FIXED, "running")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "account":
            accounts = Account.objects.filter(kind__in=services.ACCOUNT_KINDS)
            kwargs["queryset"] = scoped(accounts, request, "owner")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: StrategyConfig | None = None) -> bool:
        """What has run is history: it can be stopped, not removed."""
        return obj is not None and not obj.runs.exists() and super().has_delete_permission(request, obj)

    def response_change(self, request: HttpRequest, obj: StrategyConfig) -> HttpResponse:
        """The two buttons, after the page was saved."""
        if "_start" in request.POST:
            self._start(request, obj)
        elif "_stop" in request.POST:
            self._stop(request, obj)
        else:
            return super().response_change(request, obj)
        return HttpResponseRedirect(request.path)

    @admin.action(description="Start the selected strategies")
    def start_selected(self, request: HttpRequest, chosen: QuerySet[StrategyConfig]) -> None:
        for config in chosen.select_related("owner", "account__exchange", "instrument__exchange"):
            self._start(request, config)

    @admin.action(description="Stop the selected strategies and cancel their orders")
    def stop_selected(self, request: HttpRequest, chosen: QuerySet[StrategyConfig]) -> None:
        for config in chosen:
            self._stop(request, config)

    @admin.display(description="run")
    def run_state(self, config: StrategyConfig) -> str:
        """The newest run's state, or why there is none."""
        run = config.runs.first()
        return run.state if run is not None else config.note or "never started"

    @admin.display(description="position")
    def position(self, config: StrategyConfig) -> str:
        """What the strategy holds, as its newest run knows it."""
        run = config.runs.first()
        return str(run.position.get("quantity", "0")) if run is not None else "0"

    @admin.display(description="Newest run")
    def running(self, config: StrategyConfig) -> str:
        """What the newest run is doing, in lines."""
        run = config.runs.first()
        return described(config, run) if run is not None else format_html("{}", config.note or "It was never started.")

    def _start(self, request: HttpRequest, config: StrategyConfig) -> None:
        try:
            services.start(config)
        except services.CannotRun as refusal:
            self.message_user(request, f"{config.slug} was not started: {refusal}", messages.ERROR)
            return
        note(request, "strategy.start", config.slug, config.owner, parameters=config.parameters)
        self.message_user(request, f"{config.slug} starts within a second, while a strategy worker runs.")

    def _stop(self, request: HttpRequest, config: StrategyConfig) -> None:
        services.stop(config)
        note(request, "strategy.stop", config.slug, config.owner)
        self.message_user(request, f"{config.slug} stops: its open orders are canceled, its position stays.")

    @staticmethod
    def _parameters(request: HttpRequest, obj: StrategyConfig | None) -> tuple[Parameter, ...]:
        word = obj.strategy if obj is not None else request.POST.get("strategy") or request.GET.get("strategy")
        return STRATEGIES.get(word or "", next(iter(STRATEGIES.values()))).parameters


def described(config: StrategyConfig, run: Run) -> str:
    """A run in lines: where it stands and what a person should know."""
    refusal = run.last_refusal or {}
    lines = {
        "State": run.state if run.state in Run.LIVE or config.note == "" else f"{run.state}. {config.note}",
        "Run": run.key,
        "Since": clock.iso(run.started_at),
        "Newest kline": clock.iso(run.kline_cursor) if run.kline_cursor else "none yet",
        "Events": run.events,
        "Position": run.position.get("quantity", "0"),
        "Klines missed": run.klines_missed,
        "Note": run.note,
        "Newest refusal": " ".join(str(refusal[name]) for name in ("at", "code", "message") if name in refusal),
    }
    return format_html_join(
        "", "{}: {}<br>", [(name, value) for name, value in lines.items() if value not in ("", None)]
    )


@admin.register(Run)
class RunAdmin(ReadOnly):
    """Runs, newest first."""

    list_display = ("key", "config", "state", "started_at", "ended_at", "events", "klines_missed", "note")
    list_select_related = ("config",)
    list_filter = ("state", "config")


@admin.register(Intent)
class IntentAdmin(ReadOnly):
    """What runs wished and what became of it."""

    ordering = ("-id",)
    list_display = ("request_id", "run", "kind", "fields", "target", "created_at", "status", "answer", "ended")
    list_select_related = ("run__config",)
    list_filter = ("kind", "ended", "run__config")
    search_fields = ("request_id",)


@admin.register(Signal)
class SignalAdmin(ReadOnly):
    """What strategies thought."""

    list_display = ("at", "run", "side", "price", "note")
    list_select_related = ("run__config",)
    list_filter = ("side", "run__config")
