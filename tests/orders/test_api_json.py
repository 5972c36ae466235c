"""Bodies another parser would read in another way are refused before anything is done."""

from __future__ import annotations

import time

import pytest

from orders import parsers
from orders.errors import ApiError


def refusal(raw: bytes) -> tuple[int, str]:
    with pytest.raises(ApiError) as caught:
        parsers.parse_object(raw)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"quantity": "1", "quantity": "999"}', "DUP_KEY"),
        (b'{"a": {"b": 1, "b": 2}}', "DUP_KEY"),
        (b'{"price": NaN}', "JSON"),
        (b'{"price": -Infinity}', "JSON"),
        (b'{"n": ' + b"9" * 5000 + b"}", "JSON"),
        (b'{"n": 1.' + b"9" * 100 + b"}", "JSON"),
        (b'{"a": 1} {"b": 2}', "JSON"),
        (b'{"a": "\xff"}', "ENCODING"),
        (b'{"a": "\\u0000"}', "ENCODING"),
        (b'{"a": "\\ud800"}', "ENCODING"),
        (b'{"\\u0000": 1}', "ENCODING"),
        (b"[" * 50_000, "DEPTH"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "DEPTH"),
        (b"[1]", "JSON"),
        (b'"text"', "JSON"),
        (b"\xef\xbb\xbf{}", "JSON"),
    ],
)
def test_it_is_refused(raw: bytes, code: str) -> None:
    assert refusal(raw) == (400, code)


def test_more_than_64_kb_is_too_large() -> None:
    assert refusal(b'{"a": "' + b"x" * 65_536 + b'"}') == (413, "BODY_TOO_LARGE")


def test_eight_levels_and_brackets_in_texts_are_fine() -> None:
    assert parsers.parse_object(b'{"a":' * 8 + b"1" + b"}" * 8)
    assert parsers.parse_object(b'{"a": "[[[[[[[[[[[[\\"[["}') == {"a": '[[[[[[[[[[[["[['}


def test_fractions_never_become_floats() -> None:
    assert str(parsers.parse_object(b'{"a": 0.1}')["a"]) == "0.1"


def test_an_empty_body_is_an_empty_object() -> None:
    assert parsers.parse_object(b"") == {}


@pytest.mark.parametrize("piece", [b'"', b'\\"', b'"\\', b"{", b'{"a":'])
def test_no_body_takes_long_to_refuse(piece: bytes) -> None:
    started = time.perf_counter()
    refusal((piece * 65_536)[:65_536])
    assert time.perf_counter() - started < 0.5
