"""``steeple explain``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption, TimeoutOption
from steeple.cli.output import Cell, Column, Output

if TYPE_CHECKING:
    from steeple.client import ExplainedImage, Explanation

UNKNOWN_EXIT_CODE: Final = 3
_COMPARED: Final = 3  # landmarks whose evidence stands side by side
_WORDS: Final = {
    "answer": "the answer",
    "same_landmark": "another image of the landmark has more inliers",
    "outranked": "another landmark is more likely",
    "below_threshold": "confidence below {threshold:.2f}",
    "too_few_matches": "too few matches to verify",
    "geometry_refused": "its matches agree on no view of the scene",
    "not_verified": "left out: the answer was certain before",
    "other": "for a reason that this version does not know",
}


def explain(
    photo: Annotated[Path, typer.Argument(metavar="PHOTO", help="A JPEG, PNG, WebP or BMP file.")],
    server: ServerOption = DEFAULT_SERVER,
    upload: Annotated[
        bool, typer.Option("--upload", help="Send the photo itself instead of features extracted here.")
    ] = False,
    max_bytes: Annotated[
        int | None,
        typer.Option("--max-bytes", metavar="N", min=256, help="Send the best features only, as identify would."),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", metavar="FILE.png", help="Draw the photo beside the best image, with their matches."),
    ] = None,
    matches: Annotated[bool, typer.Option("--matches", help="With --json: list the inlier matches too.")] = False,
    timeout: TimeoutOption = 10.0,
    json: JsonOption = False,
) -> int:
    """Show why a photo is answered as it is: what was weighed, what won, and why the others lost.

    Below the table of images stands what each piece of evidence adds to the logit of the most likely landmarks; their
    confidence is 1 / (1 + exp(-logit)).

    \b
    Examples:
      steeple explain photo.jpg
      steeple explain photo.jpg --picture why.png
      steeple explain photo.jpg --json | jq '.images[] | {verdict, inliers}'

    \b
    Exit code: 0 if the photo is identified, 3 if it is UNKNOWN, else that of the error.
    """
    output = Output(as_json=json)
    if picture is not None:
        from steeple.cli.canvas import FORMATS
        from steeple.cli.writable import check_writable

        check_writable(picture, "--picture", FORMATS)
    with connect(server, timeout) as client:
        found = client.explain(
            photo, upload=upload, max_bytes=max_bytes, include_matches=matches or picture is not None
        )
        if picture is not None:
            from steeple.cli.explain_picture import draw_explanation

            draw_explanation(client, photo, found, picture)
    facts = {"photo": str(photo), **found.to_dict()}
    if not matches:
        for image in facts["images"]:
            del image["query_points"], image["reference_points"]
    output.document(facts if picture is None else {**facts, "picture": str(picture)})
    _print(output, found)
    if picture is not None:
        output.note(f"drawn into {picture}")
    return 0 if found.identified else UNKNOWN_EXIT_CODE


def _print(output: Output, found: Explanation) -> None:
    output.say(_headline(found), "bold green" if found.identified else "bold yellow")
    if not found.images:
        return
    output.table(
        (
            Column("image"),
            Column("votes", "right"),
            Column("matches", "right"),
            Column("inliers", "right"),
            Column("distinct", "right"),
            Column("confidence", "right"),
            Column("verdict"),
        ),
        [_row(found, image) for image in found.images],
    )
    judged = [image for image in found.images if image.evidence][:_COMPARED]
    if judged:
        _print_evidence(output, found, judged)
    output.note(f"{found.feature_count} features, release {found.model}")


def _row(found: Explanation, image: ExplainedImage) -> Sequence[str | Cell]:
    tried = image.verdict.value != "not_verified"
    return (
        Cell(image.reference_image.removeprefix("landmarks/"), "bold" if image.verdict.value == "answer" else ""),
        str(image.votes),
        str(image.matches),
        str(image.inliers) if tried else "",
        f"{image.distinct:.2f}" if image.distinct else "",
        "" if image.confidence is None else f"{image.confidence:.3f}",
        _WORDS[image.verdict.value].format(threshold=found.threshold),
    )


def _print_evidence(output: Output, found: Explanation, judged: Sequence[ExplainedImage]) -> None:
    """Values and contributions of the evidence, a landmark a column."""
    rows: list[Sequence[str | Cell]] = []
    for number, part in enumerate(judged[0].evidence):
        cells = []
        for image in judged:
            own = image.evidence[number]
            cells.append(f"{own.value:.3f} → {own.contribution:+.3f}")
        rows.append((part.name, f"{part.weight:.3f}", *cells))
    rows.append(("bias", "", *(f"{found.bias:+.3f}" for _ in judged)))
    rows.append(("logit", "", *(f"{found.logit(image):+.3f}" for image in judged)))
    output.table(
        (
            Column("evidence"),
            Column("weight", "right"),
            *(Column(image.landmark.display_name, "right") for image in judged),
        ),
        rows,
    )


def _headline(found: Explanation) -> str:
    """The answer and what decided it, in a sentence."""
    best = next((image for image in found.images if image.confidence is not None), None)
    if best is None:
        return "UNKNOWN: no image of the catalogue agrees with the photo"
    share = f"{best.landmark.display_name} ({best.confidence:.3f}), {best.inliers} of {best.matches} matches agree"
    if found.identified:
        return f"{share}; {found.threshold:.2f} are needed"
    return f"UNKNOWN: the closest is {share}; {found.threshold:.2f} would be needed"
