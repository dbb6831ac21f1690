"""The job that writes a pack of the catalogue as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np

from steeple.errors import FailedPreconditionError, ResourceExhaustedError, SteepleError
from steeple.packs import (
    PackFacts,
    PackImage,
    PackLandmark,
    PackLocation,
    PackManifest,
    PackRegion,
    PackWriter,
)
from steeple.packs.layout import MAX_LANDMARKS
from steeple.server.catalogue import Catalogue, Landmark, LatLng, Restriction, features
from steeple.server.catalogue.database import Database
from steeple.server.durable import errors_translated, sha256_of
from steeple.server.index.codebook import Codebook
from steeple.server.index.threads import one_thread
from steeple.server.ingest import Ingest
from steeple.server.operations import Run, result_files
from steeple.server.packs.records import PackSettings, PublishedPack
from steeple.server.packs.selection import SelectedImage, SelectedLandmark, Selection, landmarks_of, select_for
from steeple.server.packs.store import PackStore
from steeple.server.serving import Served

PACK: Final = "pack"
SETTINGS: Final = "settings"
"""Arguments of the operation."""

SUFFIX: Final = ".pack"


class PackMaking:
    """Makes packs, and publishes them or leaves them with their operation.

    What there is to say of landmarks, and which images they have, is read in one transaction, so it is of one state.
    Features take long, and are read afterwards, as they never change: a transaction of minutes would keep from ending
    whatever needs the database's log to be empty. Images that are deleted for good meanwhile are left out. A pack that
    is interrupted is begun anew.

    Args:
        catalogue: What packs are made of.
        ingest: Has the photos.
        default: The release whose features packs have.
        store: The packs that are published.
    """

    def __init__(self, catalogue: Catalogue, ingest: Ingest, default: Callable[[], Served], store: PackStore) -> None:
        self._catalogue = catalogue
        self._ingest = ingest
        self._default = default
        self._store = store

    def publish(self, run: Run) -> Mapping[str, str]:
        """Makes a pack, anew if no settings are given, and publishes it; as :class:`steeple.server.operations.Job`."""
        pack_id, given = run.arguments[PACK], run.arguments.get(SETTINGS)
        settings = self._store.get(pack_id).settings if given is None else PackSettings.of_json(given)
        file = f"{run.operation.id}{SUFFIX}"
        there = self._store.find(pack_id)
        if there is None or not there.file.endswith(file):  # else by a run whose end was not noted down any more
            path = run.folder / file
            there = self._store.kept(self._made(run, pack_id, settings, path), path)
            with run.change():
                self._store.publish(there)
        return {"pack": there.name, "size_bytes": str(there.size_bytes), "sha256": there.sha256, **_counts(there)}

    def export(self, run: Run) -> Mapping[str, str]:
        """Makes a pack that its operation keeps; as :class:`steeple.server.operations.Job`."""
        pack_id, settings = run.arguments[PACK], PackSettings.of_json(run.arguments[SETTINGS])
        with errors_translated("packs"):
            for left in run.folder.iterdir():  # by a run that was killed
                left.unlink()
            path = run.folder / f"{pack_id}{SUFFIX}"
        made = self._made(run, pack_id, settings, path)
        with errors_translated("packs"):
            return {**result_files.results(run, path, sha256=made.sha256), **_counts(made)}

    def check(self, settings: PackSettings) -> None:
        """Sees to it that a pack of these settings would have landmarks.

        Raises:
            FailedPreconditionError: If it would have none.
            ResourceExhaustedError: If it would have more than a pack can.
        """
        with self._catalogue.database.read() as connection:
            _check(select_for(connection, settings, self._default().release), settings)

    def _made(self, run: Run, pack_id: str, settings: PackSettings, path: Path) -> PublishedPack:
        """Writes the file; what there is to know of it is returned."""
        release, create_time = self._default().release, datetime.now(UTC).replace(microsecond=0)
        run.progress(0, 0, "choosing landmarks")
        database = self._catalogue.database
        with errors_translated("packs"):
            with database.read() as connection:
                selection = select_for(connection, settings, release)
                _check(selection, settings)
                texts = landmarks_of(connection, selection.landmarks)
            facts = PackFacts(
                id=pack_id,
                display_name=settings.display_name,
                model=release.name,
                tflite_sha256=release.tflite_sha256,
                extraction=release.extraction,
                sequence=selection.sequence,
                create_time=create_time,
                region=_region(settings.restriction),
            )
            codebook = Codebook.of(release)
            kept = settings.max_features
            with PackWriter(path, facts, codebook.of_pack(), features=kept, exact=settings.exact) as writer:
                writing = _Writing(run, database, self._ingest, writer, codebook, release.name)
                writing.all(selection.landmarks, texts)
                self._check_left(writing, release.name)
                manifest = writer.finish()
            return _described(pack_id, settings, manifest, selection, path)

    def _check_left(self, writing: _Writing, model: str) -> None:
        """That what was left out is what was deleted, and not all there is."""
        if writing.left_out and self._default().release.name != model:
            raise FailedPreconditionError(
                f"another model release has become the default, and features of {model!r} were deleted while the pack "
                "was made of them; make it again"
            )
        if not writing.count:
            raise FailedPreconditionError("all images of the pack were deleted for good while it was made")


class _Writing:
    """A pack that is being written.

    Attributes:
        count: Landmarks that were written.
        left_out: Whether features were gone.
    """

    def __init__(
        self,
        run: Run,
        database: Database,
        ingest: Ingest,
        writer: PackWriter,
        codebook: Codebook,
        model: str,
    ) -> None:
        self._run = run
        self._database = database
        self._ingest = ingest
        self._writer = writer
        self._codebook = codebook
        self._model = model
        self.count = 0
        self.left_out = False

    def all(self, selected: Sequence[SelectedLandmark], texts: Mapping[int, Landmark]) -> None:
        """Writes all landmarks."""
        self._run.progress(0, len(selected), "landmarks")
        for done, each in enumerate(selected, 1):
            self._add(texts[each.key], each.images)
            self._run.progress(done, len(selected))

    def _add(self, landmark: Landmark, selected: Sequence[SelectedImage]) -> None:
        with self._database.read() as connection:
            found = features.of_images(connection, [image.key for image in selected], self._model)
        there = [image for image in selected if image.key in found]
        self.left_out |= len(there) < len(selected)
        if not there:
            return
        sets = [found[image.key] for image in there]
        rows = np.concatenate([of_image.unit_descriptors() for of_image in sets])
        with one_thread():  # queries have the other cores
            lists, codes = self._codebook.encode(rows)
        ends = np.cumsum([len(of_image) for of_image in sets])[:-1]
        parts = zip(there, sets, np.split(lists, ends), np.split(codes, ends), strict=True)
        images = [PackImage(image.id, of_image, of_lists, of_codes) for image, of_image, of_lists, of_codes in parts]
        self._writer.add(_pack_landmark(landmark), images, self._thumbnail(landmark, there[0]))
        self.count += 1

    def _thumbnail(self, landmark: Landmark, image: SelectedImage) -> bytes | None:
        """Of an image; None if it has no photo, or none that can be used."""
        if not image.sha256:
            return None
        try:
            return self._ingest.thumbnails.of(image.sha256)
        except SteepleError as error:
            self._run.problem(f"landmarks/{landmark.id}/images/{image.id}", error)
            return None


def _check(selection: Selection, settings: PackSettings) -> None:
    if not selection.landmarks:
        where = " there" if settings.restriction.near is not None else ""
        raise FailedPreconditionError(
            f"no landmark{where} would be in the pack: those in it are active, meet all of its conditions, and have a "
            "reference image with features of the default model release; of those near a place, only such as have a "
            "location"
        )
    if len(selection.landmarks) > MAX_LANDMARKS:
        raise ResourceExhaustedError(
            f"{len(selection.landmarks)} landmarks would be in the pack, and one holds no more than {MAX_LANDMARKS}; "
            "make several, of smaller regions"
        )


def _described(
    pack_id: str, settings: PackSettings, manifest: PackManifest, selection: Selection, path: Path
) -> PublishedPack:
    return PublishedPack(
        id=pack_id,
        settings=settings,
        model=manifest.facts.model,
        tflite_sha256=manifest.facts.tflite_sha256,
        sequence=manifest.facts.sequence,
        landmark_count=manifest.landmark_count,
        image_count=manifest.image_count,
        feature_count=manifest.feature_count,
        size_bytes=path.stat().st_size,
        sha256=sha256_of(path),
        file=path.name,
        content=selection.content,
        create_time=manifest.facts.create_time,
    )


def _counts(pack: PublishedPack) -> dict[str, str]:
    return {
        "landmarks": str(pack.landmark_count),
        "images": str(pack.image_count),
        "features": str(pack.feature_count),
    }


def _region(restriction: Restriction) -> PackRegion | None:
    centre = _location(restriction.near)
    return None if centre is None else PackRegion(centre, restriction.radius_meters)


def _pack_landmark(landmark: Landmark) -> PackLandmark:
    return PackLandmark(
        id=landmark.id,
        display_name=landmark.display_name,
        description=landmark.description,
        location=_location(landmark.location),
        aliases={language: tuple(names) for language, names in landmark.aliases.items()},
        labels=tuple(landmark.labels),
        metadata=dict(landmark.metadata),
    )


def _location(place: LatLng | None) -> PackLocation | None:
    return None if place is None else PackLocation(place.latitude, place.longitude)
