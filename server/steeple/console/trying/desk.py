"""What all who try photos out share."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from steeple.console.rendering import STATIC_FOLDER
from steeple.console.trying.held import HeldPhoto, HeldPhotos
from steeple.console.trying.reading import PhotoReading
from steeple.console.visit import Visit
from steeple.errors import NotFoundError

REFERENCE_SIDE: Final = 900
"""Pixels of the longer side of a reference image beside a photo."""

_NO_PHOTO: Final = (STATIC_FOLDER / "no-photo.svg").read_bytes()
_KEPT: Final = {"cache-control": "private, max-age=300"}


class Desk:
    """Of one console.

    Attributes:
        reading: Makes features of photos.
        held: Photos that are tried out.
    """

    def __init__(self) -> None:
        self.reading = PhotoReading()
        self.held = HeldPhotos()

    def close(self) -> None:
        """Ends its thread."""
        self.reading.close()


def desk_of(visit: Visit) -> Desk:
    """That of the console."""
    desk: Desk = visit.request.app.state.desk
    return desk


def owner_of(visit: Visit) -> str:
    """Whose photos they are: of this browser, as long as the same person is signed in."""
    return f"{visit.browser} {visit.secret}"


def held_photo(visit: Visit) -> HeldPhoto:
    """The photo that the path names.

    Raises:
        NotFoundError: If it is not held for this browser.
    """
    return desk_of(visit).held.get(visit.request.path_params["photo"], owner_of(visit))


async def reference_response(visit: Visit, landmark: str, image: str) -> Response:
    """A reference image of a size to look at, or a picture that says that there is none."""
    try:
        file = await visit.client.download_reference_image(f"landmarks/{landmark}/images/{image}")
    except NotFoundError:
        return Response(_NO_PHOTO, media_type="image/svg+xml")
    view = await desk_of(visit).reading.view(file.data, REFERENCE_SIDE)
    return Response(view, media_type="image/jpeg", headers=_KEPT)
