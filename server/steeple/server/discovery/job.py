"""The work of a discovery: photos in, matches among them, groups, proposals; it goes on where it was interrupted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

from steeple.delf.image import sniff
from steeple.errors import SteepleError
from steeple.recognition import GalleryImage, Recogniser
from steeple.server.catalogue import LatLng
from steeple.server.discovery.grouping import HeapPhoto, group_photos
from steeple.server.discovery.matches import HeapMatcher
from steeple.server.discovery.places import PlaceGrid
from steeple.server.discovery.records import Discovery, DiscoveryOptions, DiscoveryPhoto, PhotoDraft, Source
from steeple.server.discovery.sources import photo_names
from steeple.server.discovery.store import DiscoveryStore
from steeple.server.exif import read_capture
from steeple.server.extraction import ExtractorPool
from steeple.server.importing.sources import Source as FileSource
from steeple.server.ingest import Ingest
from steeple.server.operations import Run, ends_operation
from steeple.server.photo_quality import grade, measure
from steeple.server.serving import Served, Serving


class DiscoveryJob:
    """Carries discoveries out, as a :class:`~steeple.server.operations.Job`.

    What each photo gave is in the database before the next one is begun: a server that dies loses the work on one
    photo at most. What was stored is the checkpoint.

    Args:
        serving: The model releases and their indexes.
        store: Keeps what is found.
        ingest: Stores photos.
        open_source: Gives the files of a source; calls what else it is given now and then.

    Attributes:
        open_source: As given.
    """

    def __init__(
        self,
        serving: Serving,
        store: DiscoveryStore,
        ingest: Ingest,
        open_source: Callable[[Source, Callable[[], None]], AbstractContextManager[FileSource]],
    ) -> None:
        self._serving = serving
        self._store = store
        self._ingest = ingest
        self.open_source = open_source

    def __call__(self, run: Run) -> Mapping[str, str]:
        """See :class:`~steeple.server.operations.Job`."""
        source = Source(**run.arguments["source"])
        options = DiscoveryOptions(**run.arguments["options"])
        served = self._serving.default
        found = self._store.open(run.operation.id, source.name, served.release.name, options)
        if found.finish_time is None:  # else it was interrupted between the last change and the end
            if not run.checkpoint.get("read"):
                self._read(run, source, served)
                run.save({"read": True})
            self._match(run, options, served)
            found = self._propose(run, options)
        return _results(found)

    def _read(self, run: Run, source: Source, served: Served) -> None:
        discovery_id = run.operation.id
        known = self._store.photos(discovery_id)
        items, digests = {photo.item for photo in known}, {photo.sha256 for photo in known}
        with self.open_source(source, run.check) as files:
            names = photo_names(files)
            for number, item in enumerate(names):
                run.progress(number, len(names), "reading photos")
                if item in items:
                    continue
                try:
                    data = files.read(item)
                    digest = hashlib.sha256(data).hexdigest()
                    if digest not in digests:
                        self._add(discovery_id, item, digest, data, served.extractors)
                    digests.add(digest)
                except SteepleError as error:
                    # No photo by itself lacks a precondition here: it is the folder of photos that is not accessible.
                    if ends_operation(error) or error.status == "FAILED_PRECONDITION":
                        raise
                    run.problem(item, error)
            run.progress(len(names), len(names))

    def _add(self, discovery_id: str, item: str, digest: str, data: bytes, extractors: ExtractorPool) -> None:
        media_type = sniff(data).media_type
        with extractors.decoded(data, patient=True) as pixels:
            features = extractors.extract_from(pixels)
            quality = grade(measure(features, pixels))
        draft = PhotoDraft(item, digest, len(data), media_type, read_capture(data), quality)
        with self._ingest.shelf.stored(data, digest):
            self._store.add_photo(discovery_id, draft, features)

    def _match(self, run: Run, options: DiscoveryOptions, served: Served) -> None:
        discovery_id = run.operation.id
        photos = self._store.photos(discovery_id)
        if all(photo.searched for photo in photos):
            return

        def gallery(keys: Sequence[int]) -> Mapping[int, GalleryImage]:
            return {
                key: GalleryImage(str(key), features)
                for key, features in self._store.features(discovery_id, keys).items()
            }

        matcher = HeapMatcher(served.release, gallery)
        for number, (key, features) in enumerate(self._store.iterate_features(discovery_id)):
            run.progress(number, len(photos), "gathering features")
            matcher.add(key, features)
        neighbourhood = Neighbourhood({photo.number: photo.capture.location for photo in photos}, options.reach_meters)
        for number, photo in enumerate(photos):
            run.progress(number, len(photos), "matching photos")
            if not photo.searched:
                self._search(discovery_id, photo, matcher, neighbourhood, served.recogniser)
        run.progress(len(photos), len(photos))

    def _search(
        self,
        discovery_id: str,
        photo: DiscoveryPhoto,
        matcher: HeapMatcher,
        neighbourhood: Neighbourhood,
        recogniser: Recogniser,
    ) -> None:
        features = self._store.features(discovery_id, [photo.number])[photo.number]
        matches = matcher.matches(photo.number, features, neighbourhood.of(photo.capture.location))
        known = recogniser.identify(features, max_candidates=1)
        landmark_id = known.candidates[0].landmark_id if known.identified else ""
        confidence = known.candidates[0].confidence if known.identified else 0.0
        self._store.searched(discovery_id, photo.number, matches, landmark_id, confidence)

    def _propose(self, run: Run, options: DiscoveryOptions) -> Discovery:
        discovery_id = run.operation.id
        photos = self._store.photos(discovery_id)
        run.progress(0, 0, "grouping photos")
        heap = [HeapPhoto(each.number, each.sha256, each.capture.location, each.landmark_id) for each in photos]
        return self._store.propose(discovery_id, group_photos(heap, self._store.pairs(discovery_id), options))


class Neighbourhood:
    """Which photos of a heap one is compared with: those that were taken within reach, and those that do not say where.

    Args:
        places: Where photos were taken, by key; None: not said.
        reach_meters: How far that is.
    """

    def __init__(self, places: Mapping[int, LatLng | None], reach_meters: float) -> None:
        known = {key: place for key, place in places.items() if place is not None}
        self._grid = PlaceGrid(known, reach_meters)
        self._untagged = [key for key in places if key not in known]
        self._count = len(places)

    def of(self, place: LatLng | None) -> Collection[int] | None:
        """Keys of the photos that one taken there is compared with; None: all."""
        if place is None:
            return None
        near = self._grid.near(place)
        # Of all, a search is faster that is not told of which.
        return None if len(near) + len(self._untagged) == self._count else [*near, *self._untagged]


def _results(found: Discovery) -> dict[str, Any]:
    return {
        "discovery": found.name,
        "photos": str(found.photo_count),
        "proposals": str(found.proposal_count),
        "leftovers": str(found.leftover_count),
    }
