"""The tests' own servers answer."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection

from marketdata import bus


@pytest.mark.django_db
def test_postgresql_answers() -> None:
    assert User.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SHOW timezone")
        assert cursor.fetchone() == ("UTC",)


def test_valkey_answers() -> None:
    assert bus.default().ping()
