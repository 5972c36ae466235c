"""Limit profiles, and limits of single accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ChoiceField, ModelForm
from django.http import HttpRequest

from marketdata.precision import decimal_text
from orders import limits
from orders.admin.base import Obeyed, OwnerScoped, note, scoped
from orders.models import LimitProfile, RiskLimit

OWN_SCOPES = ("owner", "strategy", "key")
NAMELESS = ("global", "owner")


class LimitForm(ModelForm):
    """A limit by its name; things are counted in whole numbers."""

    code = ChoiceField(choices=[(code, f"{code}: {limit.meaning}") for code, limit in limits.LIMITS.items()])

    class Meta:
        model = RiskLimit
        fields = ("code", "value")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        code, value = data.get("code"), data.get("value")
        if code and value is not None:
            try:
                limits.checked(code, value)
            except ValueError as error:
                raise ValidationError({"value": f"It {error}."}) from None
        return data


class LimitInline(admin.TabularInline):
    """Limits; those of an account win over its profile's."""

    model = RiskLimit
    form = LimitForm
    extra = 0


@admin.register(LimitProfile)
class ProfileAdmin(Obeyed):
    """Profiles of limits, shared by accounts. The first six must be there: an account that lacks one is refused orders."""

    list_display = ("name", "note", "numbers")
    search_fields = ("name",)
    inlines = (LimitInline,)

    @admin.display(description="Limits")
    def numbers(self, profile: LimitProfile) -> str:
        return ", ".join(f"{limit.code} {decimal_text(limit.value)}" for limit in profile.limits.all())

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("limits")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        profile = form.instance
        saved = RiskLimit.objects.filter(profile=profile)  # what was read for the form is of before
        numbers = {limit.code: decimal_text(limit.value) for limit in saved}
        note(request, "limits.change", profile.name, **numbers)
        missing = sorted(set(limits.NEEDED) - numbers.keys())
        if missing:
            sentence = (
                f"{profile} lacks {', '.join(missing)}: accounts under it are refused every order until it has them."
            )
            self.message_user(request, sentence, "WARNING")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is not None and not obj.accounts.exists() and obj.name not in limits.PROFILES


class ScopeForm(LimitForm):
    """A limit of a scope: which, whose, how much."""

    class Meta:
        model = RiskLimit
        fields = ("scope", "key", "owner", "code", "value")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        scope, code = data.get("scope"), data.get("code")
        if not scope:
            raise ValidationError({"scope": "Say which scope; limits of accounts are set with the account."})
        if code and scope not in limits.LIMITS[code].scopes:
            raise ValidationError({"code": f"It can be set for {', '.join(limits.LIMITS[code].scopes)}."})
        if (scope in OWN_SCOPES) != bool(data.get("owner")):
            raise ValidationError({"owner": f"Of scopes {', '.join(OWN_SCOPES)}, and of no other, say whose."})
        if (scope in NAMELESS) == bool(data.get("key")):
            raise ValidationError({"key": "Name the thing, as sim:BTC/USDT; global and owner have none."})
        return data


@admin.register(RiskLimit)
class ScopeAdmin(Obeyed, OwnerScoped):
    """Limits of everything, an exchange, an owner, a strategy, an instrument or a key. They come on top of the accounts' own: the
    strictest decides, each counts for itself."""

    form = ScopeForm
    list_display = ("scope", "key", "owner", "code", "value")
    list_filter = ("scope", "code")
    search_fields = ("key",)
    list_select_related = ("owner",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return scoped(admin.ModelAdmin.get_queryset(self, request).exclude(scope=""), request, "owner", shared=True)

    def save_model(self, request: HttpRequest, obj: RiskLimit, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        note(request, "limits.change", f"{obj.scope}:{obj.key}", **{obj.code: decimal_text(obj.value)})
