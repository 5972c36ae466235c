"""The poll finds what a lost report left behind and says it to the engine once; it changes nothing itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from orders import messages, poll
from orders.exchanges.base import Exchange, ExchangeError, ExchangeFill, ExchangeOrder, ExchangeRequest, Sighting
from orders.models import Order
from tests.orders.cast import NOON, Town, book_fill, found_town, place_order

pytestmark = pytest.mark.django_db
NOW = NOON + timedelta(minutes=5)
LONG_AGO_NS = int(NOON.timestamp()) * 10**9


class PretendExchange(Exchange):
    """Says what it was told to say."""

    def __init__(self, *sightings: Sighting, down: bool = False) -> None:
        self.sightings = {sighting.exchange_order_id: sighting for sighting in sightings}
        self.down = down
        self.asked: list[str] = []

    def submit(self, request: ExchangeRequest) -> str:
        raise AssertionError("a poll sends no orders")

    def cancel(self, account_id: int, exchange_order_id: str, at_ns: int) -> None:
        raise AssertionError("a poll cancels nothing")

    def fetch_order(self, account_id: int, exchange_order_id: str) -> ExchangeOrder | None:
        return self.sightings[exchange_order_id].order

    def open_orders(self, account_id: int) -> list[ExchangeOrder]:
        return []

    def fills(self, account_id: int, exchange_order_id: str | None = None, since_ns: int = 0) -> list[ExchangeFill]:
        return list(self.sightings[exchange_order_id or ""].fills)

    def fetch_orders(self, account_id: int, exchange_order_ids: Sequence[str]) -> list[Sighting]:
        if self.down:
            raise ExchangeError("it is raining", outcome_known=True)
        self.asked += exchange_order_ids
        return [self.sightings.get(number, Sighting(number, None, ())) for number in exchange_order_ids]


@pytest.fixture
def town() -> Town:
    return found_town()


def standing(town: Town, number: int, remaining: int, *fills: ExchangeFill) -> Sighting:
    order = ExchangeOrder(str(number), town.instrument.pk, "buy", True, 6_000_010, remaining, 0)
    return Sighting(str(number), order, fills)


def fill(town: Town, number: int, trade: str, lots: int) -> ExchangeFill:
    return ExchangeFill(trade, str(number), town.instrument.pk, "buy", 6_000_000, lots, True, LONG_AGO_NS)


def run(exchange: Exchange, after: tuple[int, int] | None = None) -> tuple[poll.Pass, list[messages.ExchangeReport]]:
    sent: list[messages.ExchangeReport] = []
    done = poll.poll(lambda report, shard: sent.append(report), NOW, after, lambda name, source, shard: exchange)
    return done, sent


def order(town: Town, number: int = 1, **changes: object) -> Order:
    return place_order(town, town.ann, number, exchange_order_id=str(number), **changes)


def test_a_fill_we_never_heard_of_goes_to_the_engine(town: Town) -> None:
    mine = order(town)
    done, sent = run(PretendExchange(standing(town, 1, 30_000, fill(town, 1, "77", 20_000))))
    assert done.mended == 1
    assert sent == [
        messages.ExchangeReport(
            owner_id=town.ann.owner.pk,
            account_id=town.ann.account.pk,
            id=str(mine.id),
            fills=[messages.ReportedFill("77", 6_000_000, 20_000, True)],
        )
    ]


def test_a_fill_we_have_is_not_told_again(town: Town) -> None:
    mine = order(town, filled_quantity=Decimal("0.2"), status="partially_filled")
    book_fill(town, town.ann, mine, exchange_trade_id="77", quantity=Decimal("0.2"))
    done, sent = run(PretendExchange(standing(town, 1, 30_000, fill(town, 1, "77", 20_000))))
    assert (done.asked, sent) == (1, [])


def test_an_order_gone_from_the_exchange_is_reported_over(town: Town) -> None:
    order(town)
    _, sent = run(PretendExchange())
    assert [(report.closed, report.fills) for report in sent] == [("4", [])]


def test_an_order_that_moved_while_we_asked_is_left_to_the_next_pass(town: Town) -> None:
    mine = order(town)

    class Busy(PretendExchange):
        def fetch_orders(self, account_id: int, exchange_order_ids: Sequence[str]) -> list[Sighting]:
            Order.objects.filter(id=mine.id).update(seq=2, status="canceled")
            return super().fetch_orders(account_id, exchange_order_ids)

    assert run(Busy())[1] == []


def test_final_and_very_young_orders_are_not_asked_about(town: Town) -> None:
    order(town, 1, status="filled")
    order(town, 2, created_at=NOW - timedelta(seconds=1))
    order(town, 3)
    exchange = PretendExchange(standing(town, 3, 50_000))
    run(exchange)
    assert exchange.asked == ["3"]


def test_an_exchange_that_cannot_be_asked_is_no_exchange_without_orders(town: Town) -> None:
    order(town)
    done, sent = run(PretendExchange(down=True))
    assert (done.unreachable, sent) == (1, [])


def test_a_difference_is_logged_and_nothing_is_sent(town: Town, caplog: pytest.LogCaptureFixture) -> None:
    order(town)
    done, sent = run(PretendExchange(standing(town, 1, 10_000)))
    assert (done.differences, sent) == (1, [])
    assert "nothing was changed" in caplog.text


def test_a_long_list_is_asked_about_in_passes(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poll, "ORDERS_MAX", 2)
    for number in (1, 2, 3):
        order(town, number)
    exchange = PretendExchange(*(standing(town, number, 50_000) for number in (1, 2, 3)))
    first, _ = run(exchange)
    second, _ = run(exchange, first.next_after)
    assert exchange.asked == ["1", "2", "3"]
    assert (first.next_after, second.next_after) == ((0, 2), None)


def test_each_persons_orders_are_asked_about_under_their_own_account(town: Town) -> None:
    order(town, 1)
    place_order(town, town.bob, 2, exchange_order_id="2")
    _, sent = run(PretendExchange())
    assert {(report.owner_id, report.account_id) for report in sent} == {
        (person.owner.pk, person.account.pk) for person in (town.ann, town.bob)
    }
