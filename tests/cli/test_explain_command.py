"""``steeple explain``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from steeple.cli.explain import _WORDS
from steeple.client import Verdict
from steeple.delf.image import read_image

from .support import Steeple


def test_an_answer_is_explained(catalogue: Steeple, photos: Callable[..., list[Path]], tmp_path: Path) -> None:
    (photo,) = photos(200)
    picture = tmp_path / "why.png"
    ran = catalogue("explain", photo, "--picture", picture)
    assert ran.code == 0
    assert ran.out.startswith("Scene 200 (")
    for told in ("scene-200/images/", "the answer", "margin", "bias", "logit"):
        assert told in ran.out
    assert str(picture) in ran.err
    drawn = read_image(picture.read_bytes())
    assert drawn.shape[1] == 1600
    assert len({tuple(pixel) for pixel in drawn[::8, ::8].reshape(-1, 3).tolist()}) > 500, "both photos are in it"


def test_a_program_is_told_the_same(catalogue: Steeple, photos: Callable[..., list[Path]]) -> None:
    (photo,) = photos(201)
    ran = catalogue("explain", photo, "--json")
    assert ran.code == 0
    best = ran.json["images"][0]
    assert (best["verdict"], best["landmark"]["display_name"]) == ("answer", "Scene 201")
    assert ran.json["bias"] + sum(part["contribution"] for part in best["evidence"]) > 0
    assert "query_points" not in best
    matched = catalogue("explain", photo, "--json", "--matches").json["images"][0]
    assert len(matched["query_points"]) == matched["inliers"] == best["inliers"]


def test_unknown_has_a_picture_too(catalogue: Steeple, photos: Callable[..., list[Path]], tmp_path: Path) -> None:
    (photo,) = photos(977)
    picture = tmp_path / "new" / "why.jpg"
    ran = catalogue("explain", photo, "--picture", picture)
    assert ran.code == 3
    assert ran.out.startswith("UNKNOWN")
    assert picture.stat().st_size > 10_000


def test_a_picture_needs_a_known_format(catalogue: Steeple, photos: Callable[..., list[Path]]) -> None:
    ran = catalogue("explain", *photos(200), "--picture", "why.pdf")
    assert ran.code == 2
    assert ".png" in ran.err


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_words(verdict: Verdict) -> None:
    assert _WORDS[verdict.value].format(threshold=0.5)
