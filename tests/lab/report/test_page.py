"""The page of a run, as it is read by browsers, and by people who see it, hear it or print it."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from steeple.errors import InvalidArgumentError
from steeple.lab.report import write_report
from steeple.lab.report.page import render
from steeple.lab.report.pictures import Thumbnails, worst_failures
from steeple.lab.report.read import read_run
from tests.console.driving import browser
from tests.lab.report.runs import SYSTEMS, write_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def written(folder: Path) -> Path:
    write_report(folder, folder / "report.html")
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(written: Path) -> Iterator[Page]:
    with browser() as chromium:
        shown = chromium.new_page(viewport={"width": 390, "height": 800})
        told: list[str] = []
        shown.on("console", lambda message: told.append(message.text))
        shown.on("request", lambda request: told.append(request.url) if request.url.startswith("http") else None)
        shown.goto(written.as_uri())
        yield shown
        assert told == []  # nothing was fetched, and nothing refused by the page's own policy


def names(page: Page) -> list[str]:
    return page.locator("table.systems tbody th").all_inner_texts()


def test_it_needs_no_other_file_and_tells_no_path(written: Path, folder: Path) -> None:
    text = written.read_text(encoding="utf-8")
    links = re.findall(r"(?:src|href|url)\s*[=(]\s*[\"']?([^\"')\s>]+)", text)
    assert {link[:1] for link in links if not link.startswith("data:image/jpeg;base64,")} == {"#"}
    assert str(folder) not in text
    assert len(text) < 1_500_000


def test_names_are_shown_and_not_obeyed(written: Path, page: Page) -> None:
    assert "<b>pooled</b>" not in written.read_text(encoding="utf-8")
    assert names(page)[0] == "GeM <b>pooled</b>"
    assert page.title() == "Landmarks <at night> – image search compared"


def test_figures_and_intervals_are_in_the_table(page: Page) -> None:
    row = page.locator("table.systems tbody tr").nth(5)
    assert row.locator("td").all_inner_texts()[1].split("\n")[:2] == ["0.850", "0.810 to 0.900"]
    assert row.locator("td b").count() == 4  # best of four columns; ECE is shared by all
    assert page.locator("table.systems caption").count() == 1


def test_a_click_sorts_and_another_turns_it_around(page: Page) -> None:
    by = page.locator("table.systems thead th")
    written = names(page)
    by.nth(2).locator("button").click()
    assert names(page) == ["Steeple", "DELF, exact, verified", "DELF, product quantisation", "RootSIFT, exact",
                           "GeM <b>pooled</b>", "R-MAC"]  # fmt: skip
    assert by.nth(2).get_attribute("aria-sort") == "descending"
    by.nth(2).locator("button").click()
    assert names(page)[0] == "R-MAC"
    by.nth(6).locator("button").click()
    assert by.nth(2).get_attribute("aria-sort") is None
    assert by.nth(6).get_attribute("aria-sort") == "ascending"
    assert names(page)[:2] == ["GeM <b>pooled</b>", "R-MAC"]  # the smallest first
    assert sorted(names(page)) == sorted(written)


def test_a_system_leads_to_what_is_said_of_it(page: Page) -> None:
    page.locator("table.systems tbody a", has_text="R-MAC").click()
    assert page.locator("#system-rmac").get_attribute("open") is not None
    assert "Radenovic et al., TPAMI 2019" in page.locator("#system-rmac").inner_text()
    assert "recall@5 0.900" in page.locator("#system-rmac").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it_on_a_phone_too(page: Page, scheme: Any) -> None:
    page.emulate_media(color_scheme=scheme)
    found = Axe().run(page).response["violations"]
    assert [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_surest_failures_are_shown_with_what_would_have_been_right(folder: Path) -> None:
    run = read_run(folder)
    system = run.systems[0]
    failures = worst_failures(run, system, Thumbnails(), most=5)
    confidences = [failure.confidence for failure in failures]
    assert confidences == sorted(confidences, reverse=True)
    wrong = ~system.answers.right & np.isfinite(system.answers.score)
    assert confidences[0] == system.answers.confidence[wrong].max()
    for failure in failures:
        asked, answered, right = failure.pictures
        assert asked.landmark == right.landmark
        assert right.key.startswith(f"{asked.landmark}/") == bool(asked.landmark)
        assert answered.landmark != asked.landmark or not asked.landmark
        data = np.frombuffer(base64.b64decode(answered.source.partition(",")[2]), np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert image is not None
        assert image.shape[:2] == (answered.height, answered.width)
        assert max(answered.height, answered.width) == 260 or answered.width == 200


def test_photos_that_are_gone_are_said_to_be(tmp_path: Path) -> None:
    text = render(read_run(write_run(tmp_path, photos=False)))
    assert "the photo cannot be read" in text
    assert "<img" not in text


def test_a_run_without_answers_has_a_page(tmp_path: Path) -> None:
    failed = {"name": "lost", "title": "Lost", "error": "no photos"}
    text = render(read_run(write_run(tmp_path, photos=False, systems=[failed], primary=None)))
    assert "No system has answered." in text
    assert "Lost failed: no photos" in text
    assert "<svg" not in text


def test_a_file_that_cannot_be_written_is_said(folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="choose another file"):
        write_report(folder, folder / "none" / "report.html")
    assert len(SYSTEMS) == 6
