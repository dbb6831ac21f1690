"""Adding photos in a browser: one by one, as an archive that was interrupted, as a folder, without a script."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from steeple.client import Client

from .catalogue import photo
from .conftest import Visit
from .driving import NARROW, Visitor
from .sent_photos import cropped, packed, payload


@pytest.fixture
def client(served: dict[str, Any]) -> Iterator[Client]:
    with Client(served["address"]) as client:
        yield client


def looks_right(visitor: Visitor, pictures: Path, name: str) -> None:
    """In light and dark, wide and narrow."""
    wide = visitor.page.viewport_size
    assert wide is not None
    for scheme, size in (("light", wide), ("dark", NARROW)):
        # Without motion: while colours change into each other, none has its contrast yet.
        visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type] # its words
        visitor.page.set_viewport_size({"width": size["width"], "height": size["height"]})
        assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert visitor.violations() == [], (name, scheme)
        visitor.save(pictures / f"{name}-{scheme}.png")
    visitor.page.emulate_media(color_scheme="light")
    visitor.page.set_viewport_size(wide)


def refusals(visitor: Visitor, *statuses: int) -> None:
    """Browsers complain of refusals that pages show well; these, and nothing else, are expected."""
    told = [text.partition("status of ")[2][:3] for text in visitor.complaints]
    assert told == [str(status) for status in statuses]
    visitor.complaints.clear()


def row(page: Page, name: str) -> Any:
    return page.locator(".queued").filter(has=page.locator(".queued-name", has_text=name))


def test_photos_are_added_one_by_one_and_what_is_alike_is_decided(
    visit: Visit, client: Client, photographs: Mapping[str, bytes], pictures: Path
) -> None:
    visitor = visit("/add", color_scheme="light")
    page = visitor.page
    looks_right(visitor, pictures, "add")
    field = page.get_by_label("Landmark", exact=True)
    field.fill("chamber of nothing")
    page.locator("#files").set_input_files([
        payload("closer.jpg", photo(photographs, "gcs_close")),
        payload("same.jpg", photo(photographs, "gcs_far")),
        payload("crop.jpg", cropped(photo(photographs, "gcs_far"))),
        payload("chartres.jpg", cropped(photo(photographs, "chartres"))),
        payload("<img src=x>.jpg", b"no photo"),
        payload("notes.txt", b"nothing", "text/plain"),
    ])  # fmt: skip
    expect(page.locator("[data-chosen]")).to_contain_text("5 photos")
    page.get_by_role("button", name="Add 5 photos").click()
    expect(page.locator(".problem")).to_have_text(
        "There is no landmark of that name. Choose one of the list, or make a new one."
    )
    expect(field).to_be_focused()
    refusals(visitor, 400)
    field.fill("grand cen")
    expect(page.locator("#landmarks option")).to_have_attribute("value", "Grand Central Terminal (station)")
    page.get_by_role("button", name="Add 5 photos").click()
    expect(row(page, "closer").locator(".badge")).to_have_text("added", timeout=30_000)
    expect(row(page, "closer")).to_contain_text("Added")
    expect(row(page, "same").locator(".badge")).to_have_text("there already", timeout=30_000)
    expect(row(page, "<img").locator(".badge")).to_have_text("refused", timeout=30_000)
    expect(page.locator(".matched")).to_have_count(2, timeout=30_000)
    assert page.locator(".matches line").count() > 40, "lines are drawn"
    assert page.evaluate(
        "[...document.querySelectorAll('.matches image')].every((each) => each.getAttribute('href'))"
    ), "both pictures are there"
    looks_right(visitor, pictures, "add-decide")
    expect(row(page, "crop")).to_contain_text("Nearly the same photo is there already")
    expect(row(page, "crop").get_by_role("button", name="It belongs to")).to_have_count(0)
    # By the keyboard alone from here: one is left out, the focus is on the next one, which goes elsewhere.
    before = client.get_landmark("chartres").reference_image_count
    row(page, "chartres").get_by_role("button", name="Leave it out").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "It belongs to Chartres Cathedral"
    page.keyboard.press("Enter")
    expect(row(page, "chartres").locator(".badge")).to_have_text("added")
    expect(row(page, "crop").get_by_role("button", name="Leave it out")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row(page, "crop").locator(".badge")).to_have_text("left out")
    expect(page.locator("[data-chosen]")).to_contain_text("2 photos added, 1 there already, 1 left out, 1 refused")
    assert client.get_landmark("chartres").reference_image_count == before + 1
    assert client.get_landmark("station").reference_image_count == 2


def test_an_archive_goes_on_after_a_reload_and_is_followed_until_it_is_in_the_catalogue(
    visit: Visit, client: Client, photographs: Mapping[str, bytes], pictures: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "holiday.zip"
    archive.write_bytes(
        packed({
            "Notre Dame/again.jpg": cropped(photo(photographs, "notre_dame")),
            "Barber Shop/1.jpg": photo(photographs, "barbershop-00000000"),
            "Barber Shop/broken.jpg": b"no photo",
            "filler.bin": os.urandom(7 << 20),
        })
    )  # fmt: skip
    visitor = visit("/add", color_scheme="light")
    page = visitor.page
    offsets: list[int] = []

    def stop_at_the_third(route: Route) -> None:
        offsets.append(int(route.request.url.partition("offset=")[2]))
        if len(offsets) < 3:
            route.continue_()  # else it never comes to an end

    page.route("**/uploads/*?offset=*", stop_at_the_third)
    page.locator("#files").set_input_files(archive)
    expect(page.get_by_label("Each folder is a landmark")).to_be_checked()
    page.get_by_role("button", name="Add").click()
    expect(page.locator("[data-sending-text]")).to_contain_text("4.2 MB of")
    page.reload()
    page.unroute("**/uploads/*?offset=*")
    told = page.locator("[data-interrupted]")
    expect(told).to_contain_text("The upload of holiday.zip was interrupted at 4.2 MB of")
    assert visitor.violations() == []
    with page.expect_request("**/uploads/*?offset=*") as first:
        page.locator("#files").set_input_files(archive)
        page.get_by_role("button", name="Add").click()
    assert int(first.value.url.partition("offset=")[2]) == 4 << 20, "what was there is not sent again"
    assert offsets == [0, 2 << 20, 4 << 20]
    page.wait_for_url("**/add/imports/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("2 photos added, 1 landmark made", timeout=60_000)
    expect(page.locator("#problems")).to_contain_text("Barber Shop/broken.jpg")
    pair = page.locator(".pair")
    expect(pair).to_contain_text("Notre Dame/again.jpg")
    expect(pair.locator(".matches")).to_have_count(1, timeout=30_000)
    looks_right(visitor, pictures, "import")
    assert client.get_landmark("notre-dame").reference_image_count == 2
    pair.get_by_role("button", name="Take Notre Dame/again.jpg out").click()
    expect(page.locator(".note")).to_contain_text("was taken out")
    expect(page.locator(".pair .badge")).to_have_text("taken out")
    assert client.get_landmark("notre-dame").reference_image_count == 1
    page.goto(f"{visitor.url}/add")
    expect(page.locator("[data-interrupted]")).to_be_hidden()
    operation = next(iter(client.list_operations()))
    client.delete_operation(operation)


def test_a_folder_is_packed_by_the_browser_and_pasted_pictures_are_taken(
    visit: Visit, client: Client, photographs: Mapping[str, bytes], tmp_path: Path
) -> None:
    files = {
        "trip/Röschti Bar/1.jpg": photo(photographs, "visible"),
        "trip/Röschti Bar/.hidden.jpg": b"no photo",
        "trip/Thermal/2.jpg": photo(photographs, "thermal"),
        "trip/Thermal/notes.txt": b"nothing",
        "trip/Warped/3.jpg": photo(photographs, "warped"),
    }
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    page = visit("/add").page
    expect(page.get_by_text("or paste a picture")).to_be_visible()
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["x"], "image.png", { type: "image/png" }));
          document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
        }"""
    )
    expect(page.locator(".queued-name")).to_contain_text("pasted-")
    page.get_by_role("button", name="Remove pasted-").click()
    expect(page.locator("#files")).to_be_focused()
    page.locator("#folder").set_input_files(tmp_path / "trip")
    expect(page.locator("[data-chosen]")).to_contain_text("3 photos")
    expect(page.get_by_label("Each folder is a landmark")).to_be_checked()
    page.get_by_label("When a photo is nearly").select_option("add")
    page.get_by_role("button", name="Add 3 photos").click()
    page.wait_for_url("**/add/imports/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("3 photos added, 3 landmarks made", timeout=60_000)
    assert client.get_landmark("roschti-bar").display_name == "Röschti Bar"
    assert client.get_landmark("warped").reference_image_count == 1


def test_photos_are_added_without_a_script(
    visit: Visit, served: dict[str, Any], client: Client, photographs: Mapping[str, bytes], pictures: Path
) -> None:
    visitor = visit("/add", java_script_enabled=False, viewport=NARROW)
    page = visitor.page
    page.get_by_label("A new landmark").check()
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".problem")).to_contain_text("Choose photos")
    page.get_by_label("A new landmark").check()
    page.locator("#files").set_input_files([
        payload("crop.jpg", cropped(photo(photographs, "montmartre_far"))),
        payload("bad.jpg", b"no photo"),
    ])  # fmt: skip
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#display_name-help")).to_have_text("Give the new landmark a name.")
    page.get_by_label("Name").fill("<b>Corner</b>")
    page.locator("#files").set_input_files([
        payload("crop.jpg", cropped(photo(photographs, "montmartre_far"))),
        payload("bad.jpg", b"no photo"),
    ])  # fmt: skip
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 photo added")
    expect(page.get_by_role("row").filter(has_text="bad.jpg")).to_contain_text("refused")
    expect(page.locator(".pair img")).to_have_count(2)
    visitor.save(pictures / "added-without-script.png")
    page.get_by_role("button", name="It belongs to Rue de l'Abreuvoir").click()
    expect(page.locator(".note")).to_have_text("The photo was moved.")
    assert client.get_landmark("montmartre").reference_image_count == 2
    made = [one for one in client.list_landmarks() if one.display_name == "<b>Corner</b>"]
    assert [one.reference_image_count for one in made] == [0]
    (served["folder"] / "import" / "ISS").mkdir()
    (served["folder"] / "import" / "ISS" / "1.jpg").write_bytes(photo(photographs, "photo_from_iss"))
    visitor.go("/add")
    page.locator("summary", has_text="A folder of the server").click()
    page.get_by_label("Folder below").fill("nowhere")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#server_folder-help")).to_contain_text("nowhere")
    page.get_by_label("Folder below").fill(".")
    page.get_by_role("button", name="Add").click()
    page.wait_for_url("**/add/imports/*")
    client.wait_operation(page.url.rpartition("/")[2])
    page.get_by_role("link", name="Look again").or_(page.get_by_role("link", name="Add more")).first.click()
    assert client.get_landmark("iss").reference_image_count == 1
    refusals(visitor, 400, 400, 400)


def test_events_tell_of_an_operation_and_end_with_it(
    served: dict[str, Any], client: Client, photographs: Mapping[str, bytes]
) -> None:
    (served["folder"] / "import" / "More").mkdir()
    (served["folder"] / "import" / "More" / "1.jpg").write_bytes(photo(photographs, "satellite_img"))
    operation = client.import_reference_images(folder=".")
    events = f"{served['console']}/{operation.name}/events"
    with urllib.request.urlopen(events, timeout=60) as answer:  # noqa: S310 - http, of this test's own server
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        blocks = answer.read().decode().strip().split("\n\n")
    names = [block.partition("\n")[0] for block in blocks]
    assert names[0].startswith("retry:")
    assert names[-1] == "event: end"
    assert "event: progress" in names
    facts = json.loads(blocks[-1].partition("data: ")[2])
    assert (facts["state"], facts["problems"]) == ("Done", 0)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(events.replace(operation.id, "none"), timeout=60)  # noqa: S310 - the same
    with caught.value as refusal:
        assert refusal.code == 404


def test_pieces_are_only_taken_from_the_consoles_own_pages(visit: Visit, client: Client) -> None:
    visitor = visit("/add")
    page = visitor.page
    upload = client.create_upload("a.zip", 10)
    send = """([path, headers, body]) => fetch(path, { method: "POST", headers, body }).then((r) => r.status)"""
    path = f"/uploads/{upload.id}?offset=0"
    token = page.locator('meta[name="form-token"]').get_attribute("content")
    assert page.evaluate(send, [path, {}, "12345"]) == 403
    assert page.evaluate(send, [path, {"x-form-token": token}, "12345"]) == 200
    assert page.evaluate(send, [path, {"x-form-token": token}, "12345"]) == 409, "it is further than that"
    assert page.evaluate(send, [f"/uploads/{upload.id}?offset=x", {"x-form-token": token}, "1"]) == 400
    assert client.get_upload(upload).committed_size == 5
    client.delete_upload(upload)
    refusals(visitor, 403, 409, 400)
