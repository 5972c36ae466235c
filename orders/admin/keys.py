"""API keys: made (the secret shown on that one page), narrowed, revoked."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import CharField, ModelForm, MultipleChoiceField
from django.forms.widgets import CheckboxSelectMultiple
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.cache import add_never_cache_headers

from orders import auth, keys
from orders.admin.base import OwnerScoped, note, scoped
from orders.models import Account, ApiKey

NARROWING = ("symbols", "order_notional_max", "day_notional_max", "rate_per_second", "paper_only", "addresses")


class Words(CharField):
    """A list of words, written with blanks or commas between."""

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        return [word for word in str(value or "").replace(",", " ").split() if word]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class KeyForm(ModelForm):
    """Scopes as boxes to tick; symbols and addresses as words."""

    scopes = MultipleChoiceField(choices=[(scope, scope) for scope in keys.SCOPES], widget=CheckboxSelectMultiple)
    symbols = Words(required=False, help_text="As BTC/USDT. Empty = all.")
    addresses = Words(required=False, help_text="IP addresses or networks it may come from. Empty = all.")

    class Meta:
        model = ApiKey
        fields = ("owner", "name", "scopes", "accounts", "expires_at", *NARROWING)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["scopes"]  # a key that may do more is another key

    def clean_addresses(self) -> list[str]:
        for address in self.cleaned_data["addresses"]:
            try:
                ip_network(address, strict=False)
            except ValueError:
                raise ValidationError(f"{address} is no IP address or network.") from None
        return list(self.cleaned_data["addresses"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        owner = self.instance.owner if self.instance.pk else data.get("owner")
        if owner and any(account.owner_id != owner.pk for account in data.get("accounts", ())):
            raise ValidationError({"accounts": f"A key reaches only accounts of its owner, {owner}."})
        return data


@admin.register(ApiKey)
class KeyAdmin(OwnerScoped):
    """API keys. What one may do is fixed when it is made; where it may do it can be narrowed later."""

    form = KeyForm
    list_display = ("name", "key", "owner", "scope_words", "paper_only", "standing", "last_used_at")
    list_filter = ("paper_only",)
    search_fields = ("name", "key", "owner__name")
    list_select_related = ("owner",)
    readonly_fields = ("key", "created_at", "last_used_at", "revoked_at")
    filter_horizontal = ("accounts",)
    actions = ("revoke",)

    @admin.display(description="Scopes")
    def scope_words(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="State")
    def standing(self, key: ApiKey) -> str:
        return "revoked" if key.revoked_at else "in use"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        asked = ("owner", "name", "scopes", "accounts", "expires_at", *NARROWING)
        if obj is None:
            return asked
        return (*("scope_words" if name == "scopes" else name for name in asked), *self.readonly_fields)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.readonly_fields if obj is None else (*self.readonly_fields, "owner", "scope_words")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.related_model is Account:
            kwargs["queryset"] = scoped(Account.objects.all(), request, "owner")
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            note(request, "key.change", obj.key, obj.owner, fields=form.changed_data)
        else:
            options = {name: getattr(obj, name) for name in (*NARROWING, "name", "expires_at")}
            made, secret = keys.create(obj.owner, scopes=obj.scopes, **options)
            obj.pk, obj.key, obj.secret_box, obj.created_at = made.pk, made.key, made.secret_box, made.created_at
            obj._state.adding = False
            request.key_secret = secret  # type: ignore[attr-defined]  # for this answer alone; kept nowhere in clear
            note(request, "key.create", obj.key, obj.owner, scopes=obj.scopes)
        auth.forget()

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The one page that shows the secret; no message, because messages lie in a cookie until they are shown."""
        context = {
            **self.admin_site.each_context(request),
            "title": "Your new API key",
            "opts": self.model._meta,
            "key": obj,
            "secret": request.key_secret,  # type: ignore[attr-defined]
        }
        answer = TemplateResponse(request, "admin/orders/apikey/secret.html", context)
        add_never_cache_headers(answer)
        return answer

    @admin.action(description="Revoke: they open nothing from now on", permissions=["change"])
    def revoke(self, request: HttpRequest, found: QuerySet[ApiKey]) -> None:
        for key in found:
            keys.revoke(key)
            note(request, "key.revoke", key.key, key.owner)
        auth.forget()
        self.message_user(
            request, f"Revoked {len(found)}. No request with them gets in, in any process, after a second."
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Orders carry the id of the key that sent them: keys are revoked, never deleted."""
        return False
