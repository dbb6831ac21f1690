"""The catalogue's pages in a real browser: grid, map, landmarks, photos, and their history."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from steeple.cli.local_server import running_server
from steeple.client import Client, LatLng

from .catalogue import photo
from .conftest import Visit
from .driving import NARROW, WIDE, Visitor

HOSTILE = '<img src=x onerror="alert(1)"> & {{ 7 * 7 }}'


@pytest.fixture(scope="module")
def client(served: dict[str, Any], photographs: dict[str, bytes]) -> Iterator[Client]:
    """Of the server, with what these tests add to its catalogue."""
    with Client(served["address"]) as client:
        client.create_landmark(HOSTILE, landmark_id="hostile", metadata={"<b>": HOSTILE}, location=LatLng(37.5, 127.0))
        client.add_reference_image("montmartre", photo(photographs, "montmartre_close"), image_id="close")
        client.update_reference_image(
            "landmarks/montmartre/images/close",
            capture_location=LatLng(48.889, 2.3378),
            capture_time="2025-05-01T12:30:00",
        )
        client.identify(photo(photographs, "montmartre_far"))
        yield client


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def names(page: Page) -> list[str]:
    return page.locator(".grid .tile h3").all_inner_texts()


def test_every_page_is_sound(visit: Visit, client: Client, pictures: Path) -> None:
    (other,) = [image.id for image in client.list_reference_images("montmartre") if image.id != "close"]
    paths = {
        "catalogue": "/landmarks",
        "map": "/map",
        "new": "/landmarks/new",
        "landmark": "/landmarks/montmartre",
        "edit": "/landmarks/montmartre/edit",
        "coverage": "/landmarks/montmartre/coverage",
        "history": "/landmarks/montmartre/history",
        "photo": f"/landmarks/montmartre/images/{other}",
        "hostile": "/landmarks/hostile",
    }
    still: dict[str, Any] = {"reduced_motion": "reduce"}
    wide, narrow = visit(viewport=WIDE, **still), visit(viewport=NARROW, **still)
    for name, path in paths.items():
        for visitor, size in ((wide, "wide"), (narrow, "narrow")):
            visitor.page.emulate_media(color_scheme="light" if size == "wide" else "dark")
            visitor.go(path)
            if name == "landmark":
                expect(visitor.page.locator(".compass")).to_be_visible()
            visitor.page.wait_for_load_state("networkidle")
            visitor.save(pictures / f"{name}-{size}.png")
            assert visitor.violations() == [], (name, size)
            assert fits(visitor.page), (name, size)
            visitor.page.emulate_media(color_scheme="dark" if size == "wide" else "light")
            if name in ("catalogue", "map", "landmark"):
                assert visitor.violations() == [], (name, size)


def test_the_grid_is_searched_filtered_and_saved(visit: Visit, client: Client, pictures: Path) -> None:
    page = visit("/landmarks").page
    assert names(page) == sorted(names(page))
    assert HOSTILE in names(page), "as it is written, and nothing of it ran"
    page.keyboard.press("/")
    page.keyboard.type("cathedral")
    page.keyboard.press("Enter")
    page.wait_for_url("**/landmarks?q=cathedral")
    assert names(page) == ["Chartres Cathedral"]
    page.get_by_role("link", name="“cathedral”").click()
    page.wait_for_url("**/landmarks")

    page.get_by_label("Labels", exact=True).fill("church")
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(2)
    assert page.evaluate("document.activeElement.id") == "labels", "the grid changed around it"
    assert "labels=church" in page.url
    page.get_by_label("Photos", exact=True).select_option("5-19")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()
    page.get_by_label("Photos", exact=True).select_option("1-4")
    page.wait_for_url("**photos=1-4*")
    page.get_by_label("Best photo").select_option("3-")
    page.wait_for_url("**grade=3-*")
    expect(page.locator(".tile")).to_have_count(2)
    page.go_back()
    expect(page.get_by_label("Best photo")).to_have_value("")
    page.go_forward()
    expect(page.get_by_label("Best photo")).to_have_value("3-")

    page.get_by_text("Save this view").click()
    page.get_by_label("Name of the view").fill("Churches & more")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Saved as “Churches & more”.")
    view = page.get_by_role("link", name="Churches & more")
    expect(view).to_have_attribute("aria-current", "page")
    page.goto(page.url.partition("/landmarks")[0] + "/landmarks")
    view.click()
    assert names(page) == ["Chartres Cathedral", "Notre-Dame de Paris"]
    (saved,) = client.list_views()
    assert (
        saved.filter
        == 'labels:"church" AND reference_image_count >= 1 AND reference_image_count <= 4 AND best_grade >= 3'
    )
    page.get_by_role("button", name="Forget").click()
    page.get_by_role("dialog").get_by_role("button", name="Forget").click()
    expect(page.get_by_role("link", name="Churches & more")).to_have_count(0)
    page.screenshot(path=pictures / "forgotten.png")


def test_a_filter_that_is_none_says_so(visit: Visit, client: Client) -> None:
    visitor = visit()
    response = visitor.page.goto(f"{visitor.url}/landmarks?filter=labels:(")
    assert response is not None
    assert response.status == 400
    visitor.complaints.clear()  # that the browser tells of every 400
    expect(visitor.page.locator("#filter-help")).to_contain_text("a value is expected here")
    expect(visitor.page.get_by_label("Filter, in words")).to_have_value("labels:(")


def test_many_are_changed_and_it_is_undone(visit: Visit, client: Client, pictures: Path) -> None:
    visitor = visit("/landmarks")
    page = visitor.page
    bulk = page.get_by_role("region", name="What to do with those that are chosen")
    expect(bulk).to_be_hidden()
    for name in ("Chartres Cathedral", "Notre-Dame de Paris", "Sistine Chapel"):
        page.get_by_label(f"Choose {name}").check()
    expect(bulk).to_contain_text("3 chosen")
    page.screenshot(path=pictures / "chosen.png")
    bulk.get_by_label("Add labels").fill("Church!")
    bulk.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Labels are 1 to 40 lower-case letters")
    visitor.complaints.clear()  # that the browser tells of every 400
    expect(bulk).to_contain_text("3 chosen")
    bulk.get_by_label("Add labels").fill("church")
    bulk.get_by_role("button", name="Change", exact=True).click()
    note = page.locator("main > .note")
    expect(note).to_contain_text("Changed 1 landmark. 2 were so already.")
    assert client.get_landmark("sistine").labels == ("church", "museum", "rome")
    page.get_by_role("button", name="Undo all").click()
    expect(note).to_contain_text("Undone: 1 landmark as before.")
    assert client.get_landmark("sistine").labels == ("museum", "rome")

    page.get_by_label("Choose Sistine Chapel").check()
    page.get_by_label("Choose Notre-Dame de Paris").check()
    bulk.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert "Sistine Chapel" in names(page)
    bulk.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(note).to_contain_text("Deleted 2 landmarks with all photos.")
    assert "Sistine Chapel" not in names(page)
    page.get_by_label("State").select_option("deleted")
    expect(page.locator(".tile")).to_have_count(2)
    page.go_back()
    page.get_by_role("button", name="Undo all").click()
    expect(note).to_contain_text("Undone: 2 landmarks as before.")
    assert client.get_landmark("sistine").delete_time is None


def test_a_landmark_is_made_changed_and_deleted_by_keyboard(visit: Visit, client: Client) -> None:
    visitor = visit("/landmarks/new")
    page = visitor.page
    page.get_by_label("Name", exact=False).first.focus()
    keys = page.keyboard
    keys.type("Tour Eiffel")
    keys.press("Tab")
    keys.type("Iron.")
    keys.press("Tab")
    keys.type("Eiffelturm")
    page.get_by_label("Latitude and longitude").focus()
    keys.type("48.8583, 2.2945")
    keys.press("Enter")
    expect(page.locator("#aliases-help")).to_contain_text("does not say in which language: write “fr: Eiffelturm”")
    visitor.complaints.clear()  # that the browser tells of every 400
    expect(page.get_by_label("Latitude and longitude")).to_have_value("48.8583, 2.2945")
    page.get_by_label("Other names").fill("de: Eiffelturm\nen: Eiffel Tower")
    page.get_by_label("Name", exact=False).first.focus()
    keys.press("Enter")
    page.wait_for_url("**/landmarks/tour-eiffel")
    made = client.get_landmark("tour-eiffel")
    assert made.aliases == {"de": ("Eiffelturm",), "en": ("Eiffel Tower",)}
    assert made.location == LatLng(48.8583, 2.2945)
    expect(page.get_by_text("No photo yet")).to_be_visible()

    page.get_by_role("link", name="Edit").focus()
    keys.press("Enter")
    page.wait_for_url("**/edit")
    page.get_by_label("Labels").focus()
    keys.type("tower iron")
    page.get_by_label("Key 1").focus()
    keys.type("wikidata")
    keys.press("Tab")
    keys.type("Q243")
    page.get_by_role("button", name="Save").last.focus()
    keys.press("Enter")
    page.wait_for_url("**/landmarks/tour-eiffel")
    changed = client.get_landmark("tour-eiffel")
    assert (changed.labels, changed.metadata) == (("iron", "tower"), {"wikidata": "Q243"})
    assert changed.aliases == made.aliases

    page.get_by_role("button", name="Delete").focus()
    keys.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "Cancel", "the question is where the keys are"
    keys.press("Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Bring it back")).to_be_visible()
    assert client.get_landmark("tour-eiffel").delete_time is not None
    page.get_by_role("button", name="Bring it back").press("Enter")
    expect(page.locator("main > .note")).to_contain_text("It is back")
    client.delete_landmark("tour-eiffel")


def test_who_was_overtaken_sees_both(visit: Visit, client: Client, pictures: Path) -> None:
    visitor = visit("/landmarks/station/edit")
    page = visitor.page
    client.update_landmark("station", description="Changed by somebody.", labels=["station", "vaulted"])
    page.get_by_label("Description").fill("Changed by me.")
    page.get_by_label("Active", exact=False).or_(page.get_by_label("Searches find it")).uncheck()
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("heading", name="Somebody was faster")).to_be_visible()
    visitor.complaints.clear()  # that the browser tells of every 409
    row = page.get_by_role("row", name="Description")
    expect(row).to_contain_text("Changed by somebody.")
    expect(row).to_contain_text("Changed by me.")
    expect(row).to_contain_text("Both changed it")
    expect(page.get_by_label("Labels"), "what only they have changed stays").to_have_value("station vaulted")
    visitor.save(pictures / "overtaken.png")
    assert visitor.violations() == []
    assert client.get_landmark("station").description == "Changed by somebody."
    page.get_by_role("button", name="Save").last.click()
    page.wait_for_url("**/landmarks/station")
    station = client.get_landmark("station")
    assert (station.description, station.labels, station.active) == ("Changed by me.", ("station", "vaulted"), False)


def test_a_change_is_undone_unless_somebody_changed_the_same(visit: Visit, client: Client) -> None:
    client.update_landmark("chartres", description="First.")
    client.update_landmark("chartres", description="Second.")
    visitor = visit("/landmarks/chartres/history")
    page = visitor.page
    changes = page.locator(".changes > li")
    expect(changes.nth(0)).to_contain_text("First.")
    expect(changes.nth(0)).to_contain_text("Second.")
    changes.nth(1).get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Not undone")).to_be_visible()
    visitor.complaints.clear()  # that the browser tells of every 409
    expect(page.locator("main")).to_contain_text("Somebody has changed the same since: Description")
    page.get_by_role("link", name="To the later change").click()
    changes.nth(0).get_by_role("button", name="Undo").click()
    expect(page.locator("main > .note")).to_contain_text("Undone.")
    assert client.get_landmark("chartres").description == "First."
    expect(changes.nth(0)).to_contain_text("undid a change")


def test_a_photo_has_a_page_and_is_kept_by_browsers(visit: Visit, client: Client) -> None:
    visitor = visit("/landmarks/montmartre/images/close")
    page = visitor.page
    assert page.locator("img.picture").evaluate("image => image.complete && image.naturalWidth") > 0
    expect(page.locator(".facts")).to_contain_text("2025-05-01 12:30:00")
    expect(page.locator("main")).to_contain_text("Grade")
    first = page.request.get(f"{visitor.url}/landmarks/montmartre/images/close/thumbnail")
    assert first.headers["cache-control"] == "private, no-cache"
    again = page.request.get(first.url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status, again.body()) == (304, b"")
    with page.expect_download() as download:
        page.get_by_role("link", name="Original").click()
    assert download.value.suggested_filename == "montmartre-close.jpg"
    original = client.download_reference_image("landmarks/montmartre/images/close", original=True).data
    assert Path(download.value.path()).read_bytes() == original

    page.get_by_label("Where it was taken").fill("48.9")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#capture_location-help")).to_contain_text("Give latitude and longitude")
    visitor.complaints.clear()  # that the browser tells of every 400
    page.get_by_label("Where it was taken").fill("48.9 N 2.4 E")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main > .note")).to_contain_text("Changed.")
    assert client.get_reference_image("landmarks/montmartre/images/close").capture_location == LatLng(48.9, 2.4)

    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Bring it back").click()
    expect(page.locator("main > .note")).to_contain_text("It is back")
    assert client.get_landmark("montmartre").reference_image_count == 2


def test_the_map_is_looked_at_closer_and_moved(visit: Visit, client: Client, pictures: Path) -> None:
    page = visit("/map").page
    picture = page.locator("#map-view")

    def at() -> tuple[float, float, int]:
        latitude, longitude, zoom = (picture.get_attribute(f"data-{name}") for name in ("lat", "lon", "zoom"))
        return float(latitude or 0), float(longitude or 0), int(zoom or 0)

    expect(page.locator(".landmark-pin, .cluster").first).to_be_visible()
    start = at()
    cluster = page.get_by_role("link", name="look closer").first
    cluster.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**zoom=*")
    assert at()[2] == start[2] + 2
    expect(picture).to_be_focused()
    page.keyboard.press("-")
    expect(picture).to_have_attribute("data-zoom", str(start[2] + 1))
    expect(picture).to_be_focused()
    before = at()
    page.keyboard.press("ArrowRight")
    expect(picture).not_to_have_attribute("data-lon", str(before[1]))
    assert at()[1] > before[1]
    box = picture.bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    before = at()
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 60, middle[1] + 40, steps=3)
    page.mouse.up()
    expect(picture).not_to_have_attribute("data-lat", str(before[0]))
    assert at()[1] < before[1]
    assert at()[0] > before[0]
    page.mouse.wheel(0, 240)
    expect(picture).to_have_attribute("data-zoom", str(max(2, before[2] - 1)))
    page.screenshot(path=pictures / "moved.png")
    page.get_by_role("link", name="All landmarks").click()
    page.wait_for_url("**/map")
    page.get_by_label("Labels").fill("rome")
    page.keyboard.press("Enter")
    expect(page.locator(".landmark-pin")).to_have_count(1)
    page.locator(".landmark-pin").press("Enter")
    page.wait_for_url("**/landmarks/sistine")


def test_a_place_is_chosen_on_the_map_of_the_form(visit: Visit, client: Client) -> None:
    page = visit("/landmarks/notre-dame/edit").page
    field = page.get_by_label("Latitude and longitude")
    field.fill("10, 20")
    field.press("Tab")
    expect(page.locator("#place-map-view")).to_have_attribute("data-zoom", "12")
    page.locator("#place-map-view").click(position={"x": 40, "y": 40})
    expect(field).not_to_have_value("10, 20")
    latitude, longitude = map(float, field.input_value().split(","))
    assert 10 < latitude < 10.1
    assert 19.9 < longitude < 20


def test_all_is_read_without_script(visit: Visit, client: Client) -> None:
    visitor = visit("/landmarks?state=active", java_script_enabled=False)
    page = visitor.page
    page.get_by_label("Labels", exact=True).fill("church")
    page.get_by_role("button", name="Show").click()
    assert names(page) == ["Chartres Cathedral", "Notre-Dame de Paris"]
    page.get_by_role("link", name="Chartres Cathedral").click()
    page.get_by_role("link", name="Look at it on a page of its own").click()
    expect(page.get_by_text("What is missing")).to_be_visible()
    visitor.go("/map")
    page.get_by_role("link", name="Closer", exact=True).click()
    assert "zoom=" in page.url
    page.get_by_role("link", name="look closer").or_(page.locator(".landmark-pin")).first.click()
    visitor.go("/landmarks")
    page.get_by_label("Choose Chartres Cathedral").check()
    page.get_by_label("Add labels").fill("tall")
    page.get_by_role("button", name="Change", exact=True).click()
    assert "tall" in client.get_landmark("chartres").labels


def test_an_empty_catalogue_says_how_to_begin(chromium: Browser, tmp_path: Path, pictures: Path) -> None:
    flags = "--console-address", "127.0.0.1:0"
    with running_server(tmp_path / "data", tmp_path / "log", *flags) as ready:
        visitor = Visitor(chromium.new_page(), ready["console"])
        page = visitor.go("/")
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        visitor.save(pictures / "empty.png")
        assert visitor.violations() == []
        page.get_by_role("link", name="Map").click()
        expect(page.get_by_role("heading", name="No landmark has a place yet")).to_be_visible()
        page.get_by_role("link", name="New landmark").click()
        page.wait_for_url("**/landmarks/new")
        page.close()
        assert visitor.complaints + visitor.strays == []
