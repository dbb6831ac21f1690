"""Saves a picture of each answer of the demo, and one of them all."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from steeple.cli.canvas import AMBER, GREEN, RED, VIOLET, Colour, Image, save
from steeple.cli.demo.run import Result, Verdict
from steeple.cli.drawing import AnswerPicture, draw_answer, draw_overview
from steeple.client import Client
from steeple.delf.image import read_image
from steeple.errors import InvalidArgumentError

OVERVIEW: Final = "overview.jpg"


def prepare_directory(directory: Path) -> None:
    """Makes the folder, so that one that cannot be written is found before the work rather than after it.

    Raises:
        InvalidArgumentError: If it cannot be made or written.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / OVERVIEW).touch()
    except OSError as error:
        raise InvalidArgumentError(
            f"pictures cannot be saved in {directory}: {error.strerror}; choose another folder with --output"
        ) from error


def save_pictures(client: Client, results: Sequence[Result], title: str, directory: Path) -> dict[str, Path]:
    """Draws all answers.

    Args:
        client: To download the reference images with.
        results: The answers.
        title: Of the overview.
        directory: Where to save; it exists.

    Returns:
        Path of each query's picture by the query's id, and of the overview by "overview".
    """
    references: dict[str, Image] = {}
    pictures = [_picture(client, result, references) for result in results]
    paths: dict[str, Path] = {}
    for number, (result, picture) in enumerate(zip(results, pictures, strict=True), start=1):
        paths[result.query.id] = save(draw_answer(picture), directory / f"{number:02}-{result.query.id}.jpg")
    paths["overview"] = save(draw_overview(title, pictures), directory / OVERVIEW)
    return paths


def _picture(client: Client, result: Result, references: dict[str, Image]) -> AnswerPicture:
    answer = result.answer
    photo = read_image(result.photo)
    cost = f"{answer.request_bytes:,} bytes sent, {result.total_milliseconds:.0f} ms in all"
    best = answer.best
    if best is None:
        return AnswerPicture(
            "UNKNOWN", f"nothing matched; {cost}", result.verdict.value, colour_of(result), photo, result.query.title
        )
    if best.reference_image not in references:
        references[best.reference_image] = read_image(client.download_reference_image(best.reference_image).data)
    name, agreement = best.landmark.display_name, f"{best.inliers} of {best.matches} matches agree"
    return AnswerPicture(
        headline=f"{name}  {best.confidence:.3f}" if answer.identified else "UNKNOWN",
        detail=f"{agreement}, {cost}" if answer.identified else f"closest: {name} {best.confidence:.3f}, {agreement}",
        verdict=result.verdict.value,
        colour=colour_of(result),
        query=photo,
        query_title=result.query.title,
        reference=references[best.reference_image],
        reference_title=f"reference: {name}" if answer.identified else f"not it: {name}",
        faded=not answer.identified,
        outline=best.outline if answer.identified else best.outline[:0],
        query_points=best.query_points,
        reference_points=best.reference_points,
    )


def colour_of(result: Result) -> Colour:
    """Green for a name, amber for UNKNOWN, violet for what is not recognised yet, red for a failure."""
    if result.verdict.fails:
        return RED
    if result.verdict is Verdict.NOT_YET:
        return VIOLET
    return GREEN if result.answer.identified else AMBER
