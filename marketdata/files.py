"""Kline files: what is in them, found out from their first lines, and how to read them. Plain, .gz or .zip CSV.

Known without being told: Binance Vision (12 columns, with or without header), `open_time,open,high,low,close,volume`,
and any file whose header names those six. Everything else needs its columns named. Times are ISO 8601 or whole seconds,
ms, µs or ns since 1970.
"""

from __future__ import annotations

import gzip
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO, NoReturn

from marketdata import clock, intervals
from marketdata.domain import Kline

MOMENT = "moment"
NEEDED = (MOMENT, "open", "high", "low", "close", "volume")
CHUNK = 1 << 18
LINE_MAX = 1 << 16

_MOMENT_NAMES = {"open_time", "opentime", "open time", "ts", "time", "timestamp", "date", "datetime", "unix", "moment"}
_SAME = {"vol": "volume", "o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "t": MOMENT}
_BINANCE = (*NEEDED, "close_time", "quote_volume", "trades", "taker_base", "taker_quote", "unused")
_SYMBOL = re.compile(r"(?<![A-Z0-9])([A-Z0-9]{2,10}?)[-_/]?(USDT|USDC|FDUSD|BUSD|USD|EUR|IDR|TRY|BTC|ETH)(?![A-Z0-9])")
_INTERVAL = re.compile(rf"[-_.]({'|'.join(intervals.INTERVALS)})[-_.]")
_WHOLE = re.compile(r"\d{1,19}", re.ASCII)


class FileTrouble(Exception):
    """A file that cannot be read as klines; the sentence names the file, and the line where there is one."""


@dataclass(frozen=True)
class Layout:
    """How a file is laid out: its columns in order, the unit of its times, how many lines its header takes."""

    columns: tuple[str, ...]
    unit: str
    header_lines: int

    @property
    def ignored(self) -> tuple[str, ...]:
        """Columns that are no part of a bar."""
        return tuple(name for name in self.columns if name not in NEEDED)


class Member:
    """One CSV: a file, or a file inside a .zip. `name` is for people."""

    def __init__(self, name: str, stream: IO[bytes] | gzip.GzipFile, raw: IO[bytes]) -> None:
        self.name = name
        self._stream = stream
        self._raw = raw

    def read(self, size: int = CHUNK) -> bytes:
        """The next bytes; FileTrouble when the file is damaged."""
        try:
            return self._stream.read(size)
        except (OSError, EOFError, zipfile.BadZipFile) as error:
            raise FileTrouble(f"{self.name} is damaged: {error}.") from error

    def consumed(self) -> int:
        """How far the file on disk has been read, in bytes, for the progress bar."""
        return self._raw.tell()


@contextmanager
def members(path: Path) -> Iterator[Iterator[Member]]:
    """The CSVs of a file: one, or those inside a .zip."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise FileTrouble(f"{path} cannot be opened: {error.strerror}.") from error
    with raw:
        yield _members(path, raw)


def _members(path: Path, raw: IO[bytes]) -> Iterator[Member]:
    if path.suffix == ".zip":
        try:
            with zipfile.ZipFile(raw) as archive:
                for name in archive.namelist():
                    if name.endswith("/") or name.startswith("__MACOSX/"):
                        continue  # folders, and what a Mac adds of its own
                    with archive.open(name) as stream:
                        yield Member(f"{path}/{name}", stream, raw)
        except zipfile.BadZipFile as error:
            raise FileTrouble(f"{path} is no zip file: {error}.") from error
    elif path.suffix == ".gz":
        with gzip.open(raw) as stream:
            yield Member(str(path), stream, raw)
    else:
        yield Member(str(path), raw, raw)


def column_names(text: str) -> tuple[str, ...]:
    """Columns as people name them ("ts,open,close,high,low,volume"), in our words. ValueError when one of the six is
    missing.
    """
    names = tuple(_our_name(name) for name in text.split(","))
    missing = [name.replace(MOMENT, "open_time") for name in NEEDED if names.count(name) != 1]
    if missing:
        raise ValueError(
            f"columns must name each of open_time, open, high, low, close, volume once; wrong: {', '.join(missing)}"
        )
    return tuple(name if name in NEEDED else f"ignored_{number}" for number, name in enumerate(names))


def layout(name: str, head: bytes, columns: tuple[str, ...] | None = None) -> Layout | None:
    """The layout of a file by its first bytes; None when it is empty. FileTrouble when it cannot be told."""
    lines = head.decode("utf-8", errors="replace").removeprefix("\ufeff").splitlines()
    lines = [line for line in lines[:2] if line.strip()]
    if not lines:
        return None
    fields = _fields(lines[0])
    moment_at = columns.index(MOMENT) if columns else 0
    has_header = len(fields) <= moment_at or _unit(fields[moment_at]) is None
    if has_header and len(lines) == 1:
        if _has_names(lines[0]):
            return None
        if columns is not None or len(fields) in (len(NEEDED), len(_BINANCE)):
            _unreadable(name, 1, lines[0])
        _columns(name, fields, has_header=False)
    if columns is None:
        columns = _columns(name, fields, has_header)
    row = _fields(lines[1]) if has_header else fields
    if len(row) != len(columns):
        raise FileTrouble(
            f"{name}:{1 + has_header}: has {len(row)} columns where {len(columns)} were expected. Name them in "
            "their order, as --columns ts,open,close,high,low,volume (any other word for a column to ignore)."
        )
    unit = _unit(row[columns.index(MOMENT)])
    if unit is None:
        _unreadable(name, 1 + has_header, lines[has_header])
    return Layout(columns, unit, int(has_header))


def series_of(path: Path) -> tuple[str | None, str | None]:
    """(symbol, interval) by a file's name, as BTCUSDT-1m-2024-08.zip says them; None for what it does not say."""
    symbol = _SYMBOL.search(path.name)
    interval = _INTERVAL.search(path.name)
    return (f"{symbol[1]}/{symbol[2]}" if symbol else None), (interval[1] if interval else None)


def read_klines(path: Path, columns: tuple[str, ...] | None = None) -> Iterator[Kline]:
    """The bars of a file one by one, in its order. FileTrouble names the line that is no bar."""
    with members(path) as found:
        for member in found:
            head = member.read(LINE_MAX)
            shape = layout(member.name, head, columns)
            if shape is None:
                continue
            places = [shape.columns.index(name) for name in NEEDED]
            for number, line in enumerate(_lines(member, head), 1):
                if number > shape.header_lines and line.strip():
                    yield _kline(member.name, number, line, shape, places)


def moment_ms(text: str, unit: str) -> int:
    """A time as it stands in a file, in milliseconds since 1970. ValueError when it is none."""
    if unit == "iso":
        moment = datetime.fromisoformat(text)
        return clock.to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    number = int(text)
    return number * 1000 if unit == "s" else number // {"ms": 1, "us": 1000, "ns": 1_000_000}[unit]


def _kline(name: str, number: int, line: str, shape: Layout, places: list[int]) -> Kline:
    fields = _fields(line)
    try:
        opens, *values = (fields[place] for place in places)
        opened, high, low, close, volume = (Decimal(value) for value in values)
        bar = Kline(moment_ms(opens, shape.unit), opened, high, low, close, volume)
    except (IndexError, ValueError, InvalidOperation):
        _unreadable(name, number, line)
    if not all(value.is_finite() for value in bar[1:6]) or not 0 < bar.low <= min(bar.open, bar.close):
        _unreadable(name, number, line)
    if bar.high < max(bar.open, bar.close) or bar.volume < 0:
        _unreadable(name, number, line)
    return bar


def _lines(member: Member, head: bytes) -> Iterator[str]:
    rest = head.removeprefix(b"\xef\xbb\xbf")
    while rest:
        *whole, rest = rest.split(b"\n")
        for line in whole:
            yield line.decode("utf-8", errors="replace").rstrip("\r")
        more = member.read()
        if not more:
            break
        rest += more
    if rest:
        yield rest.decode("utf-8", errors="replace").rstrip("\r")


def _columns(name: str, fields: list[str], has_header: bool) -> tuple[str, ...]:
    if has_header:
        try:
            return column_names(",".join(fields))
        except ValueError as error:
            raise FileTrouble(
                f"{name}:1: the header does not say which column is which: {error}. Use --columns."
            ) from error
    if len(fields) == len(_BINANCE):
        return column_names(",".join(_BINANCE))
    if len(fields) == len(NEEDED):
        return NEEDED
    raise FileTrouble(
        f"{name}:1: has {len(fields)} columns and no header; known without a header are 12 (Binance Vision) and 6 "
        "(open_time,open,high,low,close,volume). Name them with --columns."
    )


def _has_names(line: str) -> bool:
    return any(_our_name(field) in NEEDED for field in _fields(line))


def _our_name(name: str) -> str:
    word = name.strip().strip('"').lower()
    return MOMENT if word in _MOMENT_NAMES else _SAME.get(word, word)


def _fields(line: str) -> list[str]:
    return [field.strip().strip('"') for field in line.split(",")]


def _unit(text: str) -> str | None:
    """s, ms, us or ns by its size (each from 1973 on, none can be mistaken), iso, or None when it is no time."""
    if _WHOLE.fullmatch(text):
        number = int(text)
        for unit, least in (("ns", 10**17), ("us", 10**14), ("ms", 10**11), ("s", 10**8)):
            if number >= least:
                return unit
        return None
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return "iso"


def _unreadable(name: str, number: int, line: str) -> NoReturn:
    raise FileTrouble(f'{name}:{number}: is no bar: "{line[:120]}".')
