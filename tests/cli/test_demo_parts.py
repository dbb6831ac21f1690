"""The demo's parts that need neither its photographs nor a server."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.cli.demo.phone import phone_view
from steeple.cli.demo.photos import PHOTOS
from steeple.cli.demo.run import Verdict, judge
from steeple.cli.demo.scenario import CATALOGUE, KNOWN_MISSES, QUERIES, DemoQuery
from steeple.delf.image import read_image
from tests.scenes import encoded, scene

from .support import Steeple

LANDMARK = DemoQuery("q", "a photo", "chartres", "")
STRANGER = DemoQuery("s", "a stranger", None, "")


@pytest.mark.parametrize(
    ("query", "identified", "known_misses", "verdict", "fails"),
    [
        (LANDMARK, "chartres", set(), Verdict.RIGHT, False),
        (LANDMARK, "chartres", {"q"}, Verdict.RIGHT, False),
        (LANDMARK, None, set(), Verdict.MISSED, True),
        (LANDMARK, None, {"q"}, Verdict.NOT_YET, False),
        (LANDMARK, "sacre-coeur", set(), Verdict.WRONG, True),
        (LANDMARK, "sacre-coeur", {"q"}, Verdict.WRONG, True),
        (STRANGER, None, set(), Verdict.RIGHT, False),
        (STRANGER, "chartres", {"s"}, Verdict.WRONG, True),
    ],
)
def test_a_wrong_name_always_fails_and_a_miss_unless_it_is_known(
    query: DemoQuery, identified: str | None, known_misses: set[str], verdict: Verdict, fails: bool
) -> None:
    assert judge(query, identified, known_misses) is verdict
    assert verdict.fails is fails


def test_the_scenario_is_consistent() -> None:
    landmarks = [entry.id for entry in CATALOGUE]
    queries = [query.id for query in QUERIES]
    assert len(set(landmarks)) == len(landmarks)
    assert len(set(queries)) == len(queries)
    assert {photo for each in (CATALOGUE, QUERIES) for photo in (entry.photo for entry in each)} == set(PHOTOS)
    assert {query.expected for query in QUERIES} == {*landmarks, None}, "each landmark is asked for, and strangers"
    assert {query.id for query in QUERIES if query.expected} >= KNOWN_MISSES
    catalogue_photos = {entry.photo for entry in CATALOGUE}
    assert not [query.id for query in QUERIES if query.phone_seed is None and query.photo in catalogue_photos]


def test_a_phone_view_is_reproducible_dim_tilted_and_noisy() -> None:
    original = scene(5, 900, 700)
    photo = encoded(original)
    first, second, other = phone_view(photo, 1), phone_view(photo, 1), phone_view(photo, 2)
    assert first == second
    assert first != other
    view = read_image(first)
    assert view.shape == (600, 800, 3)
    assert view.mean() == pytest.approx(0.6 * original.mean(), rel=0.15)
    flat = read_image(phone_view(encoded(np.full((700, 900, 3), 128, np.uint8)), 1)).astype(float)
    assert flat.mean() == pytest.approx(0.6 * 128, abs=1), "no border is invented"
    assert 2 < flat.std() < 8, "sensor noise, partly removed by the compression"


def test_the_demo_without_its_photographs_says_what_to_do(
    steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    ran = steeple("demo", "--output", tmp_path / "pictures", "--json")
    assert ran.code == 11
    assert ran.out == ""
    assert "image-matching-models 1.1.0" in ran.error["message"]
    assert "connect to the internet once" in ran.error["message"]
    assert "hint" not in ran.error, "no server is missing"
