"""What beat starts exists, and a worker without a service knows it; the tracked orders are polled every two seconds."""

from __future__ import annotations

from terminal.celery import SCHEDULE, app


def test_every_scheduled_task_is_one() -> None:
    app.loader.import_default_modules()
    app.finalize()
    assert {entry["task"] for entry in SCHEDULE.values()} <= set(app.tasks)


def test_tracked_orders_are_polled_and_a_poll_that_waited_is_dropped() -> None:
    entry = SCHEDULE["poll tracked orders"]
    assert (entry["task"], entry["schedule"]) == ("orders.tasks.poll_orders", 2.0)
    assert entry["options"]["expires"] <= entry["schedule"]
