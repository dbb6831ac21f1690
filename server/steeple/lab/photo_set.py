"""Photos as methods are shown them, and what tells one from another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar, overload

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf import read_image
from steeple.delf.progress import Progress
from steeple.errors import ImageError, InvalidArgumentError
from steeple.lab.photos import LabDataset, LabPhoto
from steeple.lab.systems import fingerprint

_ItemT = TypeVar("_ItemT")

KEEP_BYTES: Final = 2 << 30
"""What a sequence of features keeps in memory, at most; what goes beyond is read again when it is asked for."""


@dataclass(frozen=True)
class ShownPhoto:
    """A photo as every method of an experiment is shown it.

    Attributes:
        photo: Which.
        sha256: Of its file, hex.
        side: Pixels of its longer side at most; 0: as it is.
    """

    photo: LabPhoto
    sha256: str
    side: int

    @property
    def identity(self) -> dict[str, Any]:
        """What tells it from another one; its name and place do not."""
        return {"photo": self.sha256, "box": self.photo.box, "side": self.side}

    def pixels(self) -> NDArray[np.uint8]:
        """uint8[H, W, 3], RGB: the part that is meant, made smaller if it is too large.

        Raises:
            ImageError: If it cannot be read; the text names it.
        """
        photo = self.photo
        try:
            image = read_image(photo.path, least_side=0 if photo.box else self.side)
        except (ImageError, OSError) as error:
            raise ImageError(f"{photo.path}: {getattr(error, 'message', error)}") from error
        if photo.box is not None:
            image = _cropped(image, photo)
        height, width = image.shape[:2]
        factor = self.side / max(width, height)
        if not 0 < factor < 1:
            return image
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


@dataclass(frozen=True)
class ShownDataset:
    """A data set as every method of an experiment is shown it.

    Attributes:
        dataset: Which.
        gallery: What is searched.
        queries: What is asked.
        training: What methods are fitted on.
        digest: SHA-256, hex, of all that answers and figures depend on: photos, and what is right.
    """

    dataset: LabDataset
    gallery: tuple[ShownPhoto, ...]
    queries: tuple[ShownPhoto, ...]
    training: tuple[ShownPhoto, ...]
    digest: str

    @staticmethod
    def of(dataset: LabDataset, side: int, progress: Progress) -> ShownDataset:
        """A data set whose photos were all read once, for their SHA-256.

        Args:
            dataset: Which.
            side: Pixels of the longer side of a photo at most; 0: as it is.
            progress: Told how far it is.

        Raises:
            InvalidArgumentError: If a file is not there, or a photo to be fitted on is asked or searched as well.
        """
        asked = [query.photo for query in dataset.queries]
        photos = [*dataset.gallery, *asked, *dataset.training]
        shown = []
        for number, photo in enumerate(photos):
            progress("photos", number, len(photos))
            shown.append(ShownPhoto(photo, _sha256(photo), side))
        progress("photos", len(photos), len(photos))
        first, second = len(dataset.gallery), len(dataset.gallery) + len(asked)
        gallery, queries, training = shown[:first], shown[first:second], shown[second:]
        known = {each.sha256: each for each in (*gallery, *queries)}
        for each in training:
            if each.sha256 in known:
                raise InvalidArgumentError(
                    f"{each.photo.path} is to be fitted on, and is {known[each.sha256].photo.path}, which is asked or "
                    "searched: figures on photos that a method was fitted on say nothing"
                )
        truth = [[query.landmark, query.tier, sorted(query.grades.items())] for query in dataset.queries]
        facts = [[each.identity for each in part] for part in (gallery, queries, training)]
        digest = fingerprint([facts, truth, dataset.landmarks])
        return ShownDataset(dataset, tuple(gallery), tuple(queries), tuple(training), digest)


class LazySequence(Sequence[_ItemT]):
    """A sequence whose members are read when they are asked for, and kept while there is room.

    Args:
        count: Of members.
        load: Reads the one of a place.
        size: Bytes that a member takes.
        keep_bytes: That may be kept.
    """

    def __init__(
        self,
        count: int,
        load: Callable[[int], _ItemT],
        size: Callable[[_ItemT], int],
        keep_bytes: int = KEEP_BYTES,
    ) -> None:
        self._count, self._load, self._size, self._room = count, load, size, keep_bytes
        self._kept: dict[int, _ItemT] = {}

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> _ItemT: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[_ItemT]: ...
    def __getitem__(self, place: int | slice) -> _ItemT | Sequence[_ItemT]:
        if isinstance(place, slice):
            return [self[number] for number in range(*place.indices(self._count))]
        number = int(place) + (self._count if place < 0 else 0)
        if not 0 <= number < self._count:
            raise IndexError(place)
        if number in self._kept:
            return self._kept[number]
        item = self._load(number)
        size = self._size(item)
        if size <= self._room:
            self._room -= size
            self._kept[number] = item
        return item

    def __iter__(self) -> Iterator[_ItemT]:
        return (self[number] for number in range(self._count))


def _sha256(photo: LabPhoto) -> str:
    try:
        with photo.path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InvalidArgumentError(f"{photo.path} cannot be read: {error.strerror}") from error


def _cropped(image: NDArray[np.uint8], photo: LabPhoto) -> NDArray[np.uint8]:
    left, top, right, bottom = photo.box or (0, 0, 0, 0)
    height, width = image.shape[:2]
    columns = slice(max(0, int(np.floor(left))), min(width, int(np.ceil(right))))
    rows = slice(max(0, int(np.floor(top))), min(height, int(np.ceil(bottom))))
    part = image[rows, columns]
    if not part.size:
        raise ImageError(f"{photo.path}: the box {photo.box} is outside of its {width}x{height} pixels")
    return np.ascontiguousarray(part)
