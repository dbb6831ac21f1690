"""The photos of an import: worked on ahead and on all cores, taken by the catalogue in the order of the plan."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias

from sqlalchemy import Connection

from steeple.delf.image import sniff
from steeple.errors import InternalError, NotFoundError, SteepleError
from steeple.server.batch_ingest import BatchIngest, PreparedImage
from steeple.server.catalogue import Catalogue, DuplicateKind, ImageOutcome, ReferenceImage
from steeple.server.duplicates import DuplicatePolicy
from steeple.server.importing.pipeline import Pipeline
from steeple.server.importing.plan import PlannedPhoto
from steeple.server.importing.progress import Progress
from steeple.server.importing.sources import Source
from steeple.server.index.threads import one_thread
from steeple.server.logs import facts
from steeple.server.operations import Run, ends_operation

log = logging.getLogger(__name__)

_CREATE: Final = "steeple.v1.CatalogService/CreateReferenceImage"
_BATCH: Final = 32  # photos of a transaction
_GATHER_SECONDS: Final = 0.5  # that a transaction waits for more photos: each costs a write to the disk
_AHEAD: Final = 16  # photos that are done and wait to be taken, besides two a thread
_DUPLICATES_SHOWN: Final = 20
_DUPLICATES: Final = {
    DuplicateKind.SAME_PHOTO: "photos_of_other_landmarks_too",
    DuplicateKind.NEAR_DUPLICATE: "near_duplicates",
    DuplicateKind.OTHER_LANDMARK: "photos_like_other_landmarks",
}

Result: TypeAlias = PreparedImage | ReferenceImage | str | SteepleError
"""What working on a photo gives: all but the last step of adding it; the image that is there already; its SHA-256, hex,
where it is only looked at; what is wrong with it."""


class PhotoWork(Protocol):
    """What is done with each photo."""

    step: str
    """In words."""
    at_once: int
    """Photos that are taken at a time, at most."""

    def work(self, photo: PlannedPhoto) -> Result:
        """The part that is done for several at once, on any thread; what is wrong with the photo is a result."""
        ...

    def take(self, batch: Sequence[tuple[PlannedPhoto, Result]]) -> None:
        """The rest, in the order of the plan."""
        ...

    def abandon(self, results: Sequence[Result]) -> None:
        """Clears up after photos that are not taken."""
        ...


def do(work: PhotoWork, photos: Sequence[PlannedPhoto], run: Run, progress: Progress, threads: int) -> None:
    """Works on the photos of a plan, from where the run before ended.

    Raises:
        CancelledError: If the operation is to end.
    """
    run.progress(progress.photos, len(photos), work.step)
    pipeline = Pipeline(work.work, threads=threads, ahead=2 * threads + _AHEAD, check=run.check)
    batches = pipeline.batches(photos[progress.photos :], work.at_once, _GATHER_SECONDS)
    try:
        with (
            one_thread()
        ):  # all cores are busy with photos, and threads that wait for each other would only be in the way
            for batch in batches:
                work.take(batch)
    finally:
        batches.close()
        work.abandon(pipeline.left)


class Adding:
    """Adds photos to the catalogue.

    Args:
        source: Where they are.
        ingest: That adds them.
        run: Of the operation.
        progress: How far it is.
        duplicates: What becomes of photos that have duplicates.

    Attributes:
        commit_seconds: That the catalogue and the index took.
    """

    step = "adding photos"

    def __init__(
        self, source: Source, ingest: BatchIngest, run: Run, progress: Progress, duplicates: DuplicatePolicy
    ) -> None:
        self._source = source
        self._ingest = ingest
        self._run = run
        self._progress = progress
        self._policy = duplicates
        # What looks for near-duplicates has to know the photos before: the next file is the likeliest to be one.
        self.at_once = _BATCH if duplicates is DuplicatePolicy.NONE else 1
        self.commit_seconds = 0.0

    def work(self, photo: PlannedPhoto) -> Result:
        """Decodes and extracts a photo, and stores it."""
        try:
            data = self._source.read(photo.file)
            return self._ingest.prepare(photo.landmark_id, data, image_id=photo.image_id, metadata=photo.metadata)
        except SteepleError as error:
            return _photos_own(error)
        except Exception as error:
            log.exception("a photo was not imported", extra=facts(photo=photo.item))
            return InternalError(f"a defect: {type(error).__name__}: {error}")

    def take(self, batch: Sequence[tuple[PlannedPhoto, Result]]) -> None:
        """Adds photos and notes that, in one transaction."""
        prepared = [(photo, result) for photo, result in batch if isinstance(result, PreparedImage)]
        files = {id(result): photo.file for photo, result in prepared}
        settled = self._progress

        def settle(connection: Connection, made: Sequence[ImageOutcome]) -> None:
            nonlocal settled
            settled = self._progress.copy()
            problems = [(photo.item, result) for photo, result in batch if isinstance(result, SteepleError)]
            settled.count("photos_there_already", sum(isinstance(result, ReferenceImage) for _, result in batch))
            for (photo, _), outcome in zip(prepared, made, strict=True):
                if outcome.error is not None:
                    problems.append((photo.item, outcome.error))
                else:
                    settled.count("photos_there_already" if outcome.there_already else "photos_added")
                    _note(settled, photo, outcome)
            settled.count("photos_failed", len(problems))
            settled.photos += len(batch)
            self._run.save_in(connection, settled.to_json(), settled.photos, problems)

        began = time.monotonic()
        with self._run.change(_CREATE):
            self._ingest.create(
                [result for _, result in prepared],
                photo=lambda one: self._source.read(files[id(one)]),
                duplicate_policy=self._policy,
                also=settle,
            )
        self.commit_seconds += time.monotonic() - began
        self._progress.take(settled)

    def abandon(self, results: Sequence[Result]) -> None:
        """Takes photos away that were stored and that no image has."""
        self._ingest.abandon([result for result in results if isinstance(result, PreparedImage)])


class Looking:
    """Looks at photos without decoding them, and says what would become of them.

    Args:
        source: Where they are.
        catalogue: That they are for.
        run: Of the operation.
        progress: What is counted.
        total: Photos, all together.
    """

    step = "looking at photos"
    at_once = _BATCH

    def __init__(self, source: Source, catalogue: Catalogue, run: Run, progress: Progress, total: int) -> None:
        self._source = source
        self._catalogue = catalogue
        self._run = run
        self._progress = progress
        self._total = total
        self._seen: set[tuple[str, str]] = set()

    def work(self, photo: PlannedPhoto) -> Result:
        """Reads a photo and its header."""
        try:
            data = self._source.read(photo.file)
            sniff(data)
            digest = hashlib.sha256(data).hexdigest()
            try:
                there = self._catalogue.image_of_photo(photo.landmark_id, digest, image_id=photo.image_id)
            except NotFoundError:  # the landmark would be created
                return digest
            return digest if there is None else there
        except SteepleError as error:
            return _photos_own(error)

    def take(self, batch: Sequence[tuple[PlannedPhoto, Result]]) -> None:
        """Counts."""
        for photo, result in batch:
            if isinstance(result, SteepleError):
                self._progress.count("photos_failed")
                self._run.problem(photo.item, result)
            elif isinstance(result, str) and (photo.landmark_id, result) not in self._seen:
                self._seen.add((photo.landmark_id, result))
                self._progress.count("photos_to_add")
            else:
                self._progress.count("photos_there_already")
        self._progress.photos += len(batch)
        self._run.progress(self._progress.photos, self._total)

    def abandon(self, results: Sequence[Result]) -> None:
        """Nothing was done."""


def _photos_own(error: SteepleError) -> SteepleError:
    """``error`` if it is about the photo.

    Raises:
        SteepleError: If it is about the server, so that going on would fail with every photo.
    """
    if ends_operation(error):
        raise error
    return error


def _note(progress: Progress, photo: PlannedPhoto, outcome: ImageOutcome) -> None:
    """Counts the duplicates of a photo that was added, and tells of the first few photos."""
    if outcome.image is None or not outcome.image.duplicates:
        return
    for kind in {duplicate.kind for duplicate in outcome.image.duplicates}:
        progress.count(_DUPLICATES[kind])
    if len(progress.duplicates) < _DUPLICATES_SHOWN:
        first = outcome.image.duplicates[0]
        name = f"landmarks/{first.landmark_id}/images/{first.image_id}"
        item = photo.item.encode("utf-8", "replace").decode("utf-8")  # a file's name may be anything
        added = f"landmarks/{photo.landmark_id}/images/{outcome.image.id}"
        progress.duplicates.append(f"{item}: {first.kind}, {first.inliers} inliers: {name}; added as {added}")
