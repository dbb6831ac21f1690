"""What all who try photos out share."""

from __future__ import annotations

from steeple.console.trying.held import HeldPhoto, HeldPhotos
from steeple.console.trying.reading import PhotoReading
from steeple.console.visit import Visit


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
