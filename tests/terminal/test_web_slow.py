"""A request has a time to arrive in, whole: one byte now and then does not stretch it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.terminal.web_clients import Web, answer, head

DEADLINE_S = 0.6


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    made = Web(DEADLINE_S=DEADLINE_S, LINGER_S=0.3)
    yield made
    made.end()


@pytest.mark.parametrize("start", [b"POST / HT", head(Content_Length=1000)[:-2], head(Content_Length=1000)])
def test_a_byte_at_a_time_is_cut_off(web: Web, start: bytes) -> None:
    with web.connect() as line:
        line.sendall(start)
        began = time.monotonic()
        try:
            while time.monotonic() - began < 20:
                line.sendall(b"x")
                time.sleep(0.05)
        except ConnectionError:
            pass
        assert DEADLINE_S * 0.9 < time.monotonic() - began < 15


def test_it_is_told_why(web: Web) -> None:
    with web.connect() as line:
        line.sendall(head(Content_Length=1000))
        assert b"408 Request Timeout" in answer(line)


def test_a_connection_that_asks_nothing_is_closed(web: Web) -> None:
    with web.connect() as line:
        assert answer(line) == b""


def test_a_second_request_has_a_time_of_its_own(web: Web) -> None:
    with web.connect() as line:
        for _ in range(3):
            line.sendall(head(Content_Length=2) + b"ok")
            assert b"2 bytes" in answer(line)
            time.sleep(DEADLINE_S * 0.7)
        line.sendall(head(Content_Length=1000))
        assert b"408 Request Timeout" in answer(line)
