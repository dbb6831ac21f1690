"""Long work, as pages show it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from steeple.client import Client, OperationState
from steeple.errors import NotFoundError

from .conftest import Visit
from .driving import NARROW


@pytest.fixture
def client(served: dict[str, Any]) -> Iterator[Client]:
    with Client(served["address"]) as connected:
        yield connected


def test_what_an_operation_has_made_can_be_fetched(visit: Visit, client: Client, pictures: Path) -> None:
    made = client.wait_operation(client.export_catalogue())
    visitor = visit("/operations")
    page = visitor.page
    visitor.examine()
    page.get_by_role("link", name="Export catalogue").first.click()
    page.wait_for_url(f"**/operations/{made.id}")
    visitor.examine()
    visitor.save(pictures / "operation.png")
    with page.expect_download() as started:
        page.get_by_role("link", name="Download").click()
    assert started.value.suggested_filename == made.results["file"]
    data = Path(started.value.path()).read_bytes()
    assert hashlib.sha256(data).hexdigest() == made.results["file_sha256"]
    page.get_by_role("button", name="Forget it").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget it").click()
    page.get_by_text("The operation is forgotten").wait_for()
    with pytest.raises(NotFoundError):
        client.get_operation(made)


def test_problems_are_told_and_an_operation_is_followed_to_its_end(
    visit: Visit, client: Client, served: dict[str, Any]
) -> None:
    folder = served["folder"] / "import" / "broken"
    folder.mkdir(exist_ok=True)
    for number in range(40):
        (folder / f"photo-{number:02}.jpg").write_bytes(b"this is no photo %d" % number)
    visitor = visit(viewport=NARROW, color_scheme="dark")
    begun = client.import_reference_images(folder=".")
    page = visitor.go(f"/operations/{begun.id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Done")  # by itself
    assert client.get_operation(begun).state is OperationState.SUCCEEDED
    expect(page.get_by_role("heading", name="40 problems")).to_be_visible()
    expect(page.locator("#problems tbody tr")).to_have_count(30)
    visitor.examine()
    page.get_by_role("link", name="Next").click()
    page.wait_for_url("**problems=**")
    expect(page.locator("#problems tbody tr")).to_have_count(10)


def test_lists_can_be_narrowed_and_work_without_script(visit: Visit, client: Client) -> None:
    client.wait_operation(client.create_snapshot())
    page = visit("/operations", java_script_enabled=False).page
    page.get_by_role("link", name="Failed").click()
    page.wait_for_url("**state=failed")
    page.get_by_role("heading", name="None here").wait_for()
    page.get_by_role("navigation", name="Which operations").get_by_role("link", name="Done").click()
    page.wait_for_url("**state=done")
    page.get_by_role("link", name="Create snapshot").first.click()
    expect(page.get_by_text("What came of it")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).not_to_be_visible()
