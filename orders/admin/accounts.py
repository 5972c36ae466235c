"""Accounts: their paper money, their own limits, a reset; what they hold and what their trading left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path

from marketdata.models import Asset
from marketdata.precision import decimal_text
from orders.admin.base import Obeyed, OwnerScoped, note, ring, scoped
from orders.admin.limits import LimitInline
from orders.models import Account, Balance, Funding, LimitProfile, Position
from orders.shapes import mean_price_text

PAPER = (Account.Kind.PAPER, Account.Kind.SIMULATED)
ROWS_A_PAGE = 100


class FundingInline(admin.TabularInline):
    """Paper money: what an account opens with, what is added or taken later. A row once posted is history."""

    model = Funding
    extra = 0
    fields = ("kind", "asset", "amount", "applied", "created_at")
    readonly_fields = ("applied", "created_at")
    verbose_name_plural = "Paper money"

    @admin.display(description="Posted")
    def applied(self, funding: Funding) -> str:
        if funding.refused:
            return f"refused: {funding.refused}"
        return "yes" if funding.applied_seq is not None else "within a second, while an engine runs"

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "kind":
            kwargs["choices"] = [choice for choice in Funding.Kind.choices if choice[0] != Funding.Kind.RESET]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_extra(self, request: HttpRequest, obj: Account | None = None, **kwargs: Any) -> int:
        return 1 if obj is None else 0

    def has_add_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return (obj is None or obj.kind in PAPER) and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class AccountForm(ModelForm):
    """A second default account of an exchange is told in a sentence, not by the database."""

    class Meta:
        model = Account
        fields = ("owner", "name", "exchange", "profile", "reporting_asset", "margin", "is_default")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if 0 < (data.get("margin") or 0) < 10_000:
            self.add_error(
                "margin", "Leverage is in basis points: 10000 is none, 20000 twice the account's worth; 0 is cash."
            )
        owner = data.get("owner") or getattr(self.instance, "owner", None) if self.instance.pk else data.get("owner")
        exchange = self.instance.exchange if self.instance.pk else data.get("exchange")
        if data.get("is_default") and owner and exchange:
            others = Account.objects.filter(owner=owner, exchange=exchange, is_default=True).exclude(
                pk=self.instance.pk
            )
            if found := others.first():
                self.add_error("is_default", f"{found} is the default account on {exchange}; take it from there first.")
        return data


@admin.register(Account)
class AccountAdmin(Obeyed, OwnerScoped):
    """Accounts. Where one trades, and whether with real money, is decided once, when it is made."""

    form = AccountForm
    list_display = ("name", "owner", "exchange", "kind", "profile", "is_default", "state")
    list_filter = ("kind", "exchange", "profile")
    search_fields = ("name", "owner__name")
    list_select_related = ("owner", "exchange", "profile")
    readonly_fields = ("kind", "state", "armed_until", "created_at")
    inlines = (FundingInline, LimitInline)
    actions = ("reset",)
    change_list_template = "admin/orders/account/list.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, "owner", "exchange") if obj is not None else self.readonly_fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        usdt = Asset.objects.filter(code="USDT").first()
        paper = LimitProfile.objects.filter(name="paper").first()
        return {"reporting_asset": usdt and usdt.pk, "profile": paper and paper.pk}

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        if not change:
            obj.kind = Account.kind_on(obj.exchange, obj.owner)
        super().save_model(request, obj, form, change)
        note(request, "account.change" if change else "account.add", obj.name, obj.owner, fields=form.changed_data)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        if formset.model is Funding:
            for row in formset.save(commit=False):
                row.owner = form.instance.owner
        super().save_formset(request, form, formset, change)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description="Reset to the opening paper balances", permissions=["change"])
    def reset(self, request: HttpRequest, accounts: QuerySet[Account]) -> None:
        """Cancels their orders, closes their books to zero and posts their opening money again."""
        real = [account.name for account in accounts if account.kind not in PAPER]
        if real:
            self.message_user(request, f"{', '.join(real)} hold real money; nothing was reset.", messages.ERROR)
            return
        with transaction.atomic():
            for account in accounts:
                Funding.objects.create(owner=account.owner, account=account, kind=Funding.Kind.RESET)
                note(request, "account.reset", account.name, account.owner)
            transaction.on_commit(ring)
        names = ", ".join(account.name for account in accounts)
        self.message_user(request, f"{names}: orders are canceled and the opening money is posted within a second.")

    def get_urls(self) -> list[Any]:
        held = path("balances/", self.admin_site.admin_view(self.balances), name="orders_balances")
        left = path("positions/", self.admin_site.admin_view(self.positions), name="orders_positions")
        return [held, left, *super().get_urls()]

    def balances(self, request: HttpRequest) -> HttpResponse:
        """What accounts hold. Its table has a key of two columns, which the admin's own pages cannot show."""
        rows = scoped(Balance.objects.all(), request, "owner").select_related("account", "owner", "asset")
        heads = ("Account", "Owner", "Asset", "Total", "Used", "Free", "As of")
        return self._table(
            request,
            "Balances",
            heads,
            rows.order_by("account_id", "asset_id"),
            lambda row: (
                row.account.name,
                row.owner.name,
                row.asset.code,
                decimal_text(row.total),
                decimal_text(row.used),
                decimal_text(row.total - row.used),
                row.as_of_seq,
            ),
        )

    def positions(self, request: HttpRequest) -> HttpResponse:
        """What trading left."""
        rows = scoped(Position.objects.all(), request, "owner").select_related(
            "account", "owner", "instrument__exchange"
        )
        heads = ("Account", "Owner", "Instrument", "Strategy", "Quantity", "Average", "Realised", "Fees", "As of")
        return self._table(
            request,
            "Positions",
            heads,
            rows.order_by("account_id", "instrument_id", "strategy_id"),
            lambda row: (
                row.account.name,
                row.owner.name,
                str(row.instrument),
                row.strategy_id or "by hand",
                decimal_text(row.quantity),
                mean_price_text(row.cost, row.quantity) or "-",
                decimal_text(row.realised),
                decimal_text(row.fees),
                row.as_of_seq,
            ),
        )

    def _table(self, request: HttpRequest, title: str, heads: Iterable[str], rows: Any, shown: Any) -> HttpResponse:
        if not self.has_view_permission(request):
            return HttpResponse("You may not see this.", status=403)
        page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.model._meta,
            "heads": heads,
            "rows": [shown(row) for row in page],
            "page": page,
        }
        return TemplateResponse(request, "admin/orders/table.html", context)
