"""A message larger than its socket takes closes it with 1009; a consumer that is behind is not buried."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.terminal.web_clients import Web, close_code, frame, hear, upgrade

FRAMES = 300
SIZE = 200 * 1024


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    made = Web()
    yield made
    made.end()


@pytest.mark.parametrize(("path", "most"), [("/ws/market", 16), ("/ws/account", 16), ("/ws/bot", 256)])
def test_a_message_above_the_bound_is_told_so(web: Web, path: str, most: int) -> None:
    with web.connect() as line:
        upgrade(line, path)
        line.sendall(frame(b"x" * most * 1024))
        assert hear(line) == (1, str(most * 1024).encode())
        line.sendall(frame(b"x" * (most * 1024 + 1))[:200])  # its head says it all
        assert close_code(line) == 1009


def test_what_a_slow_consumer_has_not_taken_stays_on_the_line(web: Web) -> None:
    before = web.rss_mb()
    with web.connect() as line:
        upgrade(line, "/ws/slow")
        line.settimeout(0.5)
        with pytest.raises(TimeoutError):
            for _ in range(FRAMES):
                line.sendall(frame(b"x" * SIZE))
        assert web.rss_mb() - before < 32


def test_a_consumer_that_catches_up_misses_nothing(web: Web) -> None:
    with web.connect() as line:
        upgrade(line, "/ws/bot")
        for round_ in range(20):
            line.sendall(b"".join(frame(b"x" * (100 + round_)) for _ in range(100)))
        heard = [int(hear(line)[1]) for _ in range(2000)]
        assert heard == [100 + number // 100 for number in range(2000)]
