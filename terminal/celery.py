"""The Celery app: the tasks' broker and schedule, and the workers that host the long-lived services."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any
from urllib.parse import parse_qs, urlsplit

from celery import Celery
from celery.schedules import crontab
from celery.signals import setup_logging
from click import Option

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "terminal.settings")
# Django's checks import every screen and the REST framework; migrations have run them, an engine shall start in a second.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

from django.conf import settings

from terminal.service_step import ServiceStep


def broker_url(redis_url: str) -> str:
    """Celery's spelling of a Redis address: it names unix sockets `redis+socket://`."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.path}?virtual_host={database}"


# Celery warns root because of pickled messages; ours are JSON.
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

# Each entry: name -> task, seconds or crontab. Apps append theirs here; nothing else schedules.
SCHEDULE: dict[str, dict[str, Any]] = {
    "poll tracked orders": {"task": "orders.tasks.poll_orders", "schedule": 2.0, "options": {"expires": 2}},
    "make partitions": {"task": "marketdata.tasks.make_partitions", "schedule": crontab(hour=0, minute=10)},
    "chain audit": {"task": "orders.tasks.chain_audit", "schedule": 5.0, "options": {"expires": 5}},
    "verify audit": {"task": "orders.tasks.verify_audit", "schedule": crontab(hour=3, minute=45)},
    "forget flights": {"task": "orders.tasks.forget_flights", "schedule": crontab(minute=20)},
    "clear sessions": {"task": "terminal.tasks.clear_sessions", "schedule": crontab(hour=3, minute=30)},
}

app = Celery("terminal")
app.conf.update(
    broker_url=broker_url(settings.REDIS_URL),
    # Nothing waits for a task's result: what a task found out is a row.
    result_backend=None,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    event_serializer="json",
    timezone="UTC",
    enable_utc=True,
    # The bus may be away for a while; the services inside the workers go on, and Celery asks for ever.
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"socket_keepalive": True},
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_send_task_events=False,
    worker_enable_remote_control=True,
    beat_schedule=SCHEDULE,
    beat_scheduler="terminal.beat:LeasedScheduler",
)
# A worker that hosts a service runs no tasks and imports none: an engine never loads ccxt.
if "--service" not in sys.argv:
    app.autodiscover_tasks(["marketdata", "orders", "strategies", "terminal"])


@setup_logging.connect(weak=False)
def keep_our_logging(**_: Any) -> None:
    """Celery configures logging only when nobody listens here; ours is in settings."""


app.user_options["worker"].add(
    Option(["--service"], default=None, help="Host this long-lived service: engine, feed or strategies.")
)
app.steps["worker"].add(ServiceStep)
