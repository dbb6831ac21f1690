"""Discoveries in a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from steeple.client import Client

from .catalogue import photo
from .conftest import Visit
from .driving import NARROW
from .sent_photos import packed, payload, view
from .test_add import looks_right, refusals


@pytest.fixture
def client(served: dict[str, Any]) -> Iterator[Client]:
    with Client(served["address"]) as client:
        yield client


def heap(photographs: Mapping[str, bytes], *names: str, views: int) -> dict[str, bytes]:
    """Views of each photograph, and one stranger."""
    seen = {f"{name[:5]}-{k}.jpg": view(photo(photographs, name), k) for name in names for k in range(views)}
    return seen | {"stranger.jpg": view(photo(photographs, "thermal"), 0)}


def test_a_heap_becomes_landmarks_by_keyboard(  # noqa: PLR0915 - one journey
    visit: Visit, client: Client, photographs: Mapping[str, bytes], pictures: Path
) -> None:
    visitor = visit("/discover", color_scheme="light")
    page = visitor.page
    looks_right(visitor, pictures, "discover")
    sent = heap(photographs, "barbershop-00000000", "sist_chapel", "satellite_img", views=3) | {"broken.jpg": b"no"}
    page.locator("#files").set_input_files(payload("heap.zip", packed(sent), "application/zip"))
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/discover/2*")
    cards = page.locator("[data-proposal]")
    expect(cards).to_have_count(3, timeout=60_000)
    expect(page.get_by_role("heading", level=1)).to_have_text("3 proposals to decide")
    expect(page.locator("#problems")).to_contain_text("broken.jpg")
    looks_right(visitor, pictures, "discovery")
    numbers = [card.get_attribute("data-proposal") for card in cards.all()]

    def focused() -> str | None:
        return str(page.evaluate("document.activeElement.closest('[data-proposal]')?.dataset.proposal"))

    page.keyboard.press("j")
    assert focused() == numbers[0]
    page.keyboard.press("d")
    expect(page.locator("#undo")).to_contain_text("was discarded")
    expect(cards).to_have_count(2)
    assert focused() == numbers[1], "the next one has the focus"
    page.keyboard.press("u")
    expect(page.locator("#undo")).to_contain_text("is proposed again")
    expect(cards).to_have_count(3)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    assert focused() == numbers[1]
    for number in (numbers[0], numbers[1]):
        page.locator(f"#proposal-{number}").focus()
        page.keyboard.press("x")
    expect(page.locator("[data-picked]")).to_have_text("2 chosen")
    page.get_by_role("button", name="Merge them into one").click()
    expect(page.locator("#undo")).to_contain_text("of 6 photos")
    expect(cards).to_have_count(2)
    # One of the three photos is chosen to be split off, on the page of its proposal.
    page.locator(f"#proposal-{numbers[0]} h2 a").click()
    expect(page.locator(".ring-edge").first).to_be_attached()
    looks_right(visitor, pictures, "proposal")
    page.locator('.proposal input[name="photos"]').nth(5).check()
    page.get_by_role("button", name="Split chosen").click()
    expect(page.locator(".note")).to_contain_text("became proposal")
    expect(page.locator(".keys")).to_be_visible()
    expect(cards).to_have_count(3)
    chapel = page.locator("[data-proposal]").filter(has=page.get_by_role("button", name="Add to Sistine Chapel")).first
    plain = page.locator("[data-proposal]").filter(has_not=page.locator("[data-addition]")).first
    plain.focus()
    page.keyboard.press("a")
    expect(plain.get_by_label("What is it called?")).to_be_focused()
    page.keyboard.type("Lima <from above>")
    page.keyboard.press("Enter")
    expect(page.locator("#undo")).to_contain_text("“Lima <from above>”")
    expect(cards).to_have_count(2)
    (made,) = [one for one in client.list_landmarks() if one.display_name == "Lima <from above>"]
    assert made.reference_image_count >= 1
    before = client.get_landmark("sistine").reference_image_count
    chapel.focus()
    page.keyboard.press("a")
    expect(page.locator("#undo")).to_contain_text("“Sistine Chapel”")
    assert client.get_landmark("sistine").reference_image_count > before
    page.get_by_role("link", name="Accepted").click()
    expect(page.locator(".proposal")).to_have_count(2)
    assert visitor.violations() == []


def test_proposals_are_read_and_decided_without_a_script(
    visit: Visit, served: dict[str, Any], client: Client, photographs: Mapping[str, bytes]
) -> None:
    for name, data in heap(photographs, "notre_dame", views=2).items():
        (served["folder"] / "import" / "heap").mkdir(exist_ok=True)
        (served["folder"] / "import" / "heap" / name).write_bytes(data)
    visitor = visit("/discover", java_script_enabled=False, viewport=NARROW)
    page = visitor.page
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#files-problem")).to_contain_text("Choose photos")
    page.locator("summary", has_text="A folder of the server").click()
    page.get_by_label("Folder below").fill("heap")
    page.locator("summary", has_text="How photos become proposals").click()
    page.get_by_label("so many views").fill("1000000")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#min_views-help")).to_contain_text("must be 1 to 1000")
    page.get_by_label("so many views").fill("2")
    page.get_by_role("button", name="Begin").click()
    page.wait_for_url("**/discover/2*")
    discovery = page.url.rpartition("/")[2]
    client.wait_operation(discovery)
    page.reload()
    expect(page.locator(".proposal")).to_have_count(1)
    page.get_by_role("button", name="Accept").click()
    expect(page.locator(".problem").first).to_have_text("Give the landmark a name.")
    page.get_by_role("button", name="Split chosen").click()
    expect(page.locator(".problem").first).to_contain_text("Choose the photos")
    page.get_by_role("button", name="Discard").click()
    expect(page.locator(".note")).to_contain_text("was discarded. It can be restored.")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing left to decide")
    page.get_by_role("link", name="Discarded").click()
    page.get_by_role("button", name="Restore").click()
    expect(page.locator(".proposal")).to_have_count(1)
    page.get_by_role("link", name="Left over").click()
    expect(page.locator(".tile")).to_contain_text("stranger.jpg")
    expect(page.locator(".tile")).to_contain_text("match")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("p.note")).to_contain_text("were deleted")
    assert discovery not in [one.id for one in client.list_discoveries()]
    refusals(visitor, 400, 400, 400, 400)
