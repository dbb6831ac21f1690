"""Signing in, one's own page, people and keys, as people do it in a browser."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from .conftest import PASSWORD, Guarded, Visit
from .driving import Visitor


def sign_in(visitor: Visitor, name: str = "ada", password: str = PASSWORD, path: str = "/sign-in") -> Page:
    page = visitor.go(path)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=False).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()
    return page


def test_signing_in_by_keyboard_leads_back_to_where_one_was(visit: Visit, guarded: Guarded, pictures: Path) -> None:
    visitor = visit("/keys", url=guarded.console)
    page = visitor.page
    assert page.url == f"{guarded.console}/sign-in?next=%2Fkeys"
    assert visitor.violations() == []
    visitor.save(pictures / "sign-in.png")
    assert page.evaluate("document.activeElement.id") == "username"
    assert page.locator("#username").get_attribute("autocomplete") == "username"
    assert page.locator("#password").get_attribute("autocomplete") == "current-password"
    page.keyboard.type("root")
    page.keyboard.press("Tab")
    page.keyboard.type("not the password")
    page.keyboard.press("Enter")
    page.get_by_text("Nobody can sign in with this name and password").wait_for()
    wrong = page.locator(".problem").inner_text()
    assert page.locator("#username").input_value() == "root"
    assert page.evaluate("document.activeElement.id") == "password"
    visitor.save(pictures / "sign-in-wrong.png")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{guarded.console}/keys")
    assert page.get_by_role("heading", level=1).inner_text() == "Keys"
    stranger = visit(url=guarded.console)
    told = sign_in(stranger, "nobody-of-this-name", "not the password").locator(".problem").inner_text()
    assert told == wrong, "a name that nobody has is told as a wrong password is"
    complaints = visitor.complaints + stranger.complaints
    assert all("401" in text for text in complaints), "browsers tell of the status"
    visitor.complaints.clear()
    stranger.complaints.clear()
