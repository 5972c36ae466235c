"""Where static files are kept once collected: under names with their hash, compressed, cached for ever."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Not strict: a file nobody collected is served under its plain name (a 404 for that file, not a 500 for the page)."""

    manifest_strict = False
