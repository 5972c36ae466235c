"""So many connections an address; behind a proxy that is named, of the address it tells."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from terminal.web.peers import Peers
from tests.terminal.web_clients import Web, answer, head, hear, upgrade

THEIRS, OTHERS = "203.0.113.7", "203.0.113.8"


def _open(peers: Peers, host: str, count: int) -> list[bool]:
    return [peers.enter(object(), host) for _ in range(count)]


def test_one_address_has_so_many() -> None:
    peers = Peers(3, 100)
    assert _open(peers, THEIRS, 5) == [True, True, True, False, False]
    assert _open(peers, OTHERS, 1) == [True]


def test_who_leaves_makes_room() -> None:
    peers = Peers(1, 100)
    first = object()
    assert peers.enter(first, THEIRS)
    peers.leave(first)
    assert peers.enter(object(), THEIRS)


def test_a_household_of_the_new_internet_is_one_address() -> None:
    peers = Peers(2, 100)
    assert _open(peers, "2001:db8:1:2::1", 1) + _open(peers, "2001:db8:1:2:ffff::9", 2) == [True, True, False]
    assert _open(peers, "2001:db8:1:3::1", 1) == [True]


def test_an_old_address_in_new_dress_is_the_old_one() -> None:
    peers = Peers(1, 100)
    assert _open(peers, THEIRS, 1) + _open(peers, f"::ffff:{THEIRS}", 1) == [True, False]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "", "10.1.2.3"])
def test_this_machine_and_a_named_proxy_are_many(host: str) -> None:
    assert all(_open(Peers(1, 100, ["10.0.0.0/8"]), host, 50))


def test_in_all_there_are_so_many() -> None:
    assert _open(Peers(20, 3), "127.0.0.1", 4) == [True, True, True, False]


def test_only_a_named_proxy_is_believed() -> None:
    peers, stranger = Peers(1, 100, ["10.0.0.1"]), object()
    peers.enter(stranger, OTHERS)
    peers.told(stranger, [THEIRS])
    assert peers.behind_proxy(stranger) == ""


def test_of_what_a_proxy_tells_the_nearest_stranger_counts() -> None:
    peers, line = Peers(1, 100, ["10.0.0.0/8"]), object()
    peers.enter(line, "10.0.0.1")
    peers.told(line, [f"1.2.3.4, {THEIRS}, 10.0.0.2"])
    assert peers.behind_proxy(line) == THEIRS


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    made = Web(PER_ADDRESS=2, PROXIES="127.0.0.1")
    yield made
    made.end()


def test_sockets_behind_a_proxy_are_counted_by_whom_they_are_for(web: Web) -> None:
    lines = [web.connect() for _ in range(4)]
    heard = [upgrade(line, "/ws/x", X_Forwarded_For=THEIRS) for line in lines[:2]]
    assert all(b" 101 " in one for one in heard)
    assert b" 429 " in upgrade(lines[2], "/ws/x", X_Forwarded_For=THEIRS)
    assert b" 101 " in upgrade(lines[3], "/ws/x", X_Forwarded_For=OTHERS)
    lines[0].close()
    lines[1].sendall(b"\x88\x80\0\0\0\0")
    assert hear(lines[1])[0] == 8  # the server closed it too: its place is free
    for line in lines:
        line.close()
    with web.connect() as line:
        line.sendall(head(X_Forwarded_For=THEIRS, Content_Length=0))
        assert f"0 bytes from {THEIRS}".encode() in answer(line)
