"""Reviewing kept queries in the console."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from steeple.client import Client
from steeple.delf.extractor import Extractor

from .catalogue import photo
from .conftest import Visit
from .driving import NARROW


@pytest.fixture(scope="module")
def asked(served: dict[str, Any], photographs: Mapping[str, bytes]) -> dict[str, Any]:
    """The server, asked about photos that it keeps."""
    with Client(served["address"]) as client:
        client.identify(photo(photographs, "montmartre_close"), upload=True)
        client.identify(photo(photographs, "gcs_close"), upload=True)
        client.identify(photo(photographs, "gcs_close"), max_bytes=4096)
        client.identify(photo(photographs, "sacre_coeur2"), upload=True) if any(
            "sacre_coeur2" in n for n in photographs
        ) else None
        client.send_feedback(
            photo(photographs, "fsm"),
            "wrong",
            upload=True,
            suggested_name="A <b>church</b>",
            note="I was there & it is not",
        ) if hasattr(client, "send_feedback") else None
    print(sorted(photographs))
    return served


@pytest.mark.parametrize("dark", [False, True])
def test_look(visit: Visit, asked: dict[str, Any], pictures: Path, dark: bool) -> None:
    scheme = "dark" if dark else "light"
    visitor = visit("/review?show=all", color_scheme=scheme)
    visitor.page.wait_for_load_state("networkidle")
    visitor.save(pictures / f"review-{scheme}.png")
    visitor.page.locator("[data-pick]").first.check()
    visitor.page.set_viewport_size(NARROW)
    visitor.save(pictures / f"review-narrow-{scheme}.png")
    visitor.page.set_viewport_size({"width": 1280, "height": 860})
    visitor.page.locator(".tile h3 a").first.click()
    visitor.page.wait_for_selector("#now table")
    visitor.page.wait_for_load_state("networkidle")
    visitor.save(pictures / f"review-query-{scheme}.png")
    visitor.page.set_viewport_size(NARROW)
    visitor.save(pictures / f"review-query-narrow-{scheme}.png")
    visitor.page.set_viewport_size({"width": 1280, "height": 860})
    visitor.go("/review/groups?show=all")
    visitor.page.wait_for_selector("#groups [role=status]")
    visitor.page.wait_for_load_state("networkidle")
    visitor.save(pictures / f"review-groups-{scheme}.png")
