"""Writes an offline pack."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.cells import CellGrid
from steeple.delf.features import DIMENSIONS, MAX_FEATURES
from steeple.errors import FailedPreconditionError, InvalidArgumentError, ResourceExhaustedError
from steeple.packs import documents, layout
from steeple.packs.archive import MAX_BYTES, MAX_MEMBERS, ArchiveWriter
from steeple.packs.codebook import PackCodebook
from steeple.packs.records import PackFacts, PackImage, PackLandmark, PackManifest, StoredImage

DEFAULT_FEATURES: Final = 600
"""Features that a pack keeps of an image, the best by attention score."""

_OTHER_MEMBERS: Final = 16
_OF_LANDMARK: Final = 1 << 16  # bytes of JSON, more than what is written of one, but for very many images


class PackWriter:
    """Writes a pack, landmark by landmark; in a ``with`` block, or call :meth:`close`.

    The file has its name once all of it is on the disk, and takes the place of one that is there; what is given up
    before leaves nothing behind. The same landmarks in the same order make the same bytes.

    Args:
        path: Of the pack.
        facts: What it says of itself.
        codebook: Of its codes.
        features: Kept of each image, at most, the best by attention score.
        exact: Whether to keep the int8 descriptors beside their codes: 40 bytes more a feature.

    Raises:
        InvalidArgumentError: If the facts are none that a pack can state, or ``features`` is out of range.
        OSError: If the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        facts: PackFacts,
        codebook: PackCodebook,
        *,
        features: int = DEFAULT_FEATURES,
        exact: bool = False,
    ) -> None:
        if not documents.is_id(facts.id):
            raise InvalidArgumentError(
                f"a pack's id has 1 to 63 lower-case letters, digits and hyphens, not {facts.id!r}"
            )
        if not 1 <= features <= MAX_FEATURES:
            raise InvalidArgumentError(f"a pack keeps 1 to {MAX_FEATURES} features of an image, not {features}")
        self._path = path
        self._facts = facts
        self._codebook = codebook
        self._features = features
        self._landmarks: list[PackLandmark] = []
        self._images: dict[str, list[StoredImage]] = {}
        self._image_count = 0
        self._aside = path.with_name(f".{path.name}.partial")
        self._file: IO[bytes] | None = self._aside.open("wb")
        # What becomes one array of all images lies aside until the end, and goes with its handle.
        self._columns = {
            layout.LISTS: _Column(path.parent, layout.list_dtype(codebook.lists), ()),
            layout.CODES: _Column(path.parent, np.dtype(np.uint8), (codebook.code_size,)),
            layout.CELLS: _Column(path.parent, np.dtype(np.uint8), ()),
        }
        if exact:
            self._columns[layout.DESCRIPTORS] = _Column(path.parent, np.dtype(np.int8), (DIMENSIONS,))
        self._archive = ArchiveWriter(self._file)

    def __enter__(self) -> PackWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, landmark: PackLandmark, images: Sequence[PackImage], thumbnail: bytes | None = None) -> None:
        """Adds a landmark.

        A feature is kept by the cell of its image's pyramid that it lies in: of several in one cell, the best is kept.

        Args:
            landmark: Of an id that the pack does not have yet.
            images: Of it; at least one.
            thumbnail: JPEG of the first of them, of at most 256 KiB.

        Raises:
            InvalidArgumentError: If it is there already, its id is none, it has no image, or an image is of another
                release or has lists or codes of another codebook.
            ResourceExhaustedError: If the pack would be too large.
            OSError: If the file cannot be written.
        """
        self._check(landmark, images, thumbnail)
        stored = [self._stored(landmark, image, number) for number, image in enumerate(images)]
        if thumbnail is not None:
            self._archive.add(layout.thumbnail_member(landmark.id), thumbnail)
        self._landmarks.append(landmark)
        self._images[landmark.id] = stored
        self._image_count += len(stored)

    def finish(self) -> PackManifest:
        """Puts the pack in its place.

        Raises:
            FailedPreconditionError: If it is finished or closed.
            OSError: If the file cannot be written.
        """
        file = self._open_file()
        archive, book = self._archive, self._codebook
        archive.add(layout.LANDMARKS, documents.landmarks_json(self._landmarks, self._images))
        for name, array in (
            (layout.COARSE, book.coarse),
            (layout.PRODUCT, book.product),
            (layout.ROTATION, book.rotation),
        ):
            if array is not None:
                archive.add(name, layout.npy_header(array.dtype, array.shape), array.astype("<f4").tobytes())
        for name, column in self._columns.items():
            archive.add(name, *column.parts())
        manifest = PackManifest(
            facts=self._facts,
            landmark_count=len(self._landmarks),
            image_count=self._image_count,
            feature_count=self._columns[layout.LISTS].length,
            lists=book.lists,
            code_size=book.code_size,
            exact=layout.DESCRIPTORS in self._columns,
            members=dict(archive.members),
        )
        archive.add(layout.MANIFEST, documents.manifest_json(manifest))
        archive.close()
        file.flush()
        os.fsync(file.fileno())
        self._close_files()
        self._aside.replace(self._path)
        _sync_names(self._path.parent)
        return manifest

    def close(self) -> None:
        """Gives up what is not finished. May be called again."""
        if self._file is not None:
            self._archive.give_up()
            self._close_files()
            self._aside.unlink(missing_ok=True)

    def _close_files(self) -> None:
        for column in self._columns.values():
            column.close()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open_file(self) -> IO[bytes]:
        if self._file is None:
            raise FailedPreconditionError("the pack is finished or given up; make another writer")
        return self._file

    def _check(self, landmark: PackLandmark, images: Sequence[PackImage], thumbnail: bytes | None) -> None:
        file = self._open_file()
        if not documents.is_id(landmark.id) or landmark.id in self._images:
            raise InvalidArgumentError(f"landmark {landmark.id!r} is in the pack already, or its id is none")
        if not 1 <= len(images) <= layout.MAX_IMAGES_OF_LANDMARK:
            raise InvalidArgumentError(
                f"landmark {landmark.id!r} has {len(images)} images; a pack takes 1 to {layout.MAX_IMAGES_OF_LANDMARK}"
            )
        if thumbnail is not None and not 0 < len(thumbnail) <= layout.MAX_THUMBNAIL:
            raise InvalidArgumentError(f"a thumbnail has at most {layout.MAX_THUMBNAIL} bytes, not {len(thumbnail)}")
        for image in images:
            self._check_image(image)
        count = len(self._landmarks) + 1
        reached = file.tell() + sum(column.size_bytes for column in self._columns.values()) + count * _OF_LANDMARK
        if (
            count > min(layout.MAX_LANDMARKS, MAX_MEMBERS - _OTHER_MEMBERS)
            or self._image_count + len(images) > layout.MAX_IMAGES
            or reached > MAX_BYTES
        ):
            raise ResourceExhaustedError(
                f"a pack holds no more than {layout.MAX_LANDMARKS} landmarks, {layout.MAX_IMAGES} images and 2 GiB; "
                "make several, of smaller regions or with fewer images a landmark"
            )

    def _check_image(self, image: PackImage) -> None:
        count = len(image.features)
        if image.features.model != self._facts.model:
            raise InvalidArgumentError(
                f"image {image.id!r} has features of {image.features.model!r}; the pack is of {self._facts.model!r}"
            )
        if image.lists.shape != (count,) or image.codes.shape != (count, self._codebook.code_size):
            raise InvalidArgumentError(
                f"image {image.id!r} has {count} features, lists {list(image.lists.shape)} and codes "
                f"{list(image.codes.shape)}; wanted were a list and {self._codebook.code_size} bytes of code for each"
            )
        if count and not 0 <= int(image.lists.min()) <= int(image.lists.max()) < self._codebook.lists:
            raise InvalidArgumentError(f"image {image.id!r} has lists that the codebook does not have")
        if not documents.is_id(image.id):
            raise InvalidArgumentError(f"{image.id!r} is no id of an image")

    def _stored(self, landmark: PackLandmark, image: PackImage, number: int) -> StoredImage:
        """Puts the features of an image to those of all."""
        features = image.features
        grid = CellGrid(features.width, features.height, self._facts.extraction)
        cells = grid.numbers_of(features.keypoints, features.scales)
        _, first = np.unique(cells, return_index=True)  # of several in a cell the first, which is the best
        best = np.sort(first)[: self._features]
        rows = best[np.argsort(cells[best])]
        self._columns[layout.LISTS].append(image.lists[rows])
        self._columns[layout.CODES].append(image.codes[rows])
        self._columns[layout.CELLS].append(layout.bitmap(cells[rows], grid))
        if layout.DESCRIPTORS in self._columns:
            self._columns[layout.DESCRIPTORS].append(features.descriptors[rows])
        return StoredImage(
            key=self._image_count + number,
            landmark_id=landmark.id,
            id=image.id,
            width=features.width,
            height=features.height,
            feature_count=len(rows),
            pictured=number == 0,
        )


class _Column:
    """An array that grows row by row, in a file without a name."""

    def __init__(self, folder: Path, dtype: np.dtype[np.integer], rest: tuple[int, ...]) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lasts as long as the writer
        self._dtype = dtype
        self._rest = rest
        self.length = 0

    @property
    def size_bytes(self) -> int:
        return self.length * int(np.prod(self._rest, dtype=np.int64)) * self._dtype.itemsize

    def append(self, rows: NDArray[np.integer]) -> None:
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self.length += len(rows)

    def parts(self) -> tuple[bytes, IO[bytes]]:
        """The array as ``numpy.save`` writes it: its header, and a file that is read from its beginning."""
        self._file.seek(0)
        return layout.npy_header(self._dtype, (self.length, *self._rest)), self._file

    def close(self) -> None:
        self._file.close()


def _sync_names(folder: Path) -> None:
    """Forces the names of the files in a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
