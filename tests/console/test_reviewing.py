"""Reviewing kept queries in the console: one by one, many at once, by keyboard, and without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from steeple.client import Client, KeptQuery, LatLng

from .catalogue import photo
from .conftest import Guarded, Visit
from .test_trying import PHONE, check

CHURCH = "<b>Église</b> & co."


@pytest.fixture
def client(served: dict[str, Any], photographs: Mapping[str, bytes]) -> Iterator[Client]:
    """Of a server that has kept four queries, the oldest first: recognised, UNKNOWN, the same by features, feedback."""
    with Client(served["address"]) as client:
        client.erase_queries(everything=True)
        client.identify(photo(photographs, "montmartre_close"), upload=True)
        client.identify(photo(photographs, "gcs_close"), upload=True)
        client.identify(photo(photographs, "gcs_close"), max_bytes=16384)
        client.erase_queries(filter='id = "none"')  # returns when those are written
        client.send_feedback(
            photo(photographs, "fsm"),
            "wrong",
            shown="sistine",
            upload=True,
            suggested_name=CHURCH,
            note="It's <i>here</i>",
            location=LatLng(41.9, 12.45),
        )
        yield client


def kept(client: Client, filter: str = "") -> list[KeptQuery]:
    """The newest first."""
    return list(client.list_kept_queries(filter=filter, order_by="id desc"))


def focused(page: Page) -> str:
    """Text of what has the focus."""
    return str(page.evaluate("document.activeElement.textContent"))


def test_queries_are_looked_through_by_keyboard(visit: Visit, client: Client, pictures: Path) -> None:
    visitor = visit("/review?show=all", reduced_motion="reduce")
    page = visitor.page
    expect(page.locator("#count")).to_have_text("4 queries that nobody has reviewed")
    assert page.locator("main").inner_text().count("<b>") == 1, "what people say is text"
    page.wait_for_load_state("networkidle")
    check(visitor, pictures, "review")
    for kind, count in {"Unknown": 2, "Recognised": 2, "Called wrong": 1, "Proposals": 0, "All": 4}.items():
        page.get_by_role("navigation", name="Which queries").get_by_role("link", name=kind, exact=True).click()
        expect(page.locator("[data-query]")).to_have_count(count)
    page.wait_for_load_state("networkidle")

    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "Unknown" in focused(page)
    page.keyboard.press("k")
    assert "Sistine Chapel" in focused(page)
    page.keyboard.press("3")
    expect(page.locator("[data-query]")).to_have_count(3)
    expect(page.locator("#told")).to_have_text("Marked as no landmark: 1.")
    assert "Unknown" in focused(page), "the next one has the focus"
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-picked]")).to_have_text("2 chosen")
    page.get_by_role("button", name="Wrong").click()
    expect(page.get_by_role("status").first).to_contain_text("Marked as wrong: 2.")
    assert [query.verdict.value for query in kept(client)] == ["not_landmark", "wrong", "wrong", "none"]

    # Those that were reviewed are still there, and what was said can be taken back.
    page.get_by_text("Filter", exact=True).click()
    page.get_by_label("Reviewed ones too").check()
    page.get_by_role("button", name="Show").click()
    expect(page.locator("[data-query]")).to_have_count(4)
    expect(page.locator("[data-query]").first).to_contain_text("Not a landmark")
    page.locator("[data-pick]").first.check()
    page.get_by_role("button", name="Take back").click()
    assert [query.verdict.value for query in kept(client)] == ["none", "wrong", "wrong", "none"]

    # What cannot be a filter is told beside the field.
    visitor.go("/review?key=a%22b&since=yesterday")
    expect(page.locator("#key-help")).to_contain_text("letters, digits and hyphens")
    expect(page.locator("#since-help")).to_contain_text("2027-01-31")
    visitor.complaints.clear()


def test_a_query_is_decided_on(visit: Visit, client: Client, pictures: Path) -> None:
    feedback, by_features, by_photo, _ = kept(client)
    visitor = visit(f"/review/{feedback.id}?show=all", reduced_motion="reduce")
    page = visitor.page
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sistine Chapel")
    expect(page.locator(".said")).to_contain_text(f"the answer is wrong, it is {CHURCH}")
    expect(page.locator("#now tbody tr").first).to_contain_text("Sistine Chapel")
    expect(page.locator("#now svg.matches").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    check(visitor, pictures, "review-query")
    for path in ("", "/photo", "/thumbnail", "/now"):
        answer = page.request.get(f"{visitor.url}/review/{feedback.id}{path}")
        assert (answer.status, answer.headers["cache-control"]) == (200, "no-store")

    # On and back; then a verdict, which goes on by itself.
    page.keyboard.press("j")
    page.wait_for_url(f"**/review/{by_features.id}*")
    expect(page.locator("main")).to_contain_text("The photo stayed on the device")
    page.wait_for_load_state("networkidle")
    check(visitor, pictures, "review-features")
    page.keyboard.press("k")
    page.wait_for_url(f"**/review/{feedback.id}*")
    page.keyboard.press("j")
    page.wait_for_url(f"**/review/{by_features.id}*")
    page.keyboard.press("2")
    page.wait_for_url(f"**/review/{by_photo.id}*")
    expect(page.get_by_role("status").first).to_contain_text("Marked as wrong.")
    assert client.get_kept_query(by_features).verdict.value == "wrong"


def test_a_query_becomes_a_photo_of_a_landmark_or_goes(visit: Visit, client: Client) -> None:
    feedback, _, by_photo, recognised = kept(client)
    visitor = visit(f"/review/{by_photo.id}?show=all")
    page = visitor.page

    # Added to a landmark: what is called so by nobody, by two, and by one.
    field = page.get_by_label("Add it to a landmark")
    for typed, told in (("nowhere", "No landmark is called nowhere"), ("ch", "Several landmarks are called so")):
        field.fill(typed)
        page.keyboard.press("Enter")
        expect(page.locator("#landmark-help")).to_contain_text(told)
        expect(field).to_have_value(typed)
    visitor.complaints.clear()  # a form that is wrong is answered with 400
    field.fill("grand central terminal")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/review/{recognised.id}*")
    added = client.get_kept_query(by_photo).reference_image
    assert added.startswith("landmarks/station/images/")
    client.delete_reference_image(added)

    # A new landmark, of the name and the place that somebody has sent.
    visitor.go(f"/review/{feedback.id}?show=all")
    page.wait_for_load_state("networkidle")
    page.keyboard.press("4")
    name = page.get_by_label("Make it a landmark")
    expect(name).to_be_focused()
    expect(name).to_have_value(CHURCH)
    page.keyboard.press("Enter")
    page.wait_for_url("**/landmarks/*")
    made = client.get_landmark(client.get_kept_query(feedback).landmark)
    assert (made.display_name, made.location) == (CHURCH, LatLng(41.9, 12.45))
    assert made.reference_image_count == 1
    client.delete_landmark(made, force=True)

    # Erased, after a question.
    visitor.go(f"/review/{recognised.id}?show=all&seen=yes")
    page.get_by_role("button", name="Erase it").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This cannot be undone")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert len(kept(client)) == 4
    page.get_by_role("button", name="Erase it").click()
    dialog.get_by_role("button", name="Erase it").click()
    page.wait_for_url(re.compile(r"/review(\?|$)"))
    assert recognised.id not in [query.id for query in kept(client)]


def test_queries_that_show_the_same_become_a_landmark(visit: Visit, client: Client, pictures: Path) -> None:
    visitor = visit("/review", reduced_motion="reduce")
    page = visitor.page
    page.get_by_role("link", name="Group by what they show").click()
    expect(page.locator("#groups")).to_contain_text("1 group among 2 queries", timeout=30_000)
    group = page.get_by_role("region", name="2 queries that show the same")
    expect(group.get_by_role("img")).to_have_count(2)
    page.wait_for_load_state("networkidle")
    check(visitor, pictures, "review-groups")
    group.get_by_label("New landmark").fill("The Hall")
    page.keyboard.press("Enter")
    page.wait_for_url("**/landmarks/*")
    (hall,) = client.list_landmarks(filter='display_name = "The Hall"')
    assert hall.reference_image_count == 2
    assert {query.landmark for query in kept(client, "promoted = true")} == {hall.name}
    client.delete_landmark(hall, force=True)


def test_it_can_be_read_and_decided_without_scripts(visit: Visit, client: Client) -> None:
    visitor = visit("/review?show=all", java_script_enabled=False, viewport=PHONE)
    page = visitor.page
    expect(page.locator("[data-query]")).to_have_count(4)
    page.locator("[data-query] h3 a").first.click()
    page.get_by_role("link", name="Compare it").click()
    expect(page.locator("#likeness")).to_contain_text("It is the answer")
    page.go_back()
    page.get_by_role("button", name="Not a landmark").click()
    expect(page.get_by_role("status").first).to_contain_text("Marked as no landmark.")
    assert kept(client)[0].verdict.value == "not_landmark"
    visitor.go("/review/groups?show=all")
    page.get_by_role("link", name="Show them by themselves").click()
    expect(page.locator("#found")).to_contain_text("group among")
    page.get_by_role("button", name="Wrong").click()
    expect(page.get_by_role("status").first).to_contain_text("Marked as wrong: 2.")


def test_what_people_asked_about_is_for_editors(visit: Visit, guarded: Guarded, client: Client) -> None:
    query = kept(client)[0]
    visitor = visit(url=guarded.console)
    page = visitor.page
    for scope, status in (("reader", 403), ("editor", 200)):
        page.context.add_cookies([{"name": "steeple_session", "value": guarded.secrets[scope], "url": guarded.console}])
        assert page.request.get(f"{guarded.console}/review").status == status
        for path in ("", "/photo", "/thumbnail", "/now"):
            assert page.request.get(f"{guarded.console}/review/{query.id}{path}").status in (status, 404)
    assert page.request.get(f"{guarded.console}/review/groups/found").status == 200
