"""Trying a photo out in the console: chosen, dropped and pasted; with few bytes, another threshold, and why."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, expect

from steeple.client import Client

from .catalogue import photo
from .conftest import Visit
from .driving import Visitor

PHONE = ViewportSize(width=390, height=844)
HAND_OVER = """([kind, type, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], "photo", { type }));
  const about = { bubbles: true, cancelable: true };
  const event = kind === "drop"
    ? new DragEvent("drop", { dataTransfer: files, ...about })
    : new ClipboardEvent("paste", { clipboardData: files, ...about });
  document.querySelector("[data-drop]").dispatchEvent(event);
}"""


def hand_over(page: Page, kind: str, data: bytes, media_type: str = "image/jpeg") -> None:
    """Drops or pastes a file, once scripts are there to take it."""
    page.wait_for_load_state("networkidle")
    page.evaluate(HAND_OVER, [kind, media_type, base64.b64encode(data).decode("ascii")])


def choose(visitor: Visitor, data: bytes, name: str = "photo.jpg") -> Page:
    """Chooses a photo; the page about it opens by itself."""
    page = visitor.go("/try")
    page.get_by_label("Choose a photo").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": data})
    return page


def slide(page: Page, name: str, to: str) -> None:
    """Moves a slider by keyboard to what it calls ``to``, and waits for the page to follow."""
    knob = page.get_by_label(name)
    knob.focus()
    with page.expect_response(re.compile(r"/try/[^/?]+\?")):
        page.keyboard.press("Home" if to in ("512 B", "1 %") else "End")
    expect(knob).to_have_attribute("aria-valuetext", to)
    expect(page.locator(".busy")).to_have_count(0)
    expect(knob).to_be_focused()


def identify_calls(served: Mapping[str, Any]) -> int:
    """That the server has answered."""
    with Client(served["address"]) as client:
        methods = {method.method.rpartition("/")[2]: method for method in client.traffic(period_minutes=60).methods}
        return methods["Identify"].calls if "Identify" in methods else 0


def kept_count(served: Mapping[str, Any]) -> int:
    """Queries that the server keeps, once all that it wants to keep are written."""
    with Client(served["address"]) as client:
        client.erase_queries(filter='id = "none"')
        return len(list(client.list_kept_queries()))


def check(visitor: Visitor, pictures: Path, name: str) -> None:
    """Nothing is wrong with the page in light and dark, and nothing hangs over the side of a phone's."""
    page = visitor.page
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        assert visitor.violations() == []
        visitor.save(pictures / f"{name}-{scheme}.png")
    before = page.viewport_size
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the side"
    visitor.save(pictures / f"{name}-narrow.png")
    assert before is not None
    page.set_viewport_size(before)


def test_a_photo_is_seen_as_a_phone_sees_it(
    visit: Visit, served: dict[str, Any], photographs: Mapping[str, bytes], pictures: Path
) -> None:
    visitor = visit("/try", reduced_motion="reduce")
    check(visitor, pictures, "try")
    page = choose(visitor, photo(photographs, "montmartre_close"))
    answer = page.locator("#answer")
    expect(answer).to_contain_text("Rue de l'Abreuvoir")
    expect(answer).to_contain_text(re.compile(r"Almost certain: \d\d\s%"))
    expect(page.locator("#why tbody tr").first).to_contain_text("It is the answer")
    expect(page.locator("#outline polygon")).to_have_count(2)
    sent = page.locator("#cost")
    expect(sent).to_contain_text("4.1 kB")
    expect(sent).to_contain_text("Checking geometry")
    (features,) = re.findall(r"Features sent\s*([\d,]+)", sent.inner_text())
    expect(page.locator("#why")).to_contain_text(f"{features} features of release")
    page.wait_for_load_state("networkidle")
    check(visitor, pictures, "try-answer")

    # Fewer bytes, then another threshold, which asks for nothing.
    slide(page, "Data that may be sent", "512 B")
    expect(sent).to_contain_text(re.compile(r"5\d\d bytes|4\d\d bytes"))
    calls = identify_calls(served)
    slide(page, "Confidence that is needed", "99 %")
    expect(answer).to_contain_text("UNKNOWN")
    expect(answer).to_contain_text("What would help")
    expect(answer).to_contain_text("Allow more data")
    expect(answer).to_contain_text("The server asks for 72")
    expect(page.locator("#told")).to_have_text("UNKNOWN")
    slide(page, "Confidence that is needed", "1 %")
    expect(answer).to_contain_text("Recognised")
    assert identify_calls(served) == calls

    # Another candidate, by keyboard; the page can be gone back to.
    second = page.locator("#candidate-1")
    second.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#matches")).to_contain_text(second.inner_text())
    expect(second).to_be_focused()
    expect(second).to_have_attribute("aria-current", "true")
    assert page.locator("#matches line").count() >= 3

    # It is this browser's alone, and gone when it is forgotten. Nothing was kept.
    address = page.url
    stranger = visit()
    assert stranger.page.goto(address) is not None
    assert stranger.page.url.endswith("/try")
    expect(stranger.page.get_by_role("status").first).to_contain_text("not held any more")
    page.get_by_role("button", name="Forget the photo now").click()
    expect(page).to_have_url(f"{visitor.url}/try")
    page.goto(address)
    expect(page).to_have_url(f"{visitor.url}/try")
    assert kept_count(served) == 0


def test_a_photo_is_dropped_or_pasted_and_what_is_none_is_told(
    visit: Visit, photographs: Mapping[str, bytes], pictures: Path
) -> None:
    visitor = visit("/try", reduced_motion="reduce")
    page = visitor.page
    hand_over(page, "drop", b"no photo", "text/plain")
    expect(page.locator("#told")).to_have_text("That is no photo")
    hand_over(page, "paste", photo(photographs, "gcs_close"))
    expect(page.locator("#answer")).to_contain_text("UNKNOWN")
    expect(page.locator("#answer")).to_contain_text("What would help")
    page.wait_for_load_state("networkidle")
    check(visitor, pictures, "try-unknown")
    visitor.go("/try")
    hand_over(page, "drop", photo(photographs, "montmartre_far"))
    expect(page.locator("#answer")).to_contain_text("Recognised")
    page.wait_for_load_state("networkidle")
    refused = choose(visitor, b"\xff\xd8\xff" + b"<script>" * 20)
    expect(refused.get_by_role("alert")).to_contain_text("is truncated")
    check(visitor, pictures, "try-refused")
    visitor.complaints.clear()  # a photo that cannot be used is answered with 400


def test_it_works_without_scripts_and_keeps_what_it_may(
    visit: Visit, served: dict[str, Any], photographs: Mapping[str, bytes]
) -> None:
    before = kept_count(served)
    page = visit("/try", java_script_enabled=False).page
    page.get_by_label("Choose a photo").set_input_files(
        {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photo(photographs, "montmartre_close")}
    )
    page.get_by_label("Let the server keep this query").check()
    page.get_by_role("button", name="See what it shows").click()
    expect(page.locator("#answer")).to_contain_text("Rue de l'Abreuvoir")
    page.goto(f"{page.url}?data=0&threshold=99")
    expect(page.locator("#answer")).to_contain_text("UNKNOWN")
    page.get_by_role("link", name="Show what was weighed").click()
    expect(page.locator("#reasons")).to_contain_text("Rue de l'Abreuvoir")
    assert kept_count(served) == before + 1, "once, however often it was asked"
