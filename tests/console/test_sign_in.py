"""Signing in, one's own page, people and keys, as people do it in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from steeple.client import Client
from steeple.errors import UnauthenticatedError

from .conftest import PASSWORD, Guarded, Visit
from .driving import NARROW, WIDE, Visitor

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Safari/604.1"
OTHER_PASSWORD = "staple and a long tail"  # noqa: S105 - of people in tests


def sign_in(visitor: Visitor, name: str, password: str = PASSWORD, path: str = "/sign-in") -> Page:
    page = visitor.go(path)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    return page


def as_admin(visitor: Visitor, guarded: Guarded) -> Page:
    """Signed in already."""
    cookie = {"name": "steeple_session", "value": guarded.secrets["admin"], "url": guarded.console}
    visitor.page.context.add_cookies([cookie])  # type: ignore[list-item] # a dictionary is what it is
    return visitor.page


@pytest.fixture
def client(guarded: Guarded) -> Iterator[Client]:
    """What an admin sees."""
    with Client(guarded.address, key=guarded.secrets["admin"]) as connected:
        yield connected


def test_signing_in_by_keyboard_leads_back_to_where_one_was(visit: Visit, guarded: Guarded, pictures: Path) -> None:
    visitor = visit("/keys", url=guarded.console)
    page = visitor.page
    assert page.url == f"{guarded.console}/sign-in?next=%2Fkeys"
    visitor.examine()
    visitor.save(pictures / "sign-in.png")
    assert page.evaluate("document.activeElement.id") == "username"
    expect(page.locator("#username"), "for password managers").to_have_attribute("autocomplete", "username")
    expect(page.locator("#password")).to_have_attribute("autocomplete", "current-password")
    page.keyboard.type("root")
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    page.get_by_text("Nobody can sign in with this name and password").wait_for()
    wrong = page.locator(".problem").inner_text()
    expect(page.locator("#username")).to_have_value("root")
    assert page.evaluate("document.activeElement.id") == "password"
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{guarded.console}/keys")
    expect(page.get_by_role("heading", level=1)).to_have_text("Keys")
    stranger = visit(url=guarded.console, viewport=NARROW, color_scheme="dark")
    told = sign_in(stranger, "nobody-of-this-name", "not the password").locator(".problem").inner_text()
    assert told == wrong, "a name that nobody has is told as a wrong password is"
    stranger.examine()
    for each in (visitor, stranger):
        assert all("401" in text for text in each.complaints), "browsers tell of the status"
        each.complaints.clear()


def test_people_see_and_end_their_sessions_and_change_their_password(
    visit: Visit, guarded: Guarded, client: Client, pictures: Path
) -> None:
    client.create_person("grace", "Grace Hopper", "reader", password=PASSWORD)
    with Client(guarded.address) as anybody:
        phone, tablet = (anybody.sign_in("grace", PASSWORD, user_agent=IPHONE).secret for _ in range(2))
    visitor = visit(url=guarded.console)
    page = sign_in(visitor, "grace", path="/sign-in?next=/me")
    page.wait_for_url("**/me")
    devices = page.get_by_role("region", name="Where you are signed in").get_by_role("listitem")
    expect(devices).to_have_count(3)
    expect(devices.first.get_by_text("This one")).to_be_visible()
    expect(devices.first).to_contain_text("Chrome on Linux")
    expect(devices.first, "it is told who sits behind the console").to_contain_text("from 127.0.0.1")
    visitor.examine()
    visitor.save(pictures / "me.png")
    page.get_by_role("button", name="Sign out Safari on iPhone").first.click()
    page.get_by_text("That device is signed out").wait_for()
    expect(devices).to_have_count(2)
    page.get_by_role("button", name="Sign out everywhere else").click()
    page.get_by_role("dialog").get_by_role("button", name="Sign out everywhere else").click()
    page.get_by_role("status").get_by_text("You are signed out everywhere else").wait_for()
    for secret in (phone, tablet):
        with Client(guarded.address, key=secret) as ended, pytest.raises(UnauthenticatedError):
            ended.get_me()

    def change(old: str, new: str, again: str) -> None:
        for label, text in (("Password as it is now", old), ("New password", new), ("The new one again", again)):
            page.get_by_label(label).fill(text)
        page.get_by_role("button", name="Change the password").click()

    change("not mine at all", OTHER_PASSWORD, OTHER_PASSWORD)
    expect(page.locator("#old-help")).to_have_text("That is not your password.")
    change(PASSWORD, OTHER_PASSWORD, "something else")
    expect(page.locator("#again-help")).to_have_text("This is not the same.")
    visitor.examine()
    change(PASSWORD, OTHER_PASSWORD, OTHER_PASSWORD)
    page.get_by_text("Your password is changed").wait_for()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in")
    page.get_by_text("You have signed out").wait_for()
    page.go_back()
    page.wait_for_url("**/sign-in**")  # what was seen before is not kept
    sign_in(visitor, "grace", OTHER_PASSWORD).wait_for_url("**/landmarks")
    assert all("400" in text for text in visitor.complaints)
    visitor.complaints.clear()


def test_a_key_opens_the_console_where_there_are_no_people_yet(visit: Visit, guarded: Guarded) -> None:
    visitor = visit("/sign-in", url=guarded.console)
    page = visitor.page
    page.get_by_text("Nobody has a name here yet?").click()
    expect(page.get_by_text("steeple people create ada")).to_be_visible()

    def use(key: str) -> None:
        if not page.get_by_label("Key").is_visible():
            page.get_by_text("Use a key instead").click()
        page.get_by_label("Key").fill(key)
        page.get_by_role("button", name="Sign in with the key").click()

    use("stp_" + "a" * 16 + "_" + "b" * 52)
    expect(page.locator("#key-help")).to_have_text("This server does not know that key, or it has ended.")
    use(guarded.secrets["device"])
    expect(page.locator("#key-help")).to_contain_text("This key is for apps")
    visitor.examine()
    use(guarded.secrets["reader"])
    page.wait_for_url("**/landmarks")
    (kept,) = (cookie for cookie in page.context.cookies() if cookie["name"] == "steeple_session")
    assert kept["expires"] == -1, "it is forgotten when the browser is closed"
    visitor.go("/me")
    expect(page.get_by_role("heading", name="You are here with a key")).to_be_visible()
    visitor.examine()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    with Client(guarded.address, key=guarded.secrets["reader"]) as client:
        assert client.get_me().display_name == "A reader's", "the key itself goes on"
    assert all(re.search("40[13]", text) for text in visitor.complaints)
    visitor.complaints.clear()


def test_an_admin_keeps_the_people(visit: Visit, guarded: Guarded, client: Client, pictures: Path) -> None:
    visitor = visit(url=guarded.console)
    page = as_admin(visitor, guarded)
    visitor.go("/people")
    visitor.examine()
    visitor.save(pictures / "people.png")
    page.get_by_role("link", name="New person").click()
    page.get_by_label("Name", exact=False).first.fill("Edsger Dijkstra")
    page.get_by_label("Signs in as").fill("Edsger!")
    page.get_by_label("Role", exact=True).select_option("reader")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Make this person").click()
    page.locator(".problem").wait_for()
    visitor.examine()
    expect(page.get_by_label("Signs in as"), "what was typed is still there").to_have_value("Edsger!")
    page.get_by_label("Signs in as").fill("edsger")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make this person").click()
    page.get_by_text("Edsger Dijkstra can sign in as edsger").wait_for()
    visitor.examine()
    visitor.save(pictures / "person.png")
    page.get_by_label("Role", exact=True).select_option("editor")
    page.get_by_label("May not sign in").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Edsger Dijkstra is changed").wait_for()
    found = client.get_person("edsger")
    assert (found.role.value, found.disabled) == ("editor", True)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert client.get_person("edsger"), "nothing happens before it is confirmed"
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("edsger is deleted").wait_for()
    assert "edsger" not in [person.id for person in client.list_people()]
    visitor.go("/people/root")
    page.get_by_label("Role", exact=True).select_option("reader")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Nobody would be left who may do everything").wait_for()
    visitor.complaints.clear()  # the statuses of wrong forms


def test_an_admin_keeps_the_keys(visit: Visit, guarded: Guarded, client: Client, pictures: Path) -> None:
    visitor = visit(url=guarded.console, permissions=["clipboard-read", "clipboard-write"])
    page = as_admin(visitor, guarded)
    visitor.go("/keys/new")
    page.get_by_label("What it is for").fill("City guide for phones")
    page.get_by_label("Queries a month").fill("1000")
    page.get_by_label("Calls a second").fill("5")
    page.get_by_label("Last day").fill("2001-01-31")
    page.get_by_role("button", name="Make the key").click()
    page.locator("#expires-help.problem").wait_for()
    visitor.examine()
    page.get_by_label("Last day").fill("2090-01-31")
    page.get_by_role("button", name="Make the key").click()
    page.get_by_role("heading", name="Copy the key now").wait_for()
    visitor.examine()
    secret = page.get_by_label("Key").input_value()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    with Client(guarded.address, key=secret) as app:
        assert app.get_me().scope.value == "device"  # type: ignore[union-attr] # a key has one
    page.get_by_role("link", name="I have it").click()
    assert secret not in page.content(), "it is shown once"
    visitor.examine()
    visitor.save(pictures / "key.png")
    page.get_by_label("Queries a month").fill("2000")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("City guide for phones is changed").wait_for()
    made = client.get_key(page.url.rpartition("/")[2])
    assert made.limits.monthly_identifications == 2000
    assert made.limits.requests_per_second == 5
    assert made.expire_time is not None
    assert f"{made.expire_time:%Y-%m-%d}" == "2090-01-31"
    page.get_by_label("This key ends").select_option("At once")
    page.get_by_role("button", name="Replace the key").click()
    page.get_by_role("heading", name="Copy the key now").wait_for()
    newer = page.get_by_label("Key").input_value()
    assert newer != secret
    page.get_by_role("link", name="I have it").click()
    page.get_by_role("button", name="Revoke the key").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke the key").click()
    page.get_by_text("City guide for phones has ended").wait_for()
    for old in (secret, newer):
        with Client(guarded.address, key=old) as app, pytest.raises(UnauthenticatedError):
            app.get_me()
    visitor.go("/keys")
    page.get_by_text("keys that have ended").click()
    expect(page.get_by_role("link", name="City guide for phones")).to_have_count(2)
    visitor.examine()
    visitor.save(pictures / "keys.png")
    visitor.complaints.clear()  # the status of the wrong form


def test_the_audit_log_says_who_did_what_and_what_it_was_before(
    visit: Visit, guarded: Guarded, client: Client, pictures: Path
) -> None:
    with Client(guarded.address, key=guarded.secrets["editor"]) as editor:
        editor.create_landmark("Old name", landmark_id="audited")
        editor.update_landmark("audited", display_name="New name")
    visitor = visit(url=guarded.console)
    page = as_admin(visitor, guarded)
    visitor.go("/audit")
    visitor.examine()
    page.get_by_label("To what").fill("landmarks/audited")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**resource=landmarks**")
    rows = page.locator("#events tbody tr")
    expect(rows).to_have_count(2)
    rows.first.locator("summary").click()
    expect(rows.first.locator("del")).to_have_text("Old name")
    expect(rows.first.locator("ins")).to_have_text("New name")
    visitor.examine()
    visitor.save(pictures / "audit.png")
    page.get_by_role("button", name="Undo “Update landmark” of landmarks/audited").click()
    page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    page.get_by_text("Undone.").wait_for()
    assert page.url.endswith("resource=landmarks%2Faudited"), "one is where one was"
    assert client.get_landmark("audited").display_name == "Old name"
    page.get_by_label("Did what").select_option("Keys")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="Nothing like that").wait_for()
    visitor.go("/audit?from=yesterday")
    page.get_by_text("This takes a day, such as 2027-01-31").wait_for()
    visitor.complaints.clear()  # its status
    visitor.go("/audit?outcome=failed&what=CatalogService")
    assert (
        "Failed" in page.locator("#events").inner_text()
        or page.get_by_role("heading", name="Nothing like").is_visible()
    )


@pytest.mark.parametrize(("size", "scheme"), [(WIDE, "dark"), (NARROW, "light")], ids=["wide-dark", "narrow-light"])
def test_pages_of_admins_look_right_everywhere(
    visit: Visit, guarded: Guarded, size: dict[str, int], scheme: str
) -> None:
    visitor = visit(url=guarded.console, viewport=size, color_scheme=scheme)
    as_admin(visitor, guarded)
    for path in ("/me", "/people", "/people/ada", "/people/new", "/keys", "/keys/new", "/audit"):
        visitor.go(path)
        visitor.examine()


def test_without_script_all_of_it_works_too(visit: Visit, guarded: Guarded, client: Client) -> None:
    visitor = visit(url=guarded.console, java_script_enabled=False)
    page = sign_in(visitor, "root", path="/sign-in?next=/keys/new")
    page.wait_for_url("**/keys/new")
    page.get_by_label("What it is for").fill("Made without script")
    page.get_by_role("button", name="Make the key").click()
    assert page.get_by_label("Key").input_value().startswith("stp_")
    expect(page.get_by_role("button", name="Copy"), "what does not work is not offered").not_to_be_visible()
    assert "Made without script" in [key.display_name for key in client.list_keys()]
    visitor.go("/audit?what=KeyService")
    assert page.locator("#events tbody tr").count() >= 1
    visitor.go("/me")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.wait_for_url("**/sign-in")


def test_a_server_that_asks_nobody_says_so(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    elsewhere = {"name": "steeple_session", "value": "sts_" + "a" * 69, "url": visitor.url}
    page.context.add_cookies([elsewhere])  # type: ignore[list-item] # a dictionary is what it is
    visitor.go("/sign-in")
    assert page.url.endswith("/landmarks"), "there is nothing to sign in to"
    assert "steeple_session" in [cookie["name"] for cookie in page.context.cookies()], "it may be of a server beside it"
    visitor.go("/me")
    expect(page.get_by_role("heading", name="This server asks nobody who they are")).to_be_visible()
    for path in ("/people", "/keys"):
        visitor.go(path)
        expect(page.locator(".hint")).to_be_visible()
        visitor.examine()
