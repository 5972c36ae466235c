"""The one base of serializers that read: a field that is not known is refused, and text is text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

NO_FIELD = "There is no such field here."
NO_TEXT = "It is text."


class StrictSerializer(serializers.Serializer):
    """As the framework's, without its guesses: it drops what it does not know and makes text of numbers."""

    def to_internal_value(self, data: Any) -> Any:
        """Raises ValidationError with a sentence a field."""
        if isinstance(data, Mapping):
            wrong = {str(name): [NO_FIELD] for name in data if name not in self.fields}
            for name, field in self.fields.items():
                value = data.get(name)
                if isinstance(field, serializers.CharField) and value is not None and not isinstance(value, str):
                    wrong[name] = [NO_TEXT]
            if wrong:
                raise serializers.ValidationError(wrong)
        return super().to_internal_value(data)
