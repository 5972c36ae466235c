"""The engine's statements find rows by an index even when their plan was made while the tables were small."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from orders.engine import copying, ledger, stored

NOW_NS = 1_763_700_000_000_000_000
ORDER = (uuid.UUID(int=1), NOW_NS, NOW_NS, "new", None, None, None, NOW_NS, None, None, None, None, 1, 1, "[]")


@pytest.mark.parametrize(
    ("statement", "kinds", "row"),
    [(stored.DECIDED, "qs", (1, "r1")), (ledger.CHANGED, ledger.CHANGED_KINDS, ORDER)],
    ids=["what was decided before", "changed orders"],
)
def test_no_statement_of_a_batch_reads_a_table_whole(
    engine: Any, statement: str, kinds: str, row: tuple[Any, ...]
) -> None:
    for _ in range(3):
        engine.ask(engine.place("buy", "0.01", "50000"))
    engine.connection.execute("ANALYZE orders_order, orders_request")  # now it is known that the tables are small
    plan = engine.connection.execute(f"EXPLAIN {statement}", copying.arrays(kinds, [row])).fetchall()
    text = "\n".join(line[0] for line in plan)
    assert "Index" in text
    assert "Seq Scan" not in text and "Hash Join" not in text
