"""Writes an offline pack."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.cells import CellGrid
from steeple.delf.durable import replacing
from steeple.delf.features import DIMENSIONS, MAX_FEATURES
from steeple.errors import FailedPreconditionError, InvalidArgumentError, PackError, ResourceExhaustedError
from steeple.packs import documents, layout
from steeple.packs.archive import MAX_BYTES, ArchiveWriter
from steeple.packs.codebook import PackCodebook
from steeple.packs.records import Member, PackFacts, PackImage, PackLandmark, PackManifest, StoredImage

DEFAULT_FEATURES: Final = 1000
"""Features that a pack keeps of an image, the best by attention score: as many as the extractor finds.

With fewer, answers are less sure than the calibration expects them to be, and some become UNKNOWN.
"""

_LISTED: Final = 512  # bytes of a thumbnail in the lists of members, at most
_COUNTED: Final = 4  # digits of the features of an image
_SPARE: Final = 1 << 20  # for all that is there once, but for the codebook


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
        if not 1 <= features <= MAX_FEATURES:
            raise InvalidArgumentError(f"a pack keeps 1 to {MAX_FEATURES} features of an image, not {features}")
        self._facts = facts
        self._codebook = codebook
        self._features = features
        self._landmarks: list[PackLandmark] = []
        self._images: dict[str, list[StoredImage]] = {}
        self._exact = exact
        self._image_count = 0
        self._feature_count = 0
        self._json_bytes = 0
        _checked(lambda: documents.read_manifest(documents.manifest_json(self._manifest({})), "the pack"))
        self._place = replacing(path)
        self._file: IO[bytes] | None = self._place.__enter__()
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
            InvalidArgumentError: If it is there already, says what a pack cannot, has no image, or an image is of
                another release or has lists or codes of another codebook. The pack can be gone on with.
            ResourceExhaustedError: If the pack would be too large. It can be gone on with.
            FailedPreconditionError: If the pack is finished or given up.
            OSError: If the file cannot be written; the pack is given up.
        """
        said = self._check(landmark, images, thumbnail)
        try:
            stored = [self._stored(landmark, image, number) for number, image in enumerate(images)]
            if thumbnail is not None:
                self._archive.add(layout.thumbnail_member(landmark.id), thumbnail)
        except BaseException:  # with a part of it written, there is nothing to go on with
            self.close()
            raise
        self._landmarks.append(landmark)
        self._images[landmark.id] = stored
        self._image_count += len(stored)
        self._json_bytes += said

    def finish(self) -> PackManifest:
        """Puts the pack in its place.

        Raises:
            FailedPreconditionError: If it is finished or closed.
            OSError: If the file cannot be written.
        """
        self._open_file()
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
        manifest = self._manifest(archive.members)
        archive.add(layout.MANIFEST, documents.manifest_json(manifest))
        archive.close()
        self._file = None
        self._place.__exit__(None, None, None)
        self._close_columns()
        return manifest

    def close(self) -> None:
        """Gives up what is not finished. May be called again."""
        if self._file is not None:
            self._archive.give_up()
            self._file = None
            with suppress(_GivenUpError, OSError):  # the second from what could not be written any more
                self._place.__exit__(_GivenUpError, _GivenUpError(), None)
        self._close_columns()

    def _close_columns(self) -> None:
        for column in self._columns.values():
            with suppress(OSError):  # on a full disk; what counts was forced to it before
                column.close()

    def _open_file(self) -> IO[bytes]:
        if self._file is None:
            raise FailedPreconditionError("the pack is finished or given up; make another writer")
        return self._file

    def _manifest(self, members: Mapping[str, Member]) -> PackManifest:
        return PackManifest(
            facts=self._facts,
            landmark_count=len(self._landmarks),
            image_count=self._image_count,
            feature_count=self._feature_count,
            lists=self._codebook.lists,
            code_size=self._codebook.code_size,
            exact=self._exact,
            members=dict(members),
        )

    def _check(self, landmark: PackLandmark, images: Sequence[PackImage], thumbnail: bytes | None) -> int:
        """That a landmark may be added; bytes of what is said of it in JSON."""
        file = self._open_file()
        if landmark.id in self._images:
            raise InvalidArgumentError(f"landmark {landmark.id!r} is in the pack already")
        if not images:
            raise InvalidArgumentError(f"landmark {landmark.id!r} has no image")
        if thumbnail is not None and not layout.is_thumbnail(thumbnail):
            raise InvalidArgumentError(
                f"the thumbnail of {landmark.id!r} is no JPEG of at most {layout.MAX_THUMBNAIL_SIDE} pixels a side and "
                f"{layout.MAX_THUMBNAIL} bytes"
            )
        for image in images:
            self._check_image(image)
        # As the reader checks it: what it would refuse is not written.
        empty = [self._stored_image(landmark, image, number, 0) for number, image in enumerate(images)]
        said = documents.landmarks_json([landmark], {landmark.id: empty})
        _checked(lambda: documents.read_landmarks(said, "the pack"))
        size = len(said) + _LISTED + len(images) * _COUNTED
        added = size + len(thumbnail or b"") + sum(map(self._size_of, images))
        if (
            len(self._landmarks) >= layout.MAX_LANDMARKS
            or self._image_count + len(images) > layout.MAX_IMAGES
            or self._json_bytes + size > layout.LONGEST_LANDMARKS
            or file.tell() + sum(column.size_bytes for column in self._columns.values()) + self._json_bytes + added
            > MAX_BYTES - self._codebook.size_bytes - _SPARE
        ):
            raise ResourceExhaustedError(
                f"a pack holds no more than {layout.MAX_LANDMARKS} landmarks, {layout.MAX_IMAGES} images and 2 GiB; "
                "make several, of smaller regions or with fewer images a landmark"
            )
        return size

    def _size_of(self, image: PackImage) -> int:
        """Bytes that an image takes, at most."""
        row = sum(column.row_bytes for name, column in self._columns.items() if name != layout.CELLS)
        grid = CellGrid(image.features.width, image.features.height, self._facts.extraction)
        return min(len(image.features), self._features) * row + layout.bitmap_bytes(len(grid))

    def _check_image(self, image: PackImage) -> None:
        count = len(image.features)
        if image.features.model != self._facts.model:
            raise InvalidArgumentError(
                f"image {image.id!r} has features of {image.features.model!r}; the pack is of {self._facts.model!r}"
            )
        lists, codes = image.lists, image.codes
        wanted = ((count,), np.dtype(np.int64), (count, self._codebook.code_size), np.dtype(np.uint8))
        if (lists.shape, lists.dtype, codes.shape, codes.dtype) != wanted:
            raise InvalidArgumentError(
                f"image {image.id!r} has {count} features, lists {lists.dtype}{list(lists.shape)} and codes "
                f"{codes.dtype}{list(codes.shape)}; wanted were, of each, int64 and {self._codebook.code_size} uint8"
            )
        if count and not 0 <= int(image.lists.min()) <= int(image.lists.max()) < self._codebook.lists:
            raise InvalidArgumentError(f"image {image.id!r} has lists that the codebook does not have")

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
        self._feature_count += len(rows)
        return self._stored_image(landmark, image, number, len(rows))

    def _stored_image(self, landmark: PackLandmark, image: PackImage, number: int, count: int) -> StoredImage:
        return StoredImage(
            key=self._image_count + number,
            landmark_id=landmark.id,
            id=image.id,
            width=image.features.width,
            height=image.features.height,
            feature_count=count,
            pictured=number == 0,
        )


class _GivenUpError(Exception):
    """Tells that what was written is not to take its place."""


class _Column:
    """An array that grows row by row, in a file without a name."""

    def __init__(self, folder: Path, dtype: np.dtype[np.integer], rest: tuple[int, ...]) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - lasts as long as the writer
        self._dtype = dtype
        self._rest = rest
        self.length = 0

    @property
    def row_bytes(self) -> int:
        return int(np.prod(self._rest, dtype=np.int64)) * self._dtype.itemsize

    @property
    def size_bytes(self) -> int:
        return self.length * self.row_bytes

    def append(self, rows: NDArray[np.integer]) -> None:
        self._file.write(np.ascontiguousarray(rows, self._dtype).data)
        self.length += len(rows)

    def parts(self) -> tuple[bytes, IO[bytes]]:
        """The array as ``numpy.save`` writes it: its header, and a file that is read from its beginning."""
        self._file.seek(0)
        return layout.npy_header(self._dtype, (self.length, *self._rest)), self._file

    def close(self) -> None:
        self._file.close()


def _checked(read: Callable[[], object]) -> None:
    """Errors of a reader are those of who wrote what it reads."""
    try:
        read()
    except PackError as error:
        raise InvalidArgumentError(error.message) from error
