"""How the server is, as a page of it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from steeple.client import Client
from steeple.errors import NotFoundError

from .catalogue import photo
from .conftest import Guarded, Visit
from .driving import NARROW, WIDE


@pytest.fixture(scope="module")
def asked(served: dict[str, Any], photographs: Mapping[str, bytes]) -> Iterator[Client]:
    """A client of a server that was asked something."""
    with Client(served["address"]) as client:
        for name in ("montmartre_close", "gcs_close", "fsm"):
            client.identify(photo(photographs, name), upload=True)
        yield client


def number_of(text: str) -> int:
    return int(text.replace(",", ""))


def test_it_tells_of_traffic_and_looks_again_until_it_is_paused(visit: Visit, asked: Client, pictures: Path) -> None:
    visitor = visit()
    page = visitor.page
    page.clock.install()
    visitor.go("/health")
    identified = page.locator("#figures .figure", has_text="Identified").locator("dd").first
    before = number_of(identified.inner_text())
    told = page.get_by_role("img", name="calls,")
    assert "0 errors" in (told.get_attribute("aria-label") or "")
    expect(page.get_by_role("img", name="Identify: half took at most")).to_be_visible()
    expect(page.get_by_role("heading", name="Search the index")).to_be_visible()
    expect(page.locator("#methods tbody tr", has_text="Identify").locator("td").nth(1)).to_have_text("3")
    visitor.examine()
    visitor.save(pictures / "health.png")
    page.get_by_role("link", name="Create landmark").click()
    expect(page.get_by_role("heading", name="How long “Create landmark” takes")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "Create landmark", "focus stays where it was"
    asked.list_landmarks().page()
    calls = page.locator("#figures .figure", has_text="Calls").locator("dd").first
    earlier = number_of(calls.inner_text())
    page.get_by_role("button", name="Pause").click()
    page.clock.fast_forward(10_500)
    with page.expect_response(lambda response: "/health?" in response.url):
        page.get_by_role("button", name="Go on").click()
        page.clock.fast_forward(10_500)
    expect(calls).not_to_have_text(f"{earlier:,}")
    assert number_of(identified.inner_text()) == before
    page.get_by_role("link", name="6 hours").click()
    page.wait_for_url("**minutes=360**")
    expect(page.get_by_role("link", name="6 hours")).to_have_attribute("aria-current", "page")


def test_it_tells_of_index_confidence_and_storage(visit: Visit, asked: Client) -> None:
    visitor = visit("/health")
    page = visitor.page
    index, storage = page.locator("#index"), page.locator("#storage")
    expect(index).to_contain_text("5 with 5,000 local features")
    threshold = asked.calibration().threshold
    models = page.locator("#models")
    expect(models).to_contain_text(f"{100 * threshold:.0f} % confidence")
    expect(models.get_by_role("img", name="Reliability diagram of delf-lite2-v1")).to_be_visible()
    if storage.get_by_text("It is being measured").is_visible():
        asked.storage()
        visitor.go("/health")
    expect(storage.get_by_role("row", name="Photos")).to_be_visible()
    expect(storage).to_contain_text("free of")


def test_snapshots_are_made_verified_and_deleted(visit: Visit, asked: Client) -> None:
    visitor = visit("/health")
    page = visitor.page
    matters = page.locator("#attention")
    expect(matters.get_by_text("There is no snapshot")).to_be_visible()
    page.get_by_role("button", name="Make a snapshot").click()
    page.wait_for_url("**/operations/*")
    made = asked.wait_operation(page.url.rpartition("/")[2]).results["snapshot"]
    name = made.removeprefix("snapshots/")
    visitor.go("/health")
    expect(matters.get_by_text("There is no snapshot")).not_to_be_visible()
    expect(matters.get_by_text("Snapshots lie on the same disk")).to_be_visible()
    page.get_by_role("button", name=f"Verify the snapshot {name}").click()
    page.wait_for_url("**/operations/*")
    assert asked.wait_operation(page.url.rpartition("/")[2]).problem_count == 0
    visitor.go("/health")
    page.get_by_role("button", name=f"Delete the snapshot {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text(f"The snapshot {name} is deleted").wait_for()
    with pytest.raises(NotFoundError):
        asked.get_snapshot(made)
    visitor.complaints.clear()


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=["wide-dark", "narrow-light"])
def test_it_looks_right_everywhere_and_without_script(
    visit: Visit, asked: Client, size: dict[str, int], scheme: str
) -> None:
    visitor = visit("/health", viewport=size, color_scheme=scheme)
    visitor.examine()
    plain = visit("/health", viewport=size, color_scheme=scheme, java_script_enabled=False).page
    expect(plain.get_by_role("button", name="Pause"), "what does nothing is not offered").not_to_be_visible()
    plain.get_by_role("link", name="3 hours").click()
    plain.wait_for_url("**minutes=180**")
    expect(plain.get_by_role("img", name="calls,")).to_be_visible()


def test_readers_see_no_snapshots(visit: Visit, guarded: Guarded) -> None:
    visitor = visit(url=guarded.console)
    cookie = {"name": "steeple_session", "value": guarded.secrets["reader"], "url": guarded.console}
    visitor.page.context.add_cookies([cookie])  # type: ignore[list-item] # a dictionary is what it is
    visitor.go("/health")
    expect(visitor.page.locator("#snapshots")).to_have_count(0)
    visitor.examine()
