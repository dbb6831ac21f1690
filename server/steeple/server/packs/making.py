"""The job that writes a pack of the catalogue as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy import Connection

from steeple.errors import FailedPreconditionError, SteepleError
from steeple.packs import (
    PackFacts,
    PackImage,
    PackLandmark,
    PackLocation,
    PackManifest,
    PackRegion,
    PackWriter,
)
from steeple.server.catalogue import Catalogue, Landmark, LatLng, Restriction, features
from steeple.server.durable import errors_translated, sha256_of
from steeple.server.index.codebook import Codebook
from steeple.server.index.threads import one_thread
from steeple.server.ingest import Ingest
from steeple.server.operations import Run, result_files
from steeple.server.packs.records import PackSettings, PublishedPack
from steeple.server.packs.selection import SelectedLandmark, Selection, landmarks_of, select_for
from steeple.server.packs.store import PackStore
from steeple.server.serving import Served

PACK: Final = "pack"
SETTINGS: Final = "settings"
"""Arguments of the operation."""

SUFFIX: Final = ".pack"

_AT_ONCE: Final = 200  # landmarks whose texts are read together


class PackMaking:
    """Makes packs, and publishes them or leaves them with their operation.

    Landmarks, images and features are read in one transaction, so they are of one state. A pack that is interrupted is
    begun anew.

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
        if there is None or there.file != file:  # else by a run whose end was not noted down any more
            path = self._store.path(file)
            there = self._made(run, pack_id, settings, path)
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
            return {**result_files.results(path), **_counts(made)}

    def check(self, settings: PackSettings) -> None:
        """Sees to it that a pack of these settings would have landmarks.

        Raises:
            FailedPreconditionError: If it would have none.
        """
        with self._catalogue.database.read() as connection:
            _some(select_for(connection, settings, self._default().release), settings)

    def _made(self, run: Run, pack_id: str, settings: PackSettings, path: Path) -> PublishedPack:
        """Writes the file; what there is to know of it is returned."""
        release, create_time = self._default().release, datetime.now(UTC).replace(microsecond=0)
        run.progress(0, 0, "choosing landmarks")
        # Also photos of images that are deleted for good meanwhile.
        with errors_translated("packs"), self._ingest.shelf.kept(), self._catalogue.database.read() as connection:
            selection = select_for(connection, settings, release)
            _some(selection, settings)
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
                writing = _Writing(run, connection, self._ingest, writer, codebook, release.name)
                manifest = writing.all(selection)
            return _described(pack_id, settings, manifest, selection, path)


class _Writing:
    """A pack that is being written."""

    def __init__(
        self,
        run: Run,
        connection: Connection,
        ingest: Ingest,
        writer: PackWriter,
        codebook: Codebook,
        model: str,
    ) -> None:
        self._run = run
        self._connection = connection
        self._ingest = ingest
        self._writer = writer
        self._codebook = codebook
        self._model = model

    def all(self, selection: Selection) -> PackManifest:
        """Writes all landmarks, and the end."""
        total = len(selection.landmarks)
        self._run.progress(0, total, "landmarks")
        for start in range(0, total, _AT_ONCE):
            some = selection.landmarks[start : start + _AT_ONCE]
            stored = landmarks_of(self._connection, some)
            for done, each in enumerate(some, start + 1):
                self._add(stored[each.key].landmark, each)
                self._run.progress(done, total)
        return self._writer.finish()

    def _add(self, landmark: Landmark, selected: SelectedLandmark) -> None:
        found = features.of_images(self._connection, [image.key for image in selected.images], self._model)
        sets = [found[image.key] for image in selected.images]
        rows = np.concatenate([of_image.unit_descriptors() for of_image in sets])
        with one_thread():  # queries have the other cores
            lists, codes = self._codebook.encode(rows)
        ends = np.cumsum([len(of_image) for of_image in sets])[:-1]
        parts = zip(selected.images, sets, np.split(lists, ends), np.split(codes, ends), strict=True)
        images = [PackImage(image.id, of_image, of_lists, of_codes) for image, of_image, of_lists, of_codes in parts]
        self._writer.add(_pack_landmark(landmark), images, self._thumbnail(landmark, selected))

    def _thumbnail(self, landmark: Landmark, selected: SelectedLandmark) -> bytes | None:
        """Of the first image; None if it has no photo, or none that can be used."""
        image = selected.images[0]
        if not image.sha256:
            return None
        try:
            return self._ingest.thumbnails.of(image.sha256)
        except SteepleError as error:
            self._run.problem(f"landmarks/{landmark.id}/images/{image.id}", error)
            return None


def _some(selection: Selection, settings: PackSettings) -> None:
    if not selection.landmarks:
        where = " there" if settings.restriction.near is not None else ""
        raise FailedPreconditionError(
            f"no landmark{where} would be in the pack: those in it are active, meet all of its conditions, and have a "
            "reference image with features of the default model release; of those near a place, only such as have a "
            "location"
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
