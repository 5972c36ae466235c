"""A real installation and a real Chromium: `manage.py up` on a fresh directory, collected static files, nothing replaced."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.terminal.installations import ROOT, Up, environment, free_port

DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or ""


@dataclass
class Installation:
    """A running Meridian and how to get in."""

    url: str
    username: str
    password: str


@pytest.fixture(scope="session")
def installation() -> Iterator[Installation]:
    """One for all browser tests; they leave it as they found it or use things of their own."""
    if not CHROMIUM:
        pytest.skip("no Chromium here: install the package chromium, or name one in CHROMIUM")
    place = Path(tempfile.mkdtemp(prefix="meridian-browser-", dir="/tmp"))
    place.chmod(0o755)
    port = free_port()
    env = environment(STATIC_ROOT=str(place / "static"), DATA=str(place / "data"), SECRET_KEY="of the browser tests")
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"], check=True, cwd=ROOT, env=env
    )
    words = [sys.executable, "manage.py", "up", "--port", str(port), "--data", str(place / "data")]
    up = Up(place / "data", words, env=env, port=port)
    try:
        up.wait_for("Log in as", 120)
        demo = json.loads((place / "data" / "demo.json").read_text())
        yield Installation(demo["url"], demo["username"], demo["password"])
    finally:
        if up.process.poll() is None:
            up.process.terminate()
        up.ended(30)
        shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium(playwright: Playwright, installation: Installation) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def session(chromium: Browser, installation: Installation) -> Any:
    """The cookies of somebody who signed in by the form."""
    context = chromium.new_context(viewport=DESKTOP, base_url=installation.url)
    page = context.new_page()
    page.goto("/portfolio")
    page.fill("#id_username", installation.username)
    page.fill("#id_password", installation.password)
    page.click("button[type=submit]")
    page.wait_for_url("**/portfolio")
    state = context.storage_state()
    context.close()
    return state


class Watched:
    """Everything a page complained about."""

    def __init__(self) -> None:
        self.complaints: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("console", lambda note: note.type in ("error", "warning") and self.complaints.append(note.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))


@pytest.fixture
def watched() -> Iterator[Watched]:
    """No test ends well with an error in the console."""
    made = Watched()
    yield made
    assert made.complaints == []


@pytest.fixture
def context(
    chromium: Browser, installation: Installation, session: Any, request: pytest.FixtureRequest
) -> Iterator[BrowserContext]:
    viewport = getattr(request, "param", DESKTOP)
    made = chromium.new_context(viewport=viewport, base_url=installation.url, storage_state=session)
    made.set_default_timeout(10_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, watched: Watched) -> Iterator[Page]:
    """A signed-in page on the trading screen, its market live."""
    made = context.new_page()
    watched.watch(made)
    made.goto("/")
    made.wait_for_selector("body[data-feed=ok]")
    expect(made.locator("#bids .p").first).not_to_have_text("–")
    yield made
