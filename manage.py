#!/usr/bin/env python
"""Meridian's commands: `python manage.py help` lists them."""

from __future__ import annotations

import os
import sys


def main() -> int:
    """Run one command. What an operator can mend is told in a sentence, with exit code 1 and no traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "terminal.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db.utils import OperationalError
    except ImportError:
        print(
            "Meridian's Python packages are not installed here. Run `make build`, then use .venv/bin/python.",
            file=sys.stderr,
        )
        return 1
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        print(f"Settings: {error}", file=sys.stderr)
        return 1
    except OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        print(f"PostgreSQL does not answer, so nothing was changed: {reason}", file=sys.stderr)
        print("Start Meridian with `make run`, or set DATABASE_URL to a server that runs.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
