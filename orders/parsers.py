"""JSON as strictly as money wants it: what another parser would read in another way is refused, not guessed.

One parser for every door: REST bodies, batches, frames of the bots' socket. What is plain is read by msgspec, in a tenth of
the time, when it is certain that nothing of what is refused can be in it; all else, and so every refusal, is the slow reading's.

Refused: duplicate names (parsers differ on which wins), NaN and Infinity, nesting past 8, bodies past 64 KB, bad UTF-8,
NUL and half surrogates (PostgreSQL cannot keep them), numbers of thousands of digits, anything after the value.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from typing import IO, Any

import msgspec
from rest_framework.parsers import BaseParser

from orders.errors import ApiError

BODY_BYTES_MAX = 64 * 1024
BATCH_BYTES_MAX = 256 * 1024
DEPTH_MAX = 8

# Strings first, so that brackets inside them are not counted. Nothing is tried twice (possessive, and an unclosed
# string runs to the end), so the time is linear whatever is sent.
_DEPTH_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_decode = msgspec.json.Decoder().decode
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class _Duplicate(ValueError):
    pass


class _NotPlain(Exception):
    """Perhaps refused, perhaps only rare."""


def parse(raw: bytes, bytes_max: int = BODY_BYTES_MAX) -> Any:
    """The value in a JSON body; fractions come as Decimal. Raises ApiError, 400 or 413."""
    if len(raw) > bytes_max:
        raise too_large(bytes_max)
    try:
        return _plain(raw)
    except (_NotPlain, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _parse_slowly(raw)


def _plain(raw: bytes) -> Any:
    """The value of JSON without backslashes and fractions, none of its names twice. Raises where it is not certainly that.

    Without backslashes the texts are as they stand. Every name has a colon behind it and other colons stand in texts, so a
    name that was dropped for its twin leaves more colons in the bytes than the value accounts for.
    """
    if b"\\" in raw:
        raise _NotPlain
    value = _decode(raw)
    if _colons(value, 1) != raw.count(b":"):
        raise _NotPlain
    return value


def _colons(value: Any, depth: int) -> int:
    """How many colons there are in the plain JSON of a value; those in names are left out, so that such are not plain."""
    kind = type(value)
    if kind is str:
        return value.count(":")  # type: ignore[no-any-return]
    if kind is dict:
        found = len(value)
        inner = value.values()
    elif kind is list:
        found = 0
        inner = value
    elif kind is float:
        raise _NotPlain  # fractions are told exactly
    else:
        return 0
    if depth > DEPTH_MAX:
        raise _NotPlain
    for item in inner:
        if type(item) is str:  # most are
            if ":" in item:
                found += item.count(":")
        elif item is not None:
            found += _colons(item, depth + 1)
    return found


def _parse_slowly(raw: bytes) -> Any:
    """The same with a reason for every refusal."""
    try:
        body = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _malformed("ENCODING", f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    if _depth(raw) > DEPTH_MAX:
        raise _malformed("DEPTH", f"The body is nested deeper than {DEPTH_MAX} levels.")
    try:
        value = json.loads(body, object_pairs_hook=_object, parse_float=_fraction, parse_constant=_constant)
    except _Duplicate as error:
        raise _malformed("DUP_KEY", str(error)) from None
    except (ValueError, InvalidOperation, RecursionError) as error:
        raise _malformed("JSON", f"The body is not JSON: {str(error)[:120]}.") from None
    if "\\u" in body or "\x00" in body:
        _check_text(value)
    return value


def parse_object(raw: bytes, bytes_max: int = BODY_BYTES_MAX) -> dict[str, Any]:
    """As `parse`, and the value must be an object; an empty body is an empty one."""
    value = parse(raw, bytes_max) if raw.strip() else {}
    if not isinstance(value, dict):
        raise _malformed("JSON", "The body must be a JSON object.")
    return value


def too_large(bytes_max: int) -> ApiError:
    return ApiError(413, "BODY_TOO_LARGE", f"The body is larger than {bytes_max // 1024} KB. Nothing was done.")


def _malformed(code: str, message: str) -> ApiError:
    return ApiError(400, code, message)


def _depth(raw: bytes) -> int:
    deepest = depth = 0
    for found in _DEPTH_TOKENS.finditer(raw):
        token = found.group()
        if token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (b"]", b"}"):
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Duplicate(f'"{twice[:40]}" is there twice; which one is meant?')
    return made


def _fraction(text: str) -> Decimal:
    if len(text) > 64:
        raise ValueError("a number has more than 64 characters")
    return Decimal(text)


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def _check_text(value: Any) -> None:
    if isinstance(value, str):
        if _UNSTORABLE.search(value):
            raise _malformed("ENCODING", "A text holds NUL or half of a character, which cannot be kept.")
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_text(name)
            _check_text(item)
    elif isinstance(value, list):
        for item in value:
            _check_text(item)


def bytes_max(parser_context: Any) -> int:
    """How large a body may be for the view of DRF's parser context: what it says itself, else 64 KB."""
    view = (parser_context or {}).get("view")
    return getattr(view, "body_bytes_max", BODY_BYTES_MAX)


class StrictJSONParser(BaseParser):
    """`parse_object` for the REST views."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> dict[str, Any]:
        most = bytes_max(parser_context)
        return parse_object(stream.read(most + 1), most)
