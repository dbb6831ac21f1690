"""Adds photos one by one, and says what became of each in words for people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from steeple.client import AsyncClient, DuplicateKind, Landmark, ReferenceImage
from steeple.console.grades import grade_words
from steeple.console.rendering import sentence
from steeple.errors import AlreadyExistsError, ImageError, InvalidArgumentError, NotFoundError, ResourceExhaustedError

_AT_ONCE: Final = 3
_ALIKE: Final = {
    DuplicateKind.SAME_PHOTO.value: "The same file is there already, as a photo of {name}.",
    DuplicateKind.NEAR_DUPLICATE.value: "Nearly the same photo is there already, as one of {name}.",
    DuplicateKind.OTHER_LANDMARK.value: "It looks like {name}, which is another landmark.",
}


@dataclass(frozen=True)
class Outcome:
    """What became of a photo.

    Attributes:
        state: ``added``; ``there``: its landmark has the same file already; ``alike``: it is, nearly, one that is
            there, and was not added; ``refused``: it cannot be used.
        text: In words.
        image: What it became, or is already; empty: nothing.
        grade: How good a reference image it makes, 0 to 5; None: that is not known.
        reasons: What keeps it from 5.
        other: The reference image that it is like; empty: none.
        other_landmark: Id of what that shows.
        other_name: What that is called.
        kind: How it is like it: ``same photo``, ``near-duplicate`` or ``other landmark``.
        inliers: Features that agree.
    """

    state: str
    text: str
    image: str = ""
    grade: int | None = None
    reasons: tuple[str, ...] = ()
    other: str = ""
    other_landmark: str = ""
    other_name: str = ""
    kind: str = ""
    inliers: int = 0

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


async def add_photo(client: AsyncClient, landmark: Landmark, photo: bytes, *, ask: bool) -> Outcome:
    """Adds a photo to a landmark.

    Args:
        client: Of whoever adds it.
        landmark: What it shows.
        photo: Encoded.
        ask: Whether one that is, nearly, there already is not added; else it is, and told.
    """
    try:
        image = await client.add_reference_image(landmark, photo, refuse_duplicates=ask)
    except AlreadyExistsError as error:
        kind, other = error.metadata.get("kind", ""), error.metadata.get("resource", "")
        if kind not in _ALIKE:
            raise
        if kind == DuplicateKind.SAME_PHOTO.value and other.startswith(f"{landmark.name}/"):
            return Outcome("there", "This landmark has the same file already.", image=other)
        inliers = int(error.metadata.get("inliers") or 0)
        return await _alike(client, "alike", other, kind, inliers)
    except (ImageError, InvalidArgumentError) as error:
        return Outcome("refused", sentence(error.message))
    except ResourceExhaustedError as error:
        if "max_message_bytes" not in error.metadata:
            raise  # the server is busy: it is not about the photo
        return Outcome("refused", sentence(error.message))
    return await _added(client, landmark, image)


async def add_photos(
    client: AsyncClient, landmark: Landmark, photos: Sequence[Callable[[], Awaitable[bytes]]], *, ask: bool
) -> list[Outcome]:
    """The same for several, a few at once; in their order. Each is read when it is its turn."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(read: Callable[[], Awaitable[bytes]]) -> Outcome:
        async with gate:
            try:
                return await add_photo(client, landmark, await read(), ask=ask)
            except InvalidArgumentError as error:
                return Outcome("refused", sentence(error.message))

    return await asyncio.gather(*(one(photo) for photo in photos))


async def move_photo(client: AsyncClient, image: str, landmark: str) -> ReferenceImage | None:
    """Takes a photo from its landmark to another; None if that has it already.

    Args:
        client: Of whoever moves it.
        image: The reference image.
        landmark: Id or name of the other landmark.

    Raises:
        NotFoundError: If one is not there, or of the image there are only features.
    """
    photo = await client.download_reference_image(image, original=True)
    try:
        moved = await client.add_reference_image(landmark, photo.data)
    except AlreadyExistsError:
        moved = None
    await client.delete_reference_image(image)
    return moved


async def _added(client: AsyncClient, landmark: Landmark, image: ReferenceImage) -> Outcome:
    grade = None if image.quality is None else image.quality.grade
    reasons = () if image.quality is None else image.quality.reasons
    text = "Added" if grade is None else f"Added, grade {grade} of 5: {grade_words(grade)}"
    added = Outcome("added", f"{text}.", image=image.name, grade=grade, reasons=reasons)
    others = [each for each in image.duplicates if each.reference_image != image.name]
    if not others:
        return added
    first = others[0]
    like = await _alike(client, "added", first.reference_image, first.kind.value, first.inliers)
    return Outcome(
        "added", f"{text}. {like.text}", image.name, grade, reasons,
        like.other, like.other_landmark, like.other_name, like.kind, like.inliers,
    )  # fmt: skip


async def _alike(client: AsyncClient, state: str, other: str, kind: str, inliers: int) -> Outcome:
    landmark_id = other.partition("/images/")[0].removeprefix("landmarks/")
    try:
        name = (await client.get_landmark(landmark_id)).display_name
    except NotFoundError:
        name = landmark_id
    text = _ALIKE.get(kind, "It is like a photo of {name}.").replace("{name}", f"“{name}”")
    return Outcome(state, text, other=other, other_landmark=landmark_id, other_name=name, kind=kind, inliers=inliers)
