"""A body larger than its route takes is refused before it is kept, however its length is told."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from orders import parsers
from terminal.web import bounds
from tests.terminal.web_clients import Web, answer, head

HUGE = 200 * 1024 * 1024
PIECE = b"x" * 65536


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.end()


def _send_body(line: socket.socket, size: int, chunked: bool) -> None:
    """All of it, or until the server has had enough."""
    try:
        while size > 0:
            piece = PIECE[:size]
            line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
            size -= len(piece)
        if chunked:
            line.sendall(b"0\r\n\r\n")
    except ConnectionError:
        pass


def _ask(web: Web, path: str, size: int, chunked: bool) -> bytes:
    with web.connect() as line:
        line.sendall(head(path, Transfer_Encoding="chunked") if chunked else head(path, Content_Length=size))
        _send_body(line, size, chunked)
        return answer(line)


@pytest.mark.parametrize("chunked", [False, True], ids=["by its length", "chunked"])
def test_200_mb_cost_the_server_no_memory(web: Web, chunked: bool) -> None:
    _ask(web, "/", 1000, chunked)
    before = web.rss_mb()
    heard = _ask(web, "/api/v1/orders", HUGE, chunked)
    assert heard.startswith(b"HTTP/1.1 413 ")
    assert b"BODY_TOO_LARGE" in heard
    assert web.rss_mb() - before < 32


@pytest.mark.parametrize("chunked", [False, True], ids=["by its length", "chunked"])
@pytest.mark.parametrize(
    ("path", "most"),
    [("/api/v1/orders", 64), ("/login", 64), ("/api/v1/orders/batch", 256), ("/api/v1/orders/batch?x=1", 256)],
)
def test_the_bound_is_the_routes(web: Web, path: str, most: int, chunked: bool) -> None:
    assert f"{most * 1024} bytes".encode() in _ask(web, path, most * 1024, chunked)
    assert _ask(web, path, most * 1024 + 1, chunked).startswith(b"HTTP/1.1 413 ")


def test_nobody_is_asked_to_go_on_with_what_will_be_refused(web: Web) -> None:
    with web.connect() as line:
        line.sendall(head(Content_Length=HUGE, Expect="100-continue"))
        assert answer(line).startswith(b"HTTP/1.1 413 ")


def test_bytes_beyond_the_told_length_are_no_part_of_the_body(web: Web) -> None:
    with web.connect() as line:
        line.sendall(head(Content_Length=3) + b"abc" + b"\0" * 20_000)
        assert b"3 bytes" in answer(line)


def test_the_parser_and_the_server_agree() -> None:
    assert bounds.body_bytes_max(b"/api/v1/orders") == parsers.BODY_BYTES_MAX
