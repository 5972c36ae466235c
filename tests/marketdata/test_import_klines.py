"""manage.py import_klines: the files people have, and what it says about bad ones."""

from __future__ import annotations

import gzip
import os
import re
import zipfile
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from marketdata import store
from marketdata.bus import Bus
from marketdata.models import Instrument, Kline
from tests.marketdata.conftest import MINUTE_MS, START_MS, csv_rows, write_csv

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("MERIDIAN_DATA_DIR", ROOT.parent / "shared" / "data"))
BINANCE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def run(*files: Path, **options: Any) -> str:
    out = StringIO()
    options = {"exchange": "sim", "symbol": "BTC/USDT", "interval": "1m", **options}
    call_command("import_klines", *map(str, files), stdout=out, **options)
    return out.getvalue()


def binance(rows: list[str], factor: int = 1) -> list[str]:
    """Binance Vision's twelve columns; its files of 2025 on have µs (factor 1000)."""
    wide = []
    for row in rows:
        opens, *rest = row.split(",")
        close = (int(opens) + MINUTE_MS - 1) * factor
        wide.append(",".join([str(int(opens) * factor), *rest, str(close), "150.5", "17", "0.7", "70.1", "0"]))
    return wide


def test_binance_vision_without_header(btc: Any, tmp_path: Path) -> None:
    assert "5 rows" in run(write_csv(tmp_path / "a.csv", binance(csv_rows(5))))
    first = store.history(btc.pk, "1m")[0]
    assert (first.open_ms, str(first.close.normalize()), str(first.volume.normalize())) == (START_MS, "101", "1.5")


def test_binance_vision_with_header_and_microseconds(btc: Any, tmp_path: Path) -> None:
    run(write_csv(tmp_path / "a.csv", [BINANCE_HEADER, *binance(csv_rows(5), 1000)]))
    assert [bar.open_ms for bar in store.history(btc.pk, "1m")] == [START_MS + n * MINUTE_MS for n in range(5)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2023-03-01 00:00:00+00:00", "2023-03-01 00:01:00+00:00"),
        ("2023-03-01T00:00:00Z", "2023-03-01T00:01:00Z"),
        ("2023-03-01 00:00:00", "2023-03-01 00:01:00"),
        ("2023-03-01T02:00:00+02:00", "2023-03-01T02:01:00+02:00"),
        (str(START_MS // 1000), str(START_MS // 1000 + 60)),
        (str(START_MS), str(START_MS + MINUTE_MS)),
        (str(START_MS * 1000), str((START_MS + MINUTE_MS) * 1000)),
        (str(START_MS * 10**6), str((START_MS + MINUTE_MS) * 10**6)),
    ],
)
def test_times_are_recognised(btc: Any, tmp_path: Path, first: str, second: str) -> None:
    run(
        write_csv(
            tmp_path / "a.csv", ["open_time,open,high,low,close,volume", f"{first},1,2,1,2,3", f"{second},1,2,1,2,3"]
        )
    )
    assert [bar.open_ms for bar in store.history(btc.pk, "1m")] == [START_MS, START_MS + MINUTE_MS]


def test_another_order_of_columns(btc: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [f"{START_MS},100,101,110,90,2.5,junk"])
    run(path, columns="ts,open,close,high,low,volume,whatever")
    bar = store.history(btc.pk, "1m")[0]
    assert [int(value) for value in bar[1:5]] == [100, 110, 90, 101]


def test_gz_and_zip_and_several_files(btc: Any, tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress("\n".join(csv_rows(3)).encode()))
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("__MACOSX/._one.csv", b"\x00\x05\x16")
        archive.writestr("one.csv", "\r\n".join(csv_rows(3, 3)) + "\r\n")
        archive.writestr("two.csv", "\n".join([BINANCE_HEADER, *binance(csv_rows(3, 6))]))
    said = run(tmp_path / "a.csv.gz", tmp_path / "b.zip")
    assert "2 files, 9 rows" in said
    assert "9 new" in said
    assert "No gaps" in said


def test_the_summary_counts_rows_duplicates_and_gaps(btc: Any, tmp_path: Path) -> None:
    rows = csv_rows(10)
    run(write_csv(tmp_path / "a.csv", rows[:4]))
    changed = rows[1].replace(",1.5", ",9.5")
    said = run(write_csv(tmp_path / "b.csv", [rows[0], changed, rows[2], rows[6], rows[6], rows[9]]))
    assert "6 rows" in said
    assert "2 new, 1 updated, 2 unchanged, 1 duplicates" in said
    assert "2 gaps, 4 bars missing; the largest: 2023-03-01 00:04 to 2023-03-01 00:06 UTC, 2 bars" in said


def test_months_get_their_own_partitions(btc: Any, tmp_path: Path) -> None:
    new_year = 1_672_531_140_000  # 2022-12-31T23:59Z
    run(write_csv(tmp_path / "a.csv", [f"{new_year},1,1,1,1,0", f"{new_year + MINUTE_MS},1,1,1,1,0"]))
    assert Kline.objects.filter(instrument_id=btc.pk, open_time__year=2022).count() == 1
    assert Kline.objects.filter(instrument_id=btc.pk, open_time__year=2023).count() == 1


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("abc,1,2,1,2,3", "open_time invalid input syntax"),
        (f"{START_MS + 3 * MINUTE_MS},1,x,1,2,3", "high invalid input syntax"),
        (f"{START_MS + 3 * MINUTE_MS},1,2,1,2", "missing data"),
        (f"{START_MS + 3 * MINUTE_MS},1,2,1,2,3,4", "extra data"),
        (f"{START_MS + 3 * MINUTE_MS},1,2,1.5,2,3", "low above its open"),
        (f"{START_MS + 3 * MINUTE_MS},1,2,1,2.5,3", "high below its open or close"),
        (f"{START_MS + 3 * MINUTE_MS},0,2,0,2,3", "price that is not above zero"),
        (f"{START_MS + 3 * MINUTE_MS},1,2,1,2,-3", "negative volume"),
        (f"{START_MS + 3 * MINUTE_MS},1,2,1,2,NaN", "no price or volume"),
        (f"{START_MS + 3 * MINUTE_MS},1,Infinity,1,2,3", "no price or volume"),
        (f"{START_MS + 3 * MINUTE_MS + 1},1,2,1,2,3", "does not open at the start of a bar of 1m"),
        (f"{START_MS * 1000},1,2,1,2,3", "time that cannot be right"),
        ("", "missing data"),
    ],
)
def test_a_bad_row_is_named_and_nothing_of_its_file_comes_in(btc: Any, tmp_path: Path, bad: str, reason: str) -> None:
    rows = csv_rows(6)
    path = write_csv(tmp_path / "bad.csv", ["open_time,open,high,low,close,volume", *rows[:3], bad, *rows[4:]])
    good = write_csv(tmp_path / "good.csv", csv_rows(2, 100))
    with pytest.raises(CommandError) as refused:
        run(path, good)
    assert f"{path}:5: " in str(refused.value)
    assert reason in str(refused.value)
    assert "Nothing of this file was imported" in str(refused.value)
    assert len(store.history(btc.pk, "1m")) == 2  # the other file's


def test_a_bad_row_in_a_packed_file_is_named_too_and_nothing_of_the_archive_comes_in(btc: Any, tmp_path: Path) -> None:
    bad = "\n".join([*csv_rows(2, 3), "nonsense", *csv_rows(2, 5)])
    (tmp_path / "bad.csv.gz").write_bytes(gzip.compress(bad.encode()))
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("good.csv", "\n".join(csv_rows(3)))
        archive.writestr("bad.csv", bad)
    with pytest.raises(CommandError) as refused:
        run(tmp_path / "bad.csv.gz", tmp_path / "bad.zip")
    assert re.search(r"bad\.csv\.gz:3: ", str(refused.value)) and re.search(
        r"bad\.zip\S*bad\.csv\S*:3: ", str(refused.value)
    )
    assert store.history(btc.pk, "1m") == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["1,2,3"], "3 columns and no header"),
        (["time,price,amount", "1,2,3"], "does not say which column"),
        ([f"{START_MS},1,2,1,2"], "5 columns and no header"),
    ],
)
def test_an_unknown_layout_asks_for_the_columns(btc: Any, tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(write_csv(tmp_path / "a.csv", rows))
    assert said in str(refused.value)
    assert "--columns" in str(refused.value)


def test_an_empty_file_and_a_header_alone_hold_nothing(btc: Any, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    header = write_csv(tmp_path / "header.csv", [BINANCE_HEADER])
    assert "0 rows" in run(tmp_path / "empty.csv", header)


def test_a_damaged_file_is_a_sentence(btc: Any, tmp_path: Path) -> None:
    whole = gzip.compress("\n".join(csv_rows(5000)).encode())
    (tmp_path / "cut.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no.zip").write_bytes(b"PK nonsense")
    with pytest.raises(CommandError) as refused:
        run(tmp_path / "cut.csv.gz", tmp_path / "no.zip", tmp_path / "absent.csv")
    said = str(refused.value)
    assert "cut.csv.gz is damaged" in said
    assert "no.zip is no zip file" in said
    assert "absent.csv cannot be opened" in said
    assert store.history(btc.pk, "1m") == []


def test_a_missing_instrument_says_how_to_make_it(btc: Any, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", csv_rows(5))
    with pytest.raises(CommandError, match="add --create to make BTC/USDT on elsewhere"):
        run(path, exchange="elsewhere")
    said = run(path, exchange="elsewhere", create=True)
    made = Instrument.objects.get(exchange__name="elsewhere")
    assert "Created elsewhere:BTC/USDT: tick 0.01, lot 0.1." in said
    assert made.exchange.source == "replay"
    assert made.spec_version == 1


def test_an_instrument_is_found_by_its_mapped_symbols(btc: Any, tmp_path: Path) -> None:
    assert "sim:BTC/USDT 1m" in run(write_csv(tmp_path / "a.csv", csv_rows(2)), symbol="BTCUSDT")


def test_open_charts_are_told(btc: Any, bus: Bus, tmp_path: Path) -> None:
    listener = bus.listener("wake", "klines")
    assert listener.open()
    run(write_csv(tmp_path / "a.csv", csv_rows(5)))
    channels = {}
    for _ in range(2):
        name, payload = listener.get(2) or ("", b"")
        channels[name] = payload
    assert channels["wake"] == b"history sim BTC/USDT 1m"
    assert b"BTC/USDT" in channels["klines"]
    listener.close()


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real files are not in {REAL}")
def test_three_real_weeks(btc: Any) -> None:
    path = REAL / "binanceus_BTCUSDT_1m_20230301_20230321.csv.gz"
    said = run(path)
    assert "30,240 rows" in said
    assert "30,240 new" in said
    assert "No gaps" in said
    assert "30,240 unchanged" in run(path)
    assert [bar.closed for bar in store.history(btc.pk, "1d")] == [True] * 21


@pytest.mark.skipif(not REAL.is_dir(), reason=f"the real files are not in {REAL}")
def test_a_real_year_in_another_order(btc: Any) -> None:
    said = run(REAL / "bitfinex_BTCUSD_1m_2016.csv.gz", columns="ts,open,close,high,low,volume")
    assert "293,230 rows" in said
    assert "63,912 gaps" in said
