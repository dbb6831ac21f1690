"""A real browser in front of a real server's console."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Error, Page, sync_playwright

WIDE: Final = {"width": 1280, "height": 860}
NARROW: Final = {"width": 390, "height": 844}

_FLAGS: Final = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")


class NoBrowserError(Exception):
    """No browser can be started here."""


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium, headless: the one of ``STEEPLE_CHROMIUM``, the system's, or Playwright's own.

    Raises:
        NoBrowserError: If there is none.
    """
    program = os.environ.get("STEEPLE_CHROMIUM") or next(filter(None, map(shutil.which, _PROGRAMS)), None)
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()  # it refuses to run as root with one
    with sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=program, args=[*_FLAGS, *sandbox])
        except Error as error:
            reason = str(error).strip().splitlines()[0]
            raise NoBrowserError(f"no Chromium can be started (apt-get install chromium): {reason}") from error
        try:
            yield started
        finally:
            started.close()


class Visitor:
    """Somebody at a browser. What goes wrong on a page, or leaves for another host, is remembered.

    Args:
        page: Of the browser.
        url: Of the console.
        scripted: Whether pages may run their script.

    Attributes:
        page: The same.
        url: The same.
        complaints: What the browser complained of: errors of scripts, refusals by the policy, requests that failed.
        strays: Requests for anything but the console.
    """

    def __init__(self, page: Page, url: str, *, scripted: bool = True) -> None:
        self.page = page
        self.url = url
        self._scripted = scripted
        self.complaints: list[str] = []
        self.strays: list[str] = []
        page.on("console", lambda message: self._complain(message.type, f"{message.text} {message.location['url']}"))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self._look_at(request.url))

    def _complain(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)

    def _look_at(self, url: str) -> None:
        if not url.startswith((f"{self.url}/", "blob:", "data:")):
            self.strays.append(url)

    def go(self, path: str) -> Page:
        """Opens a page of the console; its script, if it has one, has begun when this returns."""
        self.page.goto(self.url + path)
        if self._scripted and self.page.locator("script[type=module]").count():
            self.page.locator("html[data-ready]").wait_for(state="attached")
        return self.page

    def violations(self) -> list[str]:
        """What axe-core finds wrong with the page, serious or critical; a line each."""
        found: dict[str, Any] = Axe().run(self.page).response
        return [
            f"{violation['id']} ({violation['impact']}): {node['html']}"
            for violation in found["violations"]
            if violation["impact"] in ("serious", "critical")
            for node in violation["nodes"]
        ]

    def examine(self) -> None:
        """Whether everybody can use the page, and all of it is within the window."""
        found = self.violations()
        assert found == [], f"{self.page.url}: {found}"
        over = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert over <= 0, f"{self.page.url}: {over} pixels hang over the side"

    def save(self, path: Path) -> None:
        """Writes what is seen to a file."""
        self.page.screenshot(path=str(path), full_page=True)
