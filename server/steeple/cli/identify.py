"""``steeple identify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli.connection import connect
from steeple.cli.options import (
    DEFAULT_SERVER,
    JsonOption,
    ServerOption,
    TimeoutOption,
    read_location,
    read_metadata,
)
from steeple.cli.output import Cell, Column, Output, error_facts
from steeple.errors import DeadlineExceededError, InvalidArgumentError, ResourceExhaustedError, SteepleError

if TYPE_CHECKING:
    from steeple.client import Answer

UNKNOWN_EXIT_CODE: Final = 3
_PARTLY_FAILED: Final = 1
_RADIUS: Final = 2000.0  # metres

# These are about one photo; after any other error the next photo would fare no better.
_OF_ONE_PHOTO: Final = (InvalidArgumentError, DeadlineExceededError, ResourceExhaustedError)


def identify(
    photos: Annotated[list[Path], typer.Argument(metavar="PHOTO", help="JPEG, PNG, WebP or BMP files.")],
    server: ServerOption = DEFAULT_SERVER,
    upload: Annotated[
        bool, typer.Option("--upload", help="Send the photo itself instead of features extracted here.")
    ] = False,
    max_candidates: Annotated[
        int, typer.Option("--max-candidates", metavar="N", min=1, max=100, help="Candidates listed, at most.")
    ] = 5,
    near: Annotated[
        str | None,
        typer.Option("--near", metavar="LAT,LNG", help="Look only for landmarks around here, or without a location."),
    ] = None,
    radius: Annotated[
        float | None, typer.Option("--radius", metavar="METRES", help="Goes with --near. Default: 2000.")
    ] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option("--metadata", "-m", metavar="KEY=VALUE", help="Look only for landmarks that have it; repeatable."),
    ] = None,
    max_bytes: Annotated[
        int | None,
        typer.Option("--max-bytes", metavar="N", min=256, help="Send the best features only, in a request this small."),
    ] = None,
    progressive: Annotated[
        bool, typer.Option("--progressive", help="Spend --max-bytes in parts, until the server is certain.")
    ] = False,
    no_keep: Annotated[
        bool, typer.Option("--no-keep", help="Ask the server not to keep the query for review, if it keeps some.")
    ] = False,
    matches: Annotated[bool, typer.Option("--matches", help="With --json: list the inlier matches too.")] = False,
    thumbnails: Annotated[
        bool, typer.Option("--thumbnails", help="With --json: small reference images too, JPEG in Base64.")
    ] = False,
    timeout: TimeoutOption = 10.0,
    json: JsonOption = False,
) -> int:
    """Name the landmark in each photo, or say UNKNOWN.

    \b
    Examples:
      steeple identify photo.jpg
      steeple identify --json holiday/*.jpg > answers.jsonl
      steeple identify photo.jpg --near 48.8867,2.3431 --radius 500
      steeple identify photo.jpg --server search.example.org:50051 --upload
      steeple identify photo.jpg --max-bytes 4096 --progressive

    \b
    Exit code: 0 if every photo was identified, 3 if one is UNKNOWN, 1 if one of several could not be asked about,
    else that of the error. With --json: one document for one photo, one line each for several.
    """
    output = Output(as_json=json)
    if radius is not None and near is None:
        raise InvalidArgumentError("--radius needs a place that it is about: give --near LAT,LNG as well")
    place = None if near is None else read_location(near, "--near")
    asked: dict[str, Any] = {
        "upload": upload,
        "max_candidates": max_candidates,
        "include_matches": matches,
        "include_thumbnails": thumbnails,
        "near": place,
        "radius_meters": None if place is None else _RADIUS if radius is None else radius,
        "metadata": read_metadata(metadata),
        "max_bytes": max_bytes,
        "progressive": progressive,
        "keep": not no_keep,
    }
    answers: list[Answer] = []
    failed = 0
    with connect(server, timeout) as client, output.progress("identifying", len(photos)) as done:
        for photo in photos:
            try:
                answer = client.identify(photo, **asked)
            except _OF_ONE_PHOTO as error:
                if len(photos) == 1:
                    raise
                failed += 1
                _print_error(output, photo, error)
            else:
                answers.append(answer)
                _print_answer(output, photo, answer, alone=len(photos) == 1)
            done.advance(photo.name)
    if failed:
        output.note(f"{failed} of {len(photos)} photos could not be asked about", style="")
        return _PARTLY_FAILED
    return 0 if all(answer.identified for answer in answers) else UNKNOWN_EXIT_CODE


def _print_error(output: Output, photo: Path, error: SteepleError) -> None:
    if output.as_json:  # in the place of the answer, so that line i stays photo i
        output.line({"photo": str(photo), "error": error_facts(error)})
    else:
        output.error(error, photo=str(photo))


def _print_answer(output: Output, photo: Path, answer: Answer, *, alone: bool) -> None:
    facts = {"photo": str(photo), **answer.to_dict()}
    if not alone:
        output.line(facts)
        output.say(f"{photo}: {headline(answer)}")
        return
    output.document(facts)
    output.say(headline(answer), "bold green" if answer.identified else "bold yellow")
    best = answer.best
    if answer.identified and best is not None and best.landmark.description:
        output.say(best.landmark.description)
    if answer.candidates:
        output.table(
            (Column("candidate"), Column("confidence", "right"), Column("inliers", "right"), Column("best reference")),
            [
                (
                    Cell(candidate.landmark.display_name, "bold" if answer.identified and number == 0 else ""),
                    f"{candidate.confidence:.3f}",
                    f"{candidate.inliers}/{candidate.matches}",
                    candidate.reference_image,
                )
                for number, candidate in enumerate(answer.candidates)
            ],
        )
    output.note(f"{answer.feature_count} features, {answer.request_bytes:,} bytes sent, release {answer.model}")


def headline(answer: Answer) -> str:
    """The answer in a few words: the name and its confidence, or UNKNOWN."""
    best = answer.best
    if answer.identified and best is not None:
        return f"{best.landmark.display_name} ({best.confidence:.3f})"
    return "UNKNOWN"
