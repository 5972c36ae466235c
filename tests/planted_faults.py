"""Faults planted on purpose, at least one for each family of invariants: a small change of the core's C that the tests must catch.

`test_planted_faults.py` builds each into a core of its own and lets the named tests run against it; one that they do not
notice is a hole in the tests. The text to change must occur once: a fault whose text is gone is replaced, not dropped.
"""

from __future__ import annotations

from typing import NamedTuple

ORACLE = "tests/orders/test_core_against_oracle.py::test_long_random_trading_gives_what_the_oracle_gives[0]"
EDGES = "tests/orders/test_core_edges.py"
RECOVERY = "tests/orders/test_core_recovery.py"
REASONS = "tests/orders/test_core_reasons.py"
SCENARIO = "tests/scenarios/test_scenarios.py::test_the_core_gives_the_tables"
FORK = "tests/orders/test_core_fork.py"


class Fault(NamedTuple):
    family: str  # of reliability's invariants
    says: str  # what is wrong with this core
    file: str  # of orders/core
    old: str
    new: str
    caught_by: str


FAULTS = [
    Fault(
        "I1 I2 quantities", "an execution counts a lot less than was traded",
        "account.c", "    o->filled_lots = r->filled_lots;\n    count_lots", "    o->filled_lots = r->filled_lots - 1;\n    count_lots",
        f"{SCENARIO}[stops_cascade]",
    ),
    Fault(
        "I3 states", "what expired may be executed again: it is not final",
        "order.c", " || ord_status == '8' || ord_status == 'C'; }", " || ord_status == '8'; }",
        f"{RECOVERY}::test_the_exchange_may_end_an_order",
    ),
    Fault(
        "I9 I14 conservation", "a fee is rounded down, and a unit is nobody's",
        "fixed.c", "(i128)((rest * ppm + CORE_FEE_UNIT - 1) / CORE_FEE_UNIT);", "(i128)(rest * ppm / CORE_FEE_UNIT);",
        f"{EDGES}::test_a_balance_is_held_to_its_last_unit",
    ),
    Fault(
        "I12 holds", "an order that ends keeps its hold",
        "account.c", "    held(c, seat, o->side)->hold -= o->hold;\n    o->hold = r->hold = 0;", "    o->hold = r->hold = 0;",
        f"{SCENARIO}[limit_day_expires_at_midnight]",
    ),
    Fault(
        "I13 free", "money that is held can be spent once more",
        "risk.c", "bool enough = r->d->hold - r->held <= r->free;", "bool enough = r->d->hold - r->held <= r->free || r->free > 0;",
        f"{SCENARIO}[limit_money_is_short]",
    ),
    Fault(
        "I15 I17 positions", "closing leaves a unit of cost behind",
        "position.c", "fixed_share(magnitude(cost), closing, held);", "fixed_share(magnitude(cost), closing, held) - 1;",
        f"{SCENARIO}[bracket_takes_its_profit]",
    ),
    Fault(
        "I18 I19 replay", "a checkpoint forgets what was realised",
        "save.c", "{&p->qty, &p->cost, &p->realised, &p->fees}", "{&p->qty, &p->cost, &p->fees, &p->fees}",
        ORACLE,
    ),
    Fault(
        "I20 I24 idempotence", "a report that was applied is applied once more",
        "recover.c", "if (r.seq <= c->seq) continue;", "if (r.seq == 0) continue;",
        ORACLE,
    ),
    Fault(
        "I22 refusals", "a refused order leaves a trace",
        "place.c", "    r->reason = (uint16_t)d->reason;\n    r->limit = d->limit;",
        "    r->reason = (uint16_t)d->reason;\n    if (d->account) ACCOUNT(c, d->account)->late = true;\n    r->limit = d->limit;",
        f"{EDGES}::test_an_amount_of_ten_to_the_thirtysix_is_the_largest",
    ),
    Fault(
        "I23 overflow", "an amount may pass 10^36",
        "fixed.c", "return x <= CORE_AMOUNT_MAX && x >= -CORE_AMOUNT_MAX;", "return x <= CORE_AMOUNT_MAX * 2 && x >= -CORE_AMOUNT_MAX;",
        f"{EDGES}::test_a_value_of_ten_to_the_thirtysix_is_the_largest",
    ),
    Fault(
        "I27 priority", "an order that grows keeps its place in the queue",
        "straight.c", "n->price == o->price_ticks && n->lots <= o->remaining)", "n->price == o->price_ticks)",
        f"{SCENARIO}[amend_priority]",
    ),
    Fault(
        "I27 self-match", "a person's accounts trade with each other",
        "risk.c", "bool meets = r->d->preview.has_own;", "bool meets = false;",
        f"{SCENARIO}[self_trade_refused]",
    ),
    Fault(
        "I30 limits", "one open order too many is taken",
        "risk.c", "row->limits.open_orders_max, (i128)open_of(r, row) + 1)", "row->limits.open_orders_max, (i128)open_of(r, row))",
        f"{SCENARIO}[limits_of_an_account]",
    ),
    Fault(
        "I26 time", "an order lives on in the moment of its end",
        "expiry.c", "c->expiry.entries[0].key <= at_ns && c->broken", "c->expiry.entries[0].key < at_ns && c->broken",
        f"{SCENARIO}[limit_day_expires_at_midnight]",
    ),
    Fault(
        "I31 triggers", "a stop at the last price itself waits on",
        "trigger.c", "(waits_above(o) ? last >= stop : last <= stop)", "(waits_above(o) ? last > stop : last < stop)",
        ORACLE.replace("[0]", ""),
    ),
    Fault(
        "I21 purity", "a fork shares a page with its original's balances",
        "fork.c", "        copy_pages(own, array, bytes);", "        copy_pages(own, array, bytes / 2);",
        FORK,
    ),
]  # fmt: skip
