"""The job that adds what another catalogue had."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from itertools import islice
from typing import Final

from google.protobuf.message import DecodeError

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.delf.image import sniff
from steeple.delf.release import ModelRelease
from steeple.errors import (
    AlreadyExistsError,
    FeatureSetError,
    InvalidArgumentError,
    ModelMismatchError,
    NotFoundError,
    SteepleError,
)
from steeple.server.archives import SafeZip
from steeple.server.catalogue import Catalogue, ImageDraft, Landmark, ReferenceImage, limits
from steeple.server.ingest import Ingest
from steeple.server.operations import Run, ends_operation
from steeple.server.transfer import format
from steeple.server.transfer.format import ImageRecord, LandmarkRecord
from steeple.server.uploads import Uploads
from steeple.v1 import features_pb2

UPLOAD: Final = "upload"
POLICY: Final = "existing_policy"
"""Arguments of the operation: id of the upload, and a value of :class:`ExistingPolicy`."""

_AT_ONCE: Final = 32  # items between checkpoints
_NAMED: Final = 5  # conflicts in a message


class ExistingPolicy(StrEnum):
    """What to do about ids that are taken by something else."""

    FAIL = "fail"
    SKIP = "skip"
    REPLACE = "replace"


class Import:
    """Adds the landmarks and images of an archive as they were.

    Every item can be added again without harm: one that is there as the archive has it is left alone. Checkpoints are
    numbers of lines; what was done since the last one is met again as such items.

    Args:
        catalogue: What is added to.
        ingest: Adds images.
        uploads: What may be imported.
        releases: Those that are served.
        max_photo_bytes: A larger photo is refused.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        ingest: Ingest,
        uploads: Uploads,
        releases: Callable[[], Sequence[ModelRelease]],
        max_photo_bytes: int,
    ) -> None:
        self._catalogue = catalogue
        self._ingest = ingest
        self._uploads = uploads
        self._releases = releases
        self._max_photo_bytes = max_photo_bytes

    def __call__(self, run: Run) -> Mapping[str, str]:
        """Does the work; as :class:`steeple.server.operations.Job`."""
        policy = ExistingPolicy(run.arguments[POLICY])
        with self._uploads.local(run.arguments[UPLOAD], run.check) as path, SafeZip(path) as archive:
            manifest = format.read_manifest(archive.read(format.MANIFEST, format.LONGEST_MANIFEST))
            if policy is ExistingPolicy.FAIL and not run.checkpoint:
                run.progress(0, 0, "looking for conflicts")
                self._refuse_conflicts(archive, run)
            importing = _Importing(self._catalogue, self._ingest, run, archive, policy)
            importing.releases = _usable(manifest, self._releases())
            importing.max_photo_bytes = self._max_photo_bytes
            importing.landmarks(manifest.landmark_count)
            with self._ingest.adding_many():
                importing.images(manifest.image_count)
            return importing.results()

    def _refuse_conflicts(self, archive: SafeZip, run: Run) -> None:
        """Raises AlreadyExistsError if an id is taken by something else than what the archive has."""
        there: set[str] = set()
        conflicts: list[str] = []
        for number, line in enumerate(archive.lines(format.LANDMARKS, format.LONGEST_LINE), 1):
            run.check()
            with suppress(InvalidArgumentError, NotFoundError):  # the first is told when its turn comes
                record = LandmarkRecord.read(line, _where(format.LANDMARKS, number))
                found = self._catalogue.get_landmark(record.id)
                there.add(record.id)
                if not same_landmark(found, record):
                    conflicts.append(f"landmarks/{record.id}")
        for number, line in enumerate(archive.lines(format.IMAGES, format.LONGEST_LINE) if there else (), 1):
            run.check()
            with suppress(InvalidArgumentError, NotFoundError):
                image = ImageRecord.read(line, _where(format.IMAGES, number))
                if image.landmark in there:
                    taken = self._catalogue.get_image(image.landmark, image.id)
                    if not same_image(taken, image, with_photo=image.photo in archive):
                        conflicts.append(image.name)
        if conflicts:
            more = ", ..." if len(conflicts) > _NAMED else ""
            raise AlreadyExistsError(
                f"{len(conflicts)} ids of the archive are taken by something else: "
                f"{', '.join(conflicts[:_NAMED])}{more}; nothing was changed: skip or replace what exists, or delete it"
            )


class _Importing:
    """An archive that is being imported."""

    def __init__(
        self, catalogue: Catalogue, ingest: Ingest, run: Run, archive: SafeZip, policy: ExistingPolicy
    ) -> None:
        self._catalogue = catalogue
        self._ingest = ingest
        self._run = run
        self._archive = archive
        self._policy = policy
        self._counts = Counter({name: int(count) for name, count in run.checkpoint.get("counts", {}).items()})
        self._done = {member: int(run.checkpoint.get(member, 0)) for member in (format.LANDMARKS, format.IMAGES)}
        self.releases: frozenset[str] = frozenset()
        self.max_photo_bytes = 0

    def landmarks(self, total: int) -> None:
        """Adds the landmarks."""
        self._each(format.LANDMARKS, total, "landmarks", self._landmark)

    def images(self, total: int) -> None:
        """Adds the reference images."""
        self._each(format.IMAGES, total, "images", self._image)

    def results(self) -> dict[str, str]:
        """What was done."""
        return {
            name: str(self._counts[name]) for name in ("landmarks", "images", "skipped", "extracted", "without_photo")
        }

    def _each(self, member: str, total: int, step: str, add: Callable[[bytes, str], str]) -> None:
        lines: Iterator[tuple[int, bytes]] = enumerate(self._archive.lines(member, format.LONGEST_LINE), 1)
        numbered = islice(lines, self._done[member], None)
        self._run.progress(self._done[member], total, step)
        while batch := list(islice(numbered, _AT_ONCE)):
            for number, line in batch:
                self._run.check()
                where = _where(member, number)
                try:
                    self._counts[add(line, where)] += 1
                except SteepleError as error:
                    if ends_operation(error):
                        raise
                    self._run.problem(where, error)
            self._done[member] = batch[-1][0]
            self._ingest.catch_up()
            self._run.progress(self._done[member], max(total, self._done[member]))
            self._run.save({**self._done, "counts": dict(self._counts)})

    def _landmark(self, line: bytes, where: str) -> str:
        record = LandmarkRecord.read(line, where)
        try:
            found = self._catalogue.get_landmark(record.id)
        except NotFoundError:
            found = None
        if found is not None:
            if same_landmark(found, record):
                return "landmarks"
            if self._policy is ExistingPolicy.SKIP:
                return "skipped"
        with self._run.change("steeple.v1.CatalogService/CreateLandmark"):
            self._catalogue.restore_landmark(
                record.id,
                record.draft(),
                create_time=record.create_time,
                update_time=record.update_time,
                replace=self._policy is ExistingPolicy.REPLACE,
            )
        return "landmarks"

    def _image(self, line: bytes, where: str) -> str:
        record = ImageRecord.read(line, where)
        try:
            found = self._catalogue.get_image(record.landmark, record.id)
        except NotFoundError:
            found = None
        if found is not None:
            if same_image(found, record, with_photo=record.photo in self._archive):
                return "images"
            if self._policy is ExistingPolicy.SKIP:
                return "skipped"
        photo = self._photo(record)
        draft, packed = self._draft(record, photo)
        with self._run.change("steeple.v1.CatalogService/CreateReferenceImage"):
            self._ingest.restore_image(
                record.landmark,
                record.id,
                draft,
                packed,
                photo=photo,
                create_time=record.create_time,
                identify_count=record.identify_count,
                replace=self._policy is ExistingPolicy.REPLACE,
            )
        if record.model not in self.releases:
            self._counts["extracted"] += 1
        if record.sha256 and photo is None:
            self._counts["without_photo"] += 1
        return "images"

    def _photo(self, record: ImageRecord) -> bytes | None:
        if not (record.photo and record.photo in self._archive):
            return None
        photo = self._archive.read(record.photo, self.max_photo_bytes)
        if hashlib.sha256(photo).hexdigest() != record.sha256:
            raise InvalidArgumentError(f"{record.photo} has another SHA-256 than {record.name} says: {record.sha256}")
        kind = sniff(photo).media_type
        if (kind, len(photo)) != (record.media_type, record.size_bytes):
            raise InvalidArgumentError(f"{record.photo} is {kind} of {len(photo)} bytes, which {record.name} denies")
        return photo

    def _draft(self, record: ImageRecord, photo: bytes | None) -> tuple[ImageDraft, features_pb2.FeatureSet]:
        """The image with the features that it had, if they can still be compared, else with new ones."""
        if record.model in self.releases:
            features, packed = self._features(record)
            return record.draft(features, with_photo=photo is not None), packed
        if photo is None:
            raise ModelMismatchError(
                f"the features of {record.name} are of models/{record.model}, which this server does not serve, and "
                "the archive has no photo to extract others from; export with photos"
            )
        draft = replace(self._ingest.draft(photo), metadata=record.metadata)
        return draft, wire.pack(draft.features)

    def _features(self, record: ImageRecord) -> tuple[FeatureSet, features_pb2.FeatureSet]:
        data = self._archive.read(record.features, format.LONGEST_FEATURES)
        if hashlib.sha256(data).hexdigest() != record.features_sha256:
            raise FeatureSetError(
                f"{record.features} has another SHA-256 than {record.name} says: {record.features_sha256}"
            )
        try:
            packed = features_pb2.FeatureSet.FromString(data)
        except DecodeError as error:
            raise FeatureSetError(f"{record.features} is no FeatureSet ({error})") from error
        features = wire.unpack(packed)
        facts = (features.model, features.width, features.height, len(features))
        if facts != (record.model, record.width, record.height, record.feature_count):
            raise FeatureSetError(f"{record.features} holds other features than {record.name} says")
        return features, packed


def same_landmark(found: Landmark, record: LandmarkRecord) -> bool:
    """Whether a landmark is there as the archive has it."""
    draft = limits.checked_landmark_draft(record.draft())
    kept = record.model_copy(
        update={
            "aliases": {language: list(names) for language, names in draft.aliases.items()},
            "labels": list(draft.labels),
        }
    )
    return found.delete_time is None and LandmarkRecord.of(found) == kept


def same_image(found: ReferenceImage, record: ImageRecord, *, with_photo: bool) -> bool:
    """Whether a reference image is there as the archive has it, but for what has been counted since.

    Args:
        found: What is there.
        record: What the archive has.
        with_photo: Whether the archive has its photo.
    """
    photos = {record.sha256} if with_photo else {record.sha256, ""}
    return (
        found.delete_time is None
        and (found.create_time, dict(found.metadata)) == (record.create_time, record.metadata)
        and found.sha256 in photos
        and (found.model != record.model or found.feature_count == record.feature_count)
    )


def _usable(manifest: format.Manifest, releases: Sequence[ModelRelease]) -> frozenset[str]:
    """Releases whose features can be searched here as they are: the same network by the same name."""
    served = {release.name: release.tflite_sha256 for release in releases}
    made = {release.name: release.tflite_sha256 for release in manifest.models}
    return frozenset(name for name, sha256 in served.items() if made.get(name) in (sha256, ""))


def _where(member: str, number: int) -> str:
    return f"{member} line {number}"
