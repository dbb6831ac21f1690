"""Trying a photo out in the console: chosen, dropped and pasted; with few bytes, another threshold, and why."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from steeple.client import Client

from .catalogue import photo
from .conftest import Visit
from .driving import NARROW, Visitor

DROP = """([selector, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], "photo.jpg", { type: "image/jpeg" }));
  const event = selector
    ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
    : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true });
  (selector ? document.querySelector(selector) : document.body).dispatchEvent(event);
}"""


def upload(name: str, data: bytes) -> Any:
    return {"name": f"{name}.jpg", "mimeType": "image/jpeg", "buffer": data}


def choose(visitor: Visitor, name: str, data: bytes) -> Page:
    """The page about a photo that was chosen."""
    page = visitor.page
    page.get_by_label("Choose a photo").set_input_files(upload(name, data))
    page.wait_for_url("**/try/*")
    return page


def slide(page: Page, name: str, value: int) -> None:
    """Moves a slider by keyboard, and waits for the page to follow."""
    knob = page.get_by_label(name)
    knob.focus()
    steps = value - int(knob.input_value())
    with page.expect_response(re.compile(r"/try/[^/]+\?")):
        for _ in range(abs(steps)):
            page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")
    expect(page.locator(".busy")).to_have_count(0)


def clean(visitor: Visitor) -> None:
    """Nothing is wrong with the page in light and dark, wide and narrow."""
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme)
        assert visitor.violations() == []
    size = visitor.page.viewport_size
    visitor.page.set_viewport_size(NARROW)
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the side"
    visitor.page.set_viewport_size(size)


@pytest.mark.parametrize("dark", [False, True])
def test_look(visit: Visit, photographs: Mapping[str, bytes], pictures: Path, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    visitor = visit("/try", color_scheme=scheme)
    visitor.save(pictures / f"try-{scheme}.png")
    page = choose(visitor, "station", photo(photographs, "gcs_close"))
    page.wait_for_selector("#why table")
    page.wait_for_load_state("networkidle")
    visitor.save(pictures / f"try-answer-{scheme}.png")
    page.set_viewport_size(NARROW)
    visitor.save(pictures / f"try-answer-narrow-{scheme}.png")
    visitor.go("/try")
    visitor.save(pictures / f"try-narrow-{scheme}.png")
