"""The job that writes all of a catalogue into one archive."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import IO, Final

from steeple.delf.release import ModelRelease
from steeple.errors import SteepleError
from steeple.server.catalogue import Catalogue, dump
from steeple.server.catalogue.records import ReferenceImage
from steeple.server.durable import errors_translated
from steeple.server.images import ImageStore
from steeple.server.operations import Run, result_files
from steeple.server.photo_shelf import PhotoShelf
from steeple.server.transfer import format

FILE: Final = "catalogue.zip"
WITHOUT_PHOTOS: Final = "without_photos"
"""Argument of the operation: whether photos are left out."""

_AT_ONCE: Final = 32  # images whose features are read together


class Export:
    """Writes an archive into the operation's folder.

    Landmarks, images and features are read in one transaction, so they are of one state. Photos never change and are
    copied afterwards; none is deleted meanwhile. The file has its name once it is whole: an export that is interrupted
    begins anew.

    Args:
        catalogue: What is exported.
        shelf: The photos.
        releases: Those that are served.
        save_counts: Sees to it that the catalogue has the numbers of answers.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        shelf: PhotoShelf,
        releases: Callable[[], Sequence[ModelRelease]],
        save_counts: Callable[[], None],
    ) -> None:
        self._catalogue = catalogue
        self._shelf = shelf
        self._releases = releases
        self._save_counts = save_counts

    def __call__(self, run: Run) -> Mapping[str, str]:
        """Does the work; as :class:`steeple.server.operations.Job`."""
        with errors_translated("exports"):
            for left in run.folder.iterdir():  # by a run that was killed
                left.unlink()
            part = run.folder / f"{FILE}.part"
            try:
                counts = self._write(run, part)
                part.replace(run.folder / FILE)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            return {**result_files.results(run, run.folder / FILE), **counts}

    def _write(self, run: Run, part: Path) -> dict[str, str]:
        self._save_counts()
        with part.open("wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                writing = _Writing(run, archive, with_photos=not run.arguments[WITHOUT_PHOTOS])
                with self._shelf.kept():  # also those whose image is deleted for good meanwhile
                    with dump.state(self._catalogue.database) as state:
                        writing.state(state)
                    writing.photos(self._shelf.photos)
                archive.writestr(_info(format.MANIFEST), writing.manifest(self._releases()).line())
            file.flush()
            os.fsync(file.fileno())
        return {
            "landmarks": str(writing.landmark_count),
            "images": str(writing.image_count),
            "photos": str(writing.photo_count),
        }


class _Writing:
    """An archive that is being written."""

    def __init__(self, run: Run, archive: zipfile.ZipFile, *, with_photos: bool) -> None:
        self._run = run
        self._archive = archive
        self._with_photos = with_photos
        self._create_time = datetime.now(UTC)
        self._sequence = 0
        self._models: set[str] = set()
        self._photos: dict[str, str] = {}  # members by SHA-256
        self.landmark_count = self.image_count = self.photo_count = 0

    def state(self, state: dump.State) -> None:
        """Writes all that the catalogue has."""
        self._sequence = state.sequence()
        total = state.image_count()
        self._run.progress(0, total, "landmarks and features")
        with self._lines(format.LANDMARKS) as file:
            for landmark in state.landmarks():
                file.write(format.LandmarkRecord.of(landmark).line())
                self.landmark_count += 1
                self._run.check()
        records: list[bytes] = []
        images = state.images()
        while batch := list(islice(images, _AT_ONCE)):
            records += self._features(state, batch)
            self.image_count += len(batch)
            self._run.progress(self.image_count, total)
        with self._lines(format.IMAGES) as file:
            for record in records:
                file.write(record)

    def photos(self, photos: ImageStore) -> None:
        """Copies the photos."""
        members = sorted(self._photos.items()) if self._with_photos else []
        for number, (sha256, member) in enumerate(members):
            self._run.progress(number, len(members), "photos")
            try:
                self._archive.writestr(_info(member), photos.get(sha256))
                self.photo_count += 1
            except SteepleError as error:
                self._run.problem(member, error)

    def manifest(self, releases: Iterable[ModelRelease]) -> format.Manifest:
        """What was written."""
        served = {release.name: release.tflite_sha256 for release in releases}
        return format.Manifest(
            format=format.FORMAT,
            format_version=format.VERSION,
            steeple_version=metadata.version("steeple"),
            create_time=self._create_time,
            sequence=self._sequence,
            models=[format.Release(name=name, tflite_sha256=served.get(name, "")) for name in sorted(self._models)],
            landmark_count=self.landmark_count,
            image_count=self.image_count,
            photo_count=self.photo_count,
            with_photos=self._with_photos,
        )

    def _features(self, state: dump.State, batch: Sequence[ReferenceImage]) -> list[bytes]:
        """Writes the features of some images; the records of these."""
        found = state.features([image.key for image in batch])
        records = []
        for image in batch:
            data = found[image.key].SerializeToString(deterministic=True)
            self._archive.writestr(_info(format.features_member(image)), data)
            photo = format.photo_member(image) if image.sha256 and self._with_photos else ""
            if photo:
                self._photos[image.sha256] = photo
            self._models.add(image.model)
            records.append(format.ImageRecord.of(image, hashlib.sha256(data).hexdigest(), photo).line())
        return records

    def _lines(self, member: str) -> IO[bytes]:
        info = _info(member)
        info.compress_type = zipfile.ZIP_DEFLATED
        return self._archive.open(info, "w", force_zip64=True)


def _info(member: str) -> zipfile.ZipInfo:
    """A plain file, dated so that the same catalogue makes the same bytes."""
    info = zipfile.ZipInfo(member)
    info.external_attr = 0o644 << 16
    return info
