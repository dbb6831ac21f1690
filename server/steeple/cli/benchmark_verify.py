"""``steeple benchmark verify``: what geometric verification costs and finds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Final

import typer

from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output

_MATCHES: Final = (25, 50, 100, 200, 500)
_SHARES: Final = (0.1, 0.2, 0.4, 0.8)
_FEATURES: Final = (500, 1000)


def verify(
    model: Annotated[
        str, typer.Option("--model", metavar="NAME|DIR", help="Release whose inlier radius and iterations are used.")
    ] = DEFAULT_MODEL,
    trials: Annotated[int, typer.Option("--trials", metavar="N", min=1, help="Verifications of each kind.")] = 100,
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
      steeple benchmark verify --trials 1000 --json
    """
    import cv2
    from threadpoolctl import threadpool_limits

    from steeple.delf import ModelRelease
    from steeple.server.scale.verification_points import measure_finalist, measure_verification

    output = Output(as_json=json)
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
