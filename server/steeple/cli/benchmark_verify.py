"""``steeple benchmark verify``: what geometric verification costs and finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption, PlotOption
from steeple.cli.output import Column, Output
from steeple.cli.writable import CHARTS, check_writable, write_text
from steeple.lab.drawing.chart import Axis, Panel, Series, draw

if TYPE_CHECKING:
    from steeple.server.scale.verification_points import VerificationPoint

_MATCHES: Final = (25, 50, 100, 200, 500)
_SHARES: Final = (0.1, 0.2, 0.4, 0.8)
_FEATURES: Final = (500, 1000)
_SHOWN: Final = 0.2  # the share that times are drawn for


def verify(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            metavar="NAME|DIR",
            autocompletion=completion.releases,
            help="Release whose inlier radius and iterations are used.",
        ),
    ] = DEFAULT_MODEL,
    trials: Annotated[int, typer.Option("--trials", metavar="N", min=1, help="Verifications of each kind.")] = 100,
    plot: PlotOption = None,
    json: JsonOption = False,
) -> None:
    """Measure geometric verification on one thread: time, models found, and OpenCV's RANSAC by itself beside it.

    Matches are synthetic: some follow a planted affine model or homography at 640x480, as imprecisely as cells of
    16 pixels place keypoints, the others are anywhere.

    \b
    found      verifications whose model, refined if a homography was planted, is within 12 px of it at the corners
    by chance  inliers of as many matches without a model; median
    finalist   exact re-matching of all features, and PROSAC on 100 sorted matches

    \b
    Examples:
      steeple benchmark verify
      steeple benchmark verify --trials 1000 --plot verify.svg --json
    """
    import cv2
    from threadpoolctl import threadpool_limits

    from steeple.delf import ModelRelease
    from steeple.server.scale.verification_points import measure_finalist, measure_verification

    output = Output(as_json=json)
    if plot is not None:
        check_writable(plot, "--plot", CHARTS)
    parameters = ModelRelease.load(model).verification
    radius, iterations = parameters.inlier_radius, parameters.iterations
    cv2.setNumThreads(1)
    with threadpool_limits(1), output.progress("verifying", 2 * len(_MATCHES) * len(_SHARES) + len(_FEATURES)) as done:
        points = measure_verification(
            _MATCHES,
            _SHARES,
            trials,
            inlier_radius=radius,
            iterations=iterations,
            advance=lambda: done.advance(""),
        )
        finalists = []
        for features in _FEATURES:
            finalists.append(measure_finalist(features, 100, trials, inlier_radius=radius, iterations=iterations))
            done.advance("")
    output.document(
        {
            "model": model,
            "inlier_radius": radius,
            "iterations": iterations,
            "trials": trials,
            "points": [asdict(point) for point in points],
            "finalists": [asdict(finalist) for finalist in finalists],
        }
    )
    output.table(
        (
            Column("planted"),
            Column("matches", "right"),
            Column("inliers", "right"),
            Column("found", "right"),
            Column("by chance", "right"),
            Column("ms", "right"),
            Column("OpenCV ms", "right"),
        ),
        [
            (
                point.kind,
                str(point.matches),
                f"{point.inlier_share:.0%}",
                f"{point.found:.2f}",
                f"{point.false_inliers:.0f}",
                f"{point.milliseconds:.2f}",
                f"{point.raw_milliseconds:.2f}",
            )
            for point in points
        ],
    )
    output.table(
        (
            Column("features of a finalist", "right"),
            Column("re-match ms", "right"),
            Column("verify ms", "right"),
            Column("both", "right"),
        ),
        [
            (
                str(finalist.features),
                f"{finalist.rematch_milliseconds:.2f}",
                f"{finalist.verify_milliseconds:.2f}",
                f"{finalist.rematch_milliseconds + finalist.verify_milliseconds:.2f}",
            )
            for finalist in finalists
        ],
    )
    if plot is not None:
        write_text(plot, _chart(points, trials))
        output.note(f"drawn: {plot}")


def _chart(points: Sequence[VerificationPoint], trials: int) -> str:
    """As SVG: what is found of each kind of model, and what an affine one costs."""
    kinds = dict.fromkeys(point.kind for point in points)
    shown = [point for point in points if point.inlier_share == _SHOWN and point.kind == next(iter(kinds))]
    ours, raw = f"Steeple, {_SHOWN:.0%} inliers", f"OpenCV's RANSAC alone, {_SHOWN:.0%} inliers"
    times = [
        Series(ours, [(point.matches, point.milliseconds) for point in shown]),
        Series(raw, [(point.matches, point.raw_milliseconds) for point in shown], dashed=True, beside=ours),
    ]
    return draw(
        [
            *(_found(kind, [point for point in points if point.kind == kind]) for kind in kinds),
            Panel("time on one thread", Axis("matches", steps=_MATCHES), Axis("milliseconds, median", low=0.0), times),
        ],
        "Geometric verification: what it finds and what it costs",
        f"Synthetic matches at 640x480, keypoints placed as imprecisely as by cells of 16 pixels; {trials} "
        "verifications a point; found: within 12 px of the planted model at the corners",
    )


def _found(kind: str, points: Sequence[VerificationPoint]) -> Panel:
    series = [
        Series(
            f"{matches} matches",
            [(100 * point.inlier_share, point.found) for point in points if point.matches == matches],
        )
        for matches in _MATCHES
    ]
    return Panel(
        f"planted models found: {kind}",
        Axis("inliers, percent of the matches", steps=tuple(100 * share for share in _SHARES)),
        Axis("share of verifications", low=0.0, high=1.0),
        series,
    )
