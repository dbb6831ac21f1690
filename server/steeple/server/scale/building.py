"""Indexes of synthetic catalogues, made in a folder or taken from there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import InvalidArgumentError
from steeple.server.index import FaissIndex, training
from steeple.server.index.codebook import Codebook
from steeple.server.index.snapshot import SnapshotFolder
from steeple.server.index_factory import IndexFactory
from steeple.server.scale.operating_points import Raw
from steeple.server.scale.synthetic import IMAGE_DESCRIPTORS, SyntheticCatalogue, key_of
from steeple.server.scale.synthetic_lists import SyntheticLists

_TRAINING_IMAGES: Final = 1 << 14

Progress = Callable[[str, int, int], None]
"""Told the stage, how many of its steps are done, and how many there are."""


@dataclass(frozen=True)
class Size:
    """What index is wanted.

    Attributes:
        images: Of 1000 descriptors each.
        lists: Inverted lists; None: what a server would come to have.
        code_size: Bytes; None: as the release has it.
    """

    images: int
    lists: int | None = None
    code_size: int | None = None


@dataclass(frozen=True)
class Built:
    """An index that lies in a folder, and what its catalogue is.

    Attributes:
        train_seconds: Of the codebook; 0 if it is the release's, or was there.
        add_seconds: Until the last image was searchable.
        save_seconds: Until the file was on the disk.
        image: float32[1000, 40] of each image, by its number.
        copies: Queries and where their originals are, of so many copies at a distance; see
            :meth:`SyntheticCatalogue.copies`.
    """

    train_seconds: float
    add_seconds: float
    save_seconds: float
    image: Callable[[int], NDArray[np.float32]]
    copies: Callable[[int, float], tuple[NDArray[np.float32], NDArray[np.int64]]]


def fill(release: ModelRelease, folder: Path, size: Size, progress: Progress) -> Built:
    """Adds descriptors one by one, or goes on where that was interrupted.

    Args:
        release: Descriptors are drawn from its codebook.
        folder: Of the index.
        size: Of the index; lists and code size are those that are there, if something is.
        progress: Told of each image.

    Raises:
        InvalidArgumentError: If the folder holds a larger one.
        SnapshotError: If what it holds is damaged, or of another release.
    """
    catalogue, images = SyntheticCatalogue(release), size.images
    began = time.monotonic()
    if SnapshotFolder(folder).exists:
        filled, there = FaissIndex.restore(folder, release)
    else:
        filled, there = FaissIndex(release, codebook=_codebook(release, catalogue, size, progress)), 0
    trained = time.monotonic()
    if there > images:
        raise InvalidArgumentError(f"{folder} holds {there} images, more than {images}; choose another --folder")
    for number in range(there, images):
        filled.add(key_of(number), catalogue.image(number))
        if filled.wants_snapshot:
            filled.snapshot(folder, number + 1)
        progress("adding", number + 1 - there, images - there)
    added = time.monotonic()
    if there < images or len(filled.sealed) != 1:
        filled.snapshot(folder, images, whole=True)
    return Built(
        round(trained - began, 2),
        round(added - trained, 2),
        round(time.monotonic() - added, 2),
        catalogue.image,
        partial(catalogue.copies, images),
    )


def fill_with_codes(release: ModelRelease, folder: Path, size: Size, progress: Progress) -> Built:
    """Draws codes instead of descriptors, or takes those that are there; arguments as for :func:`fill`.

    Raises:
        InvalidArgumentError: If the folder holds more or fewer images.
        SnapshotError: If what it holds is damaged, or of another release.
    """
    images = size.images
    began = time.monotonic()
    if SnapshotFolder(folder).exists:
        opened, there = FaissIndex.restore(folder, release)
        if there != images:
            raise InvalidArgumentError(f"{folder} holds {there} images, not {images}; choose another --folder")
        drawn = SyntheticLists(opened.codebook, images)
        return Built(0.0, 0.0, 0.0, drawn.image, drawn.copies)
    codebook = _codebook(release, SyntheticCatalogue(release), size, progress)
    trained = time.monotonic()
    drawn, done = SyntheticLists(codebook, images), 0

    def advance() -> None:
        nonlocal done
        done += 1
        progress("writing lists", done, codebook.lists)

    filled = drawn.index(release, folder, advance)
    written = time.monotonic()
    filled.snapshot(folder, images)
    return Built(
        round(trained - began, 2),
        round(written - trained, 2),
        round(time.monotonic() - written, 2),
        drawn.image,
        drawn.copies,
    )


def open_beside_faiss(folder: Path, release: ModelRelease) -> tuple[FaissIndex, Raw]:
    """The index in a folder, and FAISS's own search over the same file."""
    opened, _ = FaissIndex.restore(folder, release)
    alone = opened.sealed[0].faiss_index()
    parameters: Any = faiss.SearchParametersIVF

    def raw(queries: NDArray[np.float32], neighbours: int, probes: int) -> object:
        within = opened.codebook.graph_parameters(probes)
        return alone.search(queries, neighbours, params=parameters(nprobe=probes, quantizer_params=within))

    return opened, raw


def training_descriptors(catalogue: SyntheticCatalogue, images: int, count: int) -> NDArray[np.float32]:
    """float32[about ``count``, 40], of no image of the catalogue: a server trains on what it has, and grows."""
    some = min(_TRAINING_IMAGES, count // IMAGE_DESCRIPTORS + 1)
    return np.concatenate([catalogue.image(images + number) for number in range(some)])


def _codebook(release: ModelRelease, catalogue: SyntheticCatalogue, size: Size, progress: Progress) -> Codebook:
    """The release's, or one trained for the size of the catalogue."""
    codebook = Codebook.of(release)
    total = size.images * IMAGE_DESCRIPTORS
    lists = size.lists or (codebook.lists if total <= codebook.comfort else training.lists_for(total))
    code_size = size.code_size or codebook.code_size
    if (lists, code_size) == (codebook.lists, codebook.code_size):
        return codebook
    stage = f"training a codebook of {lists:,} lists"
    progress(stage, 0, 1)
    samples = training_descriptors(catalogue, size.images, training.SAMPLES_PER_LIST * lists)
    trained = training.train(samples, IndexFactory.automatic(lists, code_size), probes=release.index.probes)
    progress(stage, 1, 1)
    return trained
