"""Reads an offline pack."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.cells import CellGrid
from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.errors import InvalidArgumentError, NotFoundError, PackError
from steeple.packs import documents, layout
from steeple.packs.archive import MappedArchive
from steeple.packs.codebook import CENTROIDS, PackCodebook
from steeple.packs.records import PackLandmark, PackManifest, StoredImage
from steeple.recognition import GalleryImage

_KEPT: Final = 64  # images of the gallery: a camera sees the same ones again and again


class Pack:
    """A pack that was opened and checked; close it, or use it in a ``with`` block. Thread safe.

    Its codes stay in the file, which is mapped into memory: who replaces the file puts another one in its place, as
    :class:`~steeple.packs.PackWriter` does, and never writes into it.

    Attributes:
        manifest: What it is.
        landmarks: Its landmarks by id, in the pack's order.
        images: Its reference images; an image's key is its place.
        codebook: Of its codes.
        lists: uint16[N] or uint32[N]; the inverted list of each feature, image by image.
        codes: uint8[N, M]; the code of each.
        starts: int64[I + 1]; where the features of each image begin, and where the last ones end.
    """

    def __init__(self, archive: MappedArchive, path: Path) -> None:
        self._archive = archive
        self._path = path
        self.manifest = self._manifest()
        self._check_members()
        self.landmarks, self.images = self._landmarks()
        self.codebook = self._codebook()
        counts = [image.feature_count for image in self.images]
        self.starts: NDArray[np.int64] = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
        count = int(self.starts[-1])
        if count != self.manifest.feature_count:
            raise self._refused(f"its images have {count} features, its manifest says {self.manifest.feature_count}")
        self.lists: NDArray[np.unsignedinteger] = self._array(
            layout.LISTS, layout.list_dtype(self.manifest.lists), (count,)
        )
        self.codes: NDArray[np.uint8] = self._array(layout.CODES, np.dtype(np.uint8), (count, self.manifest.code_size))
        self._descriptors: NDArray[np.int8] | None = (
            self._array(layout.DESCRIPTORS, np.dtype(np.int8), (count, DIMENSIONS)) if self.manifest.exact else None
        )
        if count and int(self.lists.max()) >= self.codebook.lists:
            raise self._refused("a feature is in a list that the codebook does not have")
        self._grid = functools.lru_cache(maxsize=1024)(self._made_grid)
        self._cells, self._cell_starts = self._checked_cells()
        self._image = functools.lru_cache(maxsize=_KEPT)(self._read_image)

    @staticmethod
    def open(path: Path) -> Pack:
        """A pack, all of whose files are checked. What it says of itself is not believed.

        Raises:
            NotFoundError: If there is no such file.
            PackError: If it is truncated, corrupt, of another format or no pack at all; the text says what is wrong.
            FailedPreconditionError: If it is of a newer format.
        """
        return Pack(MappedArchive(path), path)

    def __enter__(self) -> Pack:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def thumbnail(self, landmark_id: str) -> bytes | None:
        """JPEG of at most 256 pixels a side, of the landmark's first image; None if the pack has none.

        Raises:
            NotFoundError: If there is no such landmark.
        """
        if landmark_id not in self.landmarks:
            name = f"landmarks/{landmark_id}"
            raise NotFoundError(f"there is no {name} in the pack {self.manifest.facts.display_name!r}", resource=name)
        member = layout.thumbnail_member(landmark_id)
        return self._archive.member(member).tobytes() if member in self.manifest.members else None

    def gallery(self, keys: Sequence[int]) -> Mapping[int, GalleryImage]:
        """Reference images by key, as the recogniser takes them; keys of none are left out.

        Their features have no attention scores and the order of their cells. Descriptors are those that codes stand
        for, unless the pack is exact.
        """
        return {key: self._image(key) for key in keys if 0 <= key < len(self.images)}

    def close(self) -> None:
        """Lets go of the file, as soon as nobody uses its arrays any more. May be called again."""
        self._image.cache_clear()

    def _read_image(self, key: int) -> GalleryImage:
        image, start, end = self.images[key], int(self.starts[key]), int(self.starts[key + 1])
        grid = self._grid(image.width, image.height)
        bits = np.unpackbits(self._cells[self._cell_starts[key] : self._cell_starts[key + 1]], count=len(grid))
        keypoints, scales = grid.keypoints_of(np.flatnonzero(bits).astype(np.int64))
        if self._descriptors is not None:
            descriptors = np.array(self._descriptors[start:end])
        else:
            descriptors = quantize_descriptors(self.codebook.decode(self.lists[start:end], self.codes[start:end]))
        scores = np.zeros(end - start, np.float32)
        model = self.manifest.facts.model
        features = FeatureSet(model, image.width, image.height, descriptors, keypoints, scales, scores)
        return GalleryImage(image.landmark_id, features)

    def _made_grid(self, width: int, height: int) -> CellGrid:
        return CellGrid(width, height, self.manifest.facts.extraction)

    def _manifest(self) -> PackManifest:
        data = self._json(layout.MANIFEST, layout.LONGEST_MANIFEST)
        if not self._archive.is_whole(layout.MANIFEST):
            raise self._refused(f"{layout.MANIFEST} is corrupt")
        return documents.read_manifest(data, f"{self._path}: {layout.MANIFEST}")

    def _check_members(self) -> None:
        """That the files are those that the manifest lists, and whole."""
        members = self.manifest.members
        if {name: member.size_bytes for name, member in members.items()} != {
            name: size for name, size in self._archive.sizes.items() if name != layout.MANIFEST
        }:
            raise self._refused("its files are not those that its manifest lists")
        for name, member in members.items():
            if not self._archive.checksum_is(name, member.sha256):
                raise self._refused(f"{name} is corrupt: its checksum does not match; download the pack again")

    def _landmarks(self) -> tuple[Mapping[str, PackLandmark], Sequence[StoredImage]]:
        data = self._json(layout.LANDMARKS, layout.LONGEST_LANDMARKS)
        landmarks, images = documents.read_landmarks(data, f"{self._path}: {layout.LANDMARKS}")
        if (len(landmarks), len(images)) != (self.manifest.landmark_count, self.manifest.image_count):
            raise self._refused("its landmarks and images are not as many as its manifest says")
        return MappingProxyType(landmarks), tuple(images)

    def _codebook(self) -> PackCodebook:
        lists, parts, single = self.manifest.lists, self.manifest.code_size, np.dtype("<f4")
        if DIMENSIONS % parts:
            raise self._refused(f"no codebook has {parts} sub-quantizers")
        turned = layout.ROTATION in self.manifest.members
        try:
            return PackCodebook(
                coarse=self._array(layout.COARSE, single, (lists, DIMENSIONS)),
                product=self._array(layout.PRODUCT, single, (parts, CENTROIDS, DIMENSIONS // parts)),
                rotation=self._array(layout.ROTATION, single, (DIMENSIONS, DIMENSIONS)) if turned else None,
            )
        except InvalidArgumentError as error:
            raise self._refused(error.message) from error

    def _checked_cells(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The bitmaps of all images, and where each begins, and the last one ends."""
        if not self.images:
            return self._array(layout.CELLS, np.dtype(np.uint8), (0,)), np.zeros(1, np.int64)
        grids = [len(self._grid(image.width, image.height)) for image in self.images]
        if max(grids) > layout.MAX_CELLS:
            raise self._refused(f"an image has a pyramid of {max(grids)} cells")
        starts = np.concatenate([[0], np.cumsum([layout.bitmap_bytes(cells) for cells in grids], dtype=np.int64)])
        cells = self._array(layout.CELLS, np.dtype(np.uint8), (int(starts[-1]),))
        beyond = (0xFF >> (np.array(grids) - 1) % 8 >> 1).astype(np.uint8)  # bits of the last bytes that are no cells
        counts = np.diff(self.starts)
        if (layout.set_bits(cells, starts[:-1]) != counts).any() or (cells[starts[1:] - 1] & beyond).any():
            raise self._refused("an image has other cells than features")
        return cells, starts

    def _json(self, name: str, longest: int) -> bytes:
        data = self._archive.member(name)
        if len(data) > longest:
            raise self._refused(f"{name} has {len(data)} bytes; at most {longest} are taken")
        return data.tobytes()

    def _array(self, name: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
        """A member that holds an array of that kind, mapped."""
        # What is asked for is known, so nothing of the header is believed, or even parsed.
        data, header = self._archive.member(name), layout.npy_header(dtype, shape)
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        if data[: len(header)].tobytes() != header or len(data) != len(header) + size:
            raise self._refused(f"{name} must be {dtype}{list(shape)}")
        return data[len(header) :].view(dtype).reshape(shape)

    def _refused(self, why: str) -> PackError:
        return PackError(f"{self._path} is no offline pack, or a damaged one: {why}", path=str(self._path))
