"""``steeple benchmark robustness``: how far the features of a release carry, beside RootSIFT's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from steeple.cli import completion
from steeple.cli.options import DEFAULT_MODEL, JsonOption
from steeple.cli.output import Column, Output
from steeple.cli.photo_files import find_photos
from steeple.cli.stages import staged
from steeple.cli.writable import CHARTS, check_writable, write_text

if TYPE_CHECKING:
    from steeple.delf import ModelRelease
    from steeple.server.robustness import Curves


def robustness(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Photos anywhere below it; no answers are needed.")],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME|DIR", autocompletion=completion.releases, help="Release to measure.")
    ] = DEFAULT_MODEL,
    photos: Annotated[
        int, typer.Option("--photos", metavar="N", min=2, help="Photos at most, evenly chosen by path.")
    ] = 40,
    chart: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.svg", help="Draw the curves as well.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Match photos with turned, shrunk, tilted, hidden, blurred and darkened copies of themselves.

    Each photo, shrunk to fit 640x480, is matched with a copy of it under one known change at a time, by the release
    and by RootSIFT (OpenCV's SIFT, 1000 features): the truth is known for every match. Takes some 10 seconds a photo.

    \b
    Figures, at each strength of each change:
      recognised    photos that verification finds: 12 inliers or more, and an outline whose corners are off by less
                    than a tenth of the picture's diagonal, on average (RootSIFT has two tries, with radii for
                    precise and for coarse positions)
      within 16 px  mutual nearest neighbours that land so close to where they should; "8 px": so close
      correct       number of those within 16 px
      ratio         the release's figure over RootSIFT's

    \b
    Examples:
      steeple benchmark robustness photos/
      steeple benchmark robustness photos/ --model releases/delf-mine --photos 100 --output robustness.svg
      steeple benchmark robustness photos/ --json
    """
    from steeple.delf import ModelRelease
    from steeple.delf.photo_files import evenly
    from steeple.server.robustness import TRANSFORMATIONS, Release, RootSift, measure
    from steeple.server.robustness.photos import fit_vga, read_photo

    output = Output(as_json=json)
    if chart is not None:
        check_writable(chart, "--output", CHARTS)
    release = ModelRelease.load(model)
    pictures = [fit_vga(read_photo(path)) for path in evenly(find_photos([folder]), photos)]
    methods = (Release(release), RootSift())
    with staged(output) as progress:
        curves = measure(pictures, methods, TRANSFORMATIONS, progress)
    output.document(_document(release, len(pictures), curves))
    _print(output, release, len(pictures), curves)
    if chart is not None:
        _draw(chart, release, len(pictures), curves)
        output.note(f"drawn: {chart}")


def _document(release: ModelRelease, photos: int, curves: Sequence[Curves]) -> dict[str, Any]:
    from steeple.server.robustness import CORRECT, MAX_CORNER_ERROR, MIN_INLIERS, NEAR, ROOTSIFT_RADII

    return {
        "model": release.name,
        "tflite_sha256": release.tflite_sha256,
        "photos": photos,
        "correct_pixels": CORRECT,
        "near_pixels": NEAR,
        "min_inliers": MIN_INLIERS,
        "max_corner_error": MAX_CORNER_ERROR,
        "inlier_radii": {release.name: [release.verification.inlier_radius], "RootSIFT": list(ROOTSIFT_RADII)},
        "transformations": [
            {
                "name": curve.transformation.name,
                "unit": curve.transformation.unit,
                "mean_recognised": {name: round(curve.mean(name), 4) for name in curve.points},
                "points": {
                    name: [{key: round(value, 4) for key, value in asdict(point).items()} for point in points]
                    for name, points in curve.points.items()
                },
            }
            for curve in curves
        ],
    }


def _print(output: Output, release: ModelRelease, photos: int, curves: Sequence[Curves]) -> None:
    from steeple.server.robustness import CORRECT, NEAR, ROOTSIFT_RADII

    for curve in curves:
        ours, theirs = curve.points.values()
        columns = [Column(curve.transformation.unit, "right")]
        for title in ("recognised", f"within {CORRECT:g} px", f"{NEAR:g} px", "correct"):
            columns += [Column(title, "right"), Column("RootSIFT", "right"), Column("ratio", "right")]
        rows = []
        for own, other in zip(ours, theirs, strict=True):
            rows.append(
                [
                    f"{own.strength:g}",
                    *_compared(own.recognised, other.recognised),
                    *_compared(own.correct_share, other.correct_share),
                    *_compared(own.near_share, other.near_share),
                    *_compared(own.correct, other.correct, digits=0),
                ]
            )
        output.table(columns, rows, title=curve.transformation.name)
        output.say("")
    output.table(
        [
            Column("recognised, mean"),
            Column(release.name, "right"),
            Column("RootSIFT", "right"),
            Column("ratio", "right"),
        ],
        [(curve.transformation.name, *_compared(*(curve.mean(name) for name in curve.points))) for curve in curves],
    )
    radii = " and ".join(f"{radius:g}" for radius in ROOTSIFT_RADII)
    output.say(
        f"{release.name} and RootSIFT-1000 on {photos} photos at 640x480; verified with a radius of "
        f"{release.verification.inlier_radius:g} px, RootSIFT with {radii} px, "
        "whichever finds the photo",
        "dim",
    )


def _compared(own: float, other: float, *, digits: int = 2) -> tuple[str, str, str]:
    ratio = f"{own / other:.2f}" if other else "n/a"
    return f"{own:.{digits}f}", f"{other:.{digits}f}", ratio


def _draw(path: Path, release: ModelRelease, photos: int, curves: Sequence[Curves]) -> None:
    from steeple.cli.robustness_chart import draw

    title = f"{release.name} beside RootSIFT: photos matched with changed copies of themselves"
    detail = f"{photos} photos at 640x480, one known change at a time"
    write_text(path, draw(curves, title, detail))
