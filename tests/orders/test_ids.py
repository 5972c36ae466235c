"""Ids we make: the same input gives the same id, and no two orders of a shard share one."""

from __future__ import annotations

from orders import ids
from orders.intake import REQUEST_ID

AT = 1_800_000_000_000_000_000


def test_an_order_and_its_legs_of_one_moment_have_three_ids() -> None:
    numbers = (77, 77 | ids.TAKE_PROFIT, 77 | ids.STOP_LOSS)
    made = {ids.order_uuid(AT, 5, number) for number in numbers}
    assert len(made) == 3
    assert {(one.version, one.variant) for one in made} == {(8, "specified in RFC 4122")}


def test_the_id_of_a_placed_order_is_as_it_ever_was() -> None:
    assert str(ids.order_uuid(AT, 5, 77)) == "01a3185c-5000-8005-8000-00000000004d"


def test_no_client_can_send_the_request_id_of_a_leg() -> None:
    made = ids.leg_request_id(ids.TAKE_PROFIT, ids.order_uuid(AT, 0, 1))
    assert made.startswith("tp~") and len(made) <= 64 and not REQUEST_ID.fullmatch(made)
