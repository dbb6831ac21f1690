"""``steeple benchmark live``: its film, its arithmetic, and a short run."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from steeple.app.found import Origin
from steeple.app.loop import LiveView
from steeple.app.pace import Effort
from steeple.app.states import State
from steeple.cli.benchmark_live import print_figures
from steeple.cli.footage import RATE, Footage, Shot
from steeple.cli.live_run import LiveFigures, Run, Seen, figures, outline_error
from steeple.cli.output import Output
from steeple.client import Answer, Candidate, Landmark, Timings
from steeple.delf.homographies import Homography, clipped, corners, in_front, mapped, shifting
from steeple.errors import InvalidArgumentError, UnavailableError
from tests.scenes import scene

from .support import Steeple

SIZE = (320, 240)
NAMES = ["landmarks/a", "landmarks/b"]


@pytest.fixture(scope="module")
def footage() -> Footage:
    """Two shots of two seconds."""
    return Footage([Shot(scene(seed, 400, 300), 60, seed) for seed in (1, 2)], SIZE)


# --- the film ---


def test_a_film_knows_what_is_where(footage: Footage) -> None:
    assert len(footage) == 120
    assert [footage.shot(number) for number in (0, 59, 60, 119, 120, 245)] == [
        (0, 0), (0, 59), (1, 0), (1, 59), (0, 0), (0, 5),
    ]  # fmt: skip
    seen, picture = footage.frame(70).astype(float), footage.shots[1].picture
    places = np.random.default_rng(0).uniform((100, 80), (300, 220), (400, 2)).round()
    there = mapped(footage.homography(70), places)
    inside = ((there >= 1) & (there <= np.subtract(SIZE, 2))).all(axis=1)
    assert inside.sum() > 300
    x, y = there[inside].round().astype(int).T
    expected = picture[places[inside, 1].astype(int), places[inside, 0].astype(int)]
    assert float(np.median(np.abs(seen[y, x] - expected).mean(axis=1))) < 8.0  # the sensor's noise


def test_a_hand_moves_the_camera_gently_and_keeps_the_picture_in_sight(footage: Footage) -> None:
    outer = corners(400, 300)
    places = [mapped(footage.homography(number), outer) for number in range(60)]
    steps = [float(np.linalg.norm(after - before, axis=1).max()) for before, after in pairwise(places)]
    assert max(steps) < 16.0
    for number, place in enumerate(places):
        assert in_front(footage.homography(number), outer)
        x, y = clipped(place, SIZE).T
        shown = 0.5 * abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()))
        assert shown > 0.5 * SIZE[0] * SIZE[1]


def test_what_cannot_be_filmed_is_refused(footage: Footage, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="a shot or more"):
        Footage([], SIZE)
    with pytest.raises(UnavailableError, match="avi"):
        footage.write(tmp_path / "missing" / "film.avi")


# --- the arithmetic ---


def seen(number: int, name: str | None, *, homography: Homography | None = None, latency: float | None = None) -> Seen:
    """A view of a frame, with the corners of the picture as outline."""
    answer = None
    if name is not None:
        none = np.empty((0, 2), np.float32)
        best = Candidate(Landmark(f"landmarks/{name}", name), 0.9, "", 9, 9, none, none, none)
        answer = Answer(True, (best,), "models/m", *SIZE, 9, Timings(), 9)
    view = LiveView(
        state=State.CERTAIN if name else State.LOOKING,
        answer=answer,
        photo=None,
        features=None,
        outline=None if homography is None else mapped(homography, corners(400, 300)).astype(np.float32),
        homography=homography,
        frame_size=SIZE,
        confidence=0.9 if name else None,
        origin=Origin.SERVER,
        pack=None,
        answers=number,
        latency_ms=latency,
        answers_per_second=None,
        advice=None,
        problem=None,
        time=float(number),
    )
    return Seen(number, 0.02, view, latency is not None)


def told(footage: Footage, views: list[Seen]) -> LiveFigures:
    return figures(views, footage, NAMES, Run(10.0, 120, 3, 0.001, 8.0, 4.0), Effort((1.0, 0.5), 2))


def test_an_outline_errs_by_as_much_as_it_is_shifted(footage: Footage) -> None:
    for number in (0, 40, 119):
        true = footage.homography(number)
        assert outline_error(seen(number, "a", homography=true), footage) == pytest.approx(0.0, abs=1e-3)
        shifted = outline_error(seen(number, "a", homography=shifting(3.0, 4.0) @ true), footage)
        assert shifted == pytest.approx(5.0, abs=1e-3)
    assert outline_error(seen(0, "a"), footage) is None
    away = shifting(5000.0, 0.0) @ footage.homography(0)
    assert outline_error(seen(0, "a", homography=away), footage) is None


def test_views_after_the_first_second_of_a_shot_are_judged(footage: Footage) -> None:
    views = [seen(number, None) for number in range(10)]
    views += [seen(10, "a", latency=120.0), seen(29, "b"), seen(30, "a", homography=footage.homography(30))]
    views += [seen(31, "a", homography=shifting(0.0, 2.0) @ footage.homography(31), latency=180.0), seen(40, None)]
    views += [seen(60 + within, "a") for within in (0, 45)] + [seen(75, "b"), seen(180, "b")]
    found = told(footage, views)
    assert (found.answers, found.answers_per_second, found.latency_p50_ms, found.latency_p90_ms) == (
        2,
        0.2,
        150.0,
        174.0,
    )
    assert (found.frames, found.dropped, found.offer_max_ms, found.view_p90_ms) == (120, 3, 1.0, 20.0)
    # Judged: frames 30, 31, 40 and 105.
    assert (found.named, found.wrongly_named, found.outlined) == (0.5, 0.25, 1.0)
    assert [found.outline_p50_px, found.between_p50_px] == pytest.approx([1.0, 0.0], abs=1e-3)
    # Named after 10 frames, 15 frames and, played again, at once.
    assert found.seconds_to_name == pytest.approx(10 / RATE, abs=1e-3)
    assert (found.levels, found.threads) == ((1.0, 0.5), 2)
    assert (found.app_cpu, found.server_cpu) == (0.8, 0.4)


def test_a_run_without_views_tells_nothing(footage: Footage) -> None:
    found = told(footage, [])
    assert (found.answers, found.latency_p50_ms, found.named, found.outlined, found.outline_p50_px) == (
        0, None, None, None, None,
    )  # fmt: skip


# --- a run ---


def test_a_run_names_what_the_film_shows(steeple: Steeple, photos: Callable[..., list[Path]]) -> None:
    ran = steeple(
        "benchmark", "live", *photos(1, 2), "--seconds", "5", "--shot", "4", "--size", "480x360", "--json"
    )  # fmt: skip
    assert ran.code == 0, ran.err
    facts = ran.json
    assert (facts["size"], facts["landmarks"]) == ("480x360", 2)
    assert facts["answers"] >= 1
    assert facts["named"] > 0.0
    assert facts["wrongly_named"] < 0.2
    assert facts["outline_p50_px"] < 8.0
    assert [bar["name"] for bar in facts["bars"]] == ["answers a second", "latency p50, ms"]
    assert facts["frames"] >= facts["dropped"] >= 0


def test_a_budget_is_one_of_the_app(steeple: Steeple, photos: Callable[..., list[Path]]) -> None:
    ran = steeple("benchmark", "live", *photos(1), "--max-bytes", "5000", "--json")
    assert ran.code == 2
    assert "1024, 4096, 16384, 49152" in ran.error["message"]


@pytest.mark.parametrize("size", ["640", "640x", "10x10", "640x480x3", "axb", "9999x480"])
def test_a_size_is_two_numbers(size: str, steeple: Steeple, photos: Callable[..., list[Path]]) -> None:
    ran = steeple("benchmark", "live", *photos(1), "--size", size, "--json")
    assert ran.code == 2
    assert "640x480" in ran.error["message"]


def test_the_figures_are_printed_as_text(capsys: pytest.CaptureFixture[str], footage: Footage) -> None:
    print_figures(Output(as_json=False), told(footage, [seen(40, "a", latency=120.0)]), 2, SIZE, {})
    printed = " ".join(capsys.readouterr().out.split())
    assert "p50 120" in printed
    assert "100.0% rightly, 0.0% wrongly" in printed
    assert "missed" in printed
