"""The conditions of an order as a body gives them: each type its own fields, and nothing that cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from orders import conditions
from orders.errors import ApiError
from orders.messages import Terms
from orders.reading import Reader

TICK = Decimal("0.01")


def read(kind: str, time_in_force: str = "gtc", **body: Any) -> conditions.Conditions:
    reader = Reader(body, {})
    made = conditions.read(reader, kind, time_in_force)
    reader.done()
    return made


def wrong(kind: str, time_in_force: str = "gtc", **body: Any) -> dict[str, str]:
    with pytest.raises(ApiError) as caught:
        read(kind, time_in_force, **body)
    assert caught.value.status == 400
    return dict(caught.value.extra["errors"])


@pytest.mark.parametrize(
    ("kind", "tif", "body", "field"),
    [
        ("stop", "gtc", {}, "stop_price"),
        ("stop_limit", "gtc", {}, "stop_price"),
        ("take_profit", "gtc", {"stop_price": None}, "stop_price"),
        ("limit", "gtc", {"stop_price": "1"}, "stop_price"),
        ("market", "ioc", {"stop_price": "1"}, "stop_price"),
        ("stop", "gtc", {"stop_price": 1}, "stop_price"),
        ("stop", "gtc", {"stop_price": "0"}, "stop_price"),
        ("stop", "gtc", {"stop_price": "1", "trail_amount": "1"}, "trail_amount"),
        ("trailing_stop", "gtc", {}, "trail_amount"),
        ("trailing_stop", "gtc", {"trail_amount": "1", "trail_percent": "1"}, "trail_percent"),
        ("trailing_stop", "gtc", {"trail_percent": "1.005"}, "trail_percent"),
        ("trailing_stop", "gtc", {"trail_percent": "100"}, "trail_percent"),
        ("limit", "gtd", {}, "expires_at"),
        ("limit", "day", {"expires_at": "2030-01-01T00:00:00Z"}, "expires_at"),
        ("limit", "gtd", {"expires_at": "2030-01-01"}, "expires_at"),
        ("limit", "gtd", {"expires_at": "2030-01-01T00:00:00"}, "expires_at"),
        ("limit", "gtd", {"expires_at": "2030-01-01T00:00:00+02:00"}, "expires_at"),
        ("limit", "gtd", {"expires_at": "2030-13-01T00:00:00Z"}, "expires_at"),
        ("limit", "gtd", {"expires_at": "2300-01-01T00:00:00Z"}, "expires_at"),
        ("limit", "gtd", {"expires_at": 1893456000}, "expires_at"),
        ("limit", "gtc", {"take_profit": "70000"}, "take_profit"),
        ("limit", "gtc", {"take_profit": {}}, "take_profit.price"),
        ("limit", "gtc", {"take_profit": {"price": 70000}}, "take_profit.price"),
        ("limit", "gtc", {"take_profit": {"price": "70000", "limit": "1"}}, "take_profit.limit"),
        ("limit", "gtc", {"stop_loss": {"limit_price": "1"}}, "stop_loss.stop_price"),
        ("limit", "gtc", {"reduce_only": "true"}, "reduce_only"),
        ("limit", "gtc", {"allow_duplicate": 1}, "allow_duplicate"),
    ],
)
def test_what_does_not_belong_to_the_type_is_named(kind: str, tif: str, body: dict[str, Any], field: str) -> None:
    assert field in wrong(kind, tif, **body)


def test_prices_become_ticks_and_percents_basis_points() -> None:
    made = read("stop", "gtc", stop_price="61000.5", take_profit={"price": "70000"},
                stop_loss={"stop_price": "60000", "limit_price": "59999.99"})  # fmt: skip
    assert made.terms(TICK) == Terms(
        stop_ticks=6_100_050, take_profit_ticks=7_000_000, stop_loss_ticks=6_000_000, stop_loss_limit_ticks=5_999_999
    )
    assert read("trailing_stop", trail_percent="1.5").terms(TICK) == Terms(trail=150, trail_percent=True)
    assert read("trailing_stop", trail_amount="1.5").terms(TICK) == Terms(trail=150)


def test_an_expiry_is_read_to_the_microsecond() -> None:
    made = read("limit", "gtd", expires_at="2030-01-02T03:04:05.000006Z")
    assert made.expires_at == datetime(2030, 1, 2, 3, 4, 5, 6, UTC)
    terms = made.terms(TICK)
    assert terms is not None and terms.expires_at_ns == 1_893_553_445_000_006_000


def test_a_plain_order_carries_no_terms_and_hashes_as_ever() -> None:
    plain = read("limit", post_only=False, reduce_only=None, extended_hours=False, take_profit=None)
    assert plain.terms(TICK) is None and plain.parts() == ()


def test_each_condition_makes_it_another_request() -> None:
    asked = [
        read("limit", post_only=True), read("limit", reduce_only=True), read("limit", allow_duplicate=True),
        read("stop", stop_price="1"), read("trailing_stop", trail_amount="1"), read("trailing_stop", trail_percent="1"),
        read("limit", take_profit={"price": "1"}), read("limit", stop_loss={"stop_price": "1"}),
        read("limit", stop_loss={"stop_price": "1", "limit_price": "1"}),
        read("limit", "gtd", expires_at="2030-01-01T00:00:00Z"),
    ]  # fmt: skip
    assert len({one.parts() for one in asked}) == len(asked)
    assert read("stop", stop_price="1.0").parts() == read("stop", stop_price="1").parts()


def test_a_price_off_its_tick_is_422_with_the_nearest() -> None:
    with pytest.raises(ApiError) as caught:
        read("stop", stop_price="1.005").terms(TICK)
    assert (caught.value.status, caught.value.code) == (422, "PRICE_PRECISION")
