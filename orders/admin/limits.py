"""Limit profiles, and limits of single accounts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.forms import ChoiceField, ModelForm
from django.http import HttpRequest

from marketdata.precision import decimal_text
from orders import limits
from orders.admin.base import Obeyed, note
from orders.models import LimitProfile, RiskLimit


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
