"""What all pages have in common."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from .conftest import Visit
from .driving import NARROW, WIDE


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_page_is_the_catalogue(visit: Visit, size: dict[str, int], scheme: str) -> None:
    visitor = visit("/", viewport=size, color_scheme=scheme)
    assert visitor.page.url == f"{visitor.url}/landmarks"
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Catalogue")
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing hangs over the side"
    assert visitor.violations() == []


def test_the_appearance_can_be_chosen(visit: Visit) -> None:
    page = visit("/landmarks", color_scheme="light").page

    def ground() -> str:
        return str(page.evaluate("getComputedStyle(document.body.parentElement).backgroundColor"))

    light = ground()
    page.get_by_role("button", name="Appearance").click()
    page.wait_for_url("**/landmarks")
    dark = ground()
    assert dark != light
    page.reload()
    assert ground() == dark, "it is remembered"


def test_the_menu_of_a_narrow_window_opens(visit: Visit) -> None:
    page = visit("/landmarks", viewport=NARROW).page
    link = page.get_by_role("navigation", name="Pages").get_by_role("link", name="Catalogue")
    expect(link).not_to_be_visible()
    page.get_by_label("Menu").click()
    link.click()
    page.wait_for_url("**/landmarks")
    expect(link).not_to_be_visible()


def test_the_keyboard_reaches_the_search_and_the_content(visit: Visit) -> None:
    page = visit("/landmarks").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
