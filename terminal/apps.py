"""Django's view of the app."""

from __future__ import annotations

from django.apps import AppConfig

# Importing the Celery app is what sends every `@shared_task` of the apps to our broker.
from terminal import celery as celery
from terminal import checks as checks


class TerminalConfig(AppConfig):
    name = "terminal"
    default_auto_field = "django.db.models.BigAutoField"
