"""Two photos side by side, with lines between what matches."""

from __future__ import annotations

import numpy as np

from steeple.client import AsyncClient
from steeple.console.drawings import MatchDrawing, match_drawing
from steeple.errors import NotFoundError


async def matches(client: AsyncClient, photo: bytes, image: str) -> MatchDrawing:
    """A photo beside a reference image.

    Args:
        client: Of whoever looks.
        photo: Encoded; it need not be in the catalogue.
        image: ``landmarks/{landmark}/images/{image}``. Where the server did not weigh it, no lines are drawn.

    Raises:
        ImageError: If the photo cannot be used.
        NotFoundError: If there is no such image.
    """
    other = await client.get_reference_image(image)
    told = await client.explain(photo, upload=True, include_matches=True)
    none = np.zeros((0, 2), np.float32)
    found = next((each for each in told.images if each.reference_image == image), None)
    return match_drawing(
        (told.width, told.height),
        (other.width, other.height),
        none if found is None else found.query_points,
        none if found is None else found.reference_points,
    )


async def matches_between(client: AsyncClient, first: str, second: str) -> MatchDrawing:
    """Two reference images, as :func:`matches` has it.

    Raises:
        NotFoundError: If one is not there, or of the first there is no photo.
    """
    if first == second:
        raise NotFoundError("that is one and the same photo", resource=first)
    photo = await client.download_reference_image(first)
    return await matches(client, photo.data, second)
