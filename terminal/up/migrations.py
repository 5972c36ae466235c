"""Whether a database has every migration already, asked without starting Django: most starts have nothing to migrate."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import psycopg

APPS = ("marketdata", "orders", "strategies", "terminal")
DJANGO_APPS = ("admin", "auth", "contenttypes", "sessions")


def expected(root: Path) -> set[tuple[str, str]]:
    """Every migration in our files and in Django's."""
    django = importlib.util.find_spec("django")
    contrib = Path(django.origin).parent / "contrib" if django and django.origin else root
    folders = {app: root / app / "migrations" for app in APPS}
    folders.update({app: contrib / app / "migrations" for app in DJANGO_APPS})
    return {(app, file.stem) for app, folder in folders.items() for file in folder.glob("[0-9]*.py")}


def all_applied(database_url: str, root: Path) -> bool:
    """True when the database has them all; when in doubt False, and `migrate` finds out."""
    try:
        with psycopg.connect(database_url) as link:
            applied = set(link.execute("SELECT app, name FROM django_migrations").fetchall())
    except psycopg.Error:
        return False
    return bool(applied) and expected(root) <= applied
