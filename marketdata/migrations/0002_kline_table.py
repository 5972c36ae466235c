"""The kline table, partitioned by month: Django's schema editor cannot say PARTITION BY."""

from __future__ import annotations

from django.db import migrations

KLINE = """
CREATE TABLE marketdata_kline (
    instrument_id bigint NOT NULL,
    interval varchar(4) NOT NULL,
    open_time timestamptz NOT NULL,
    open numeric(38,18) NOT NULL,
    high numeric(38,18) NOT NULL,
    low numeric(38,18) NOT NULL,
    close numeric(38,18) NOT NULL,
    volume numeric(38,18) NOT NULL,
    PRIMARY KEY (instrument_id, interval, open_time)
) PARTITION BY RANGE (open_time)
"""


class Migration(migrations.Migration):
    dependencies = [("marketdata", "0001_initial")]
    operations = [migrations.RunSQL(KLINE, "DROP TABLE marketdata_kline")]
