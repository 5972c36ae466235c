"""Reading settings from the environment: an empty value is an absent one, and a wrong one is an error, never a default."""

from __future__ import annotations

import os
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

YES = {"1", "true", "on", "yes"}
NO = {"0", "false", "off", "no"}


def load(file: Path) -> None:
    """Read `.env`, if there is one; what the environment already says wins."""
    if file.exists():
        environ.Env.read_env(file)


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def switch(name: str, default: bool = False) -> bool:
    """1, true, on, yes or 0, false, off, no. A typing error must not arm, or disarm, anything."""
    value = text(name).lower()
    if not value:
        return default
    if value not in YES | NO:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes 1, true or on, or 0, false or off.")
    return value in YES


def number(name: str, default: int, least: int = 0) -> int:
    value = text(name, str(default))
    if not value.isdecimal() or int(value) < least:
        raise ImproperlyConfigured(f"{name} is {value!r}; it takes a whole number of at least {least}.")
    return int(value)


def words(name: str, default: list[str]) -> list[str]:
    """A list with commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or default


def database(name: str, url: str) -> dict[str, object]:
    """Django's form of a PostgreSQL address."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise ImproperlyConfigured(f"{name} must be a postgresql:// address; Meridian runs on nothing else.")
    found: dict[str, object] = dict(environ.Env.db_url_config(url))
    return found
