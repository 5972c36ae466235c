"""Months of any history, made when needed and ahead of time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from marketdata import partitions

pytestmark = pytest.mark.django_db


def bounds(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = %s", [name])
        return str(cursor.fetchone()[0])


def test_months_of_a_span_are_made_once() -> None:
    made = partitions.ensure_months("marketdata_kline", date(2011, 12, 31), date(2012, 2, 1))
    assert made == ["marketdata_kline_y2011m12", "marketdata_kline_y2012m01", "marketdata_kline_y2012m02"]
    assert partitions.ensure_months("marketdata_kline", date(2011, 12, 1), date(2012, 1, 5)) == []


def test_boundaries_are_midnights_in_utc() -> None:
    partitions.ensure_months("marketdata_kline", date(2012, 12, 5), date(2012, 12, 5))
    assert "2012-12-01 00:00:00+00" in bounds("marketdata_kline_y2012m12")
    assert "2013-01-01 00:00:00+00" in bounds("marketdata_kline_y2012m12")


def test_every_table_by_month_is_made_ahead() -> None:
    assert "marketdata_kline" in partitions.tables_by_month()
    made = partitions.ensure_ahead(date(2031, 11, 20), tables=["marketdata_kline"])
    assert made == [f"marketdata_kline_y{month}" for month in ("2031m11", "2031m12", "2032m01", "2032m02")]


def test_the_months_ahead_are_made_for_all_of_them() -> None:
    partitions.ensure_ahead(datetime(2033, 5, 1, tzinfo=UTC).date())
    for table in partitions.tables_by_month():
        assert bounds(f"{table}_y2033m08")


def test_a_month_may_be_made_while_another_row_is_written(btc: object) -> None:
    with connection.cursor() as cursor:
        partitions.ensure_months("marketdata_kline", date(2014, 1, 1), date(2014, 1, 1))
        cursor.execute("INSERT INTO marketdata_kline VALUES (1, '1m', '2014-01-05', 1, 1, 1, 1, 1)")
        partitions.ensure_months("marketdata_kline", date(2014, 2, 1), date(2014, 2, 1))
        cursor.execute("SELECT tableoid::regclass::text FROM marketdata_kline WHERE open_time = '2014-01-05'")
        assert cursor.fetchone()[0] == "marketdata_kline_y2014m01"
