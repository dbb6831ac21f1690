"""The picture of an explanation: the photo beside the best reference image, with their matches."""

from __future__ import annotations

from pathlib import Path

from steeple.cli.canvas import AMBER, GREEN, Image, save
from steeple.cli.drawing import AnswerPicture, draw_answer
from steeple.client import Client, ExplainedImage, Explanation
from steeple.delf.image import read_image
from steeple.errors import NotFoundError


def draw_explanation(client: Client, photo: Path, found: Explanation, path: Path) -> None:
    """Draws the photo beside the image that came closest.

    Args:
        client: To download the reference image with.
        photo: That was asked about.
        found: With inlier matches.
        path: Where to save.

    Raises:
        InvalidArgumentError: If it cannot be saved.
    """
    best = next((image for image in found.images if image.inliers), None)
    query = read_image(photo.read_bytes())
    verdict, colour = ("IDENTIFIED", GREEN) if found.identified else ("UNKNOWN", AMBER)
    if best is None:
        picture = AnswerPicture("UNKNOWN", "no image agrees with the photo", verdict, colour, query, photo.name)
    else:
        reference = _downloaded(client, best.reference_image)
        picture = AnswerPicture(
            headline=best.landmark.display_name if found.identified else f"not {best.landmark.display_name}",
            detail=f"{best.inliers} of {best.matches} agree{_sum(found, best)}",
            verdict=verdict,
            colour=colour,
            query=query,
            query_title=photo.name,
            reference=reference,
            reference_title=best.reference_image if reference is not None else f"{best.reference_image} has no photo",
            faded=not found.identified,
            outline=best.outline if found.identified else best.outline[:0],
            query_points=best.query_points,
            reference_points=best.reference_points,
        )
    save(draw_answer(picture), path)


def _downloaded(client: Client, name: str) -> Image | None:
    try:
        return read_image(client.download_reference_image(name).data)
    except NotFoundError:  # only its features were uploaded
        return None


def _sum(found: Explanation, image: ExplainedImage) -> str:
    """The confidence, and the logit as a sum."""
    if image.confidence is None:
        return ""
    parts = "".join(f" {part.contribution:+.2f} {part.name}" for part in image.evidence if part.contribution)
    return (
        f"; {image.confidence:.3f}, {found.threshold:.2f} needed; "
        f"logit {found.logit(image):+.2f} = {found.bias:+.2f}{parts}"
    )
