"""Everything the server does, apart from the network: the layer that the API calls."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib import metadata

from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import FeatureSetError, ModelMismatchError, NotFoundError, SteepleError
from steeple.server import calibration_file, recognition
from steeple.server.access import Keyring
from steeple.server.catalogue import Catalogue, Restriction
from steeple.server.data_dir import DataDir
from steeple.server.discovery import Discoveries
from steeple.server.duplicates import DuplicateCheck
from steeple.server.extraction import ThreadExtractors
from steeple.server.identification import Candidate, Explanation, Identification
from steeple.server.identify_counts import IdentifyCounts
from steeple.server.images import ImageStore
from steeple.server.index import gpu
from steeple.server.index_keeper import IndexKeeper, IndexOptions
from steeple.server.ingest import Ingest
from steeple.server.logs import facts
from steeple.server.operations import OperationRunner, OperationStore
from steeple.server.server_info import IndexInfo, ServerInfo, faiss_version
from steeple.server.settings import Settings
from steeple.server.upkeep import Upkeep
from steeple.server.uploads import Uploads

log = logging.getLogger(__name__)


class Engine:
    """A model release, a catalogue, its photos and an index in step with it.

    Blocking, and thread safe: callers bring their own threads. Reads, and changes that cannot affect what
    is found, go to :attr:`catalogue`; the others go to :attr:`ingest`, which keeps the photos and the index
    in step.

    Args:
        settings: Where everything is.
        stopping: Set by another thread to interrupt a long start; of no effect afterwards.

    Raises:
        FailedPreconditionError: If another server uses the data folder, or there is no GPU and one is insisted on.
        NotFoundError: If there is no such model release.
        CancelledError: If ``stopping`` was set before the index was current.
        InvalidArgumentError: If the calibration cannot be used.
        SteepleError: If the release, the catalogue or the photos cannot be opened.
    """

    def __init__(self, settings: Settings, *, stopping: threading.Event | None = None) -> None:
        with ExitStack() as opened:
            began = self._began = time.monotonic()
            self._start_time = datetime.now(UTC)
            self.release = _release(settings)
            options = _index_options(settings)
            data_dir = DataDir(settings.data_dir)
            opened.callback(data_dir.close)
            self.catalogue = Catalogue.open(settings.catalogue_url, timedelta(days=settings.deleted_retention_days))
            opened.callback(self.catalogue.close)
            self.keyring = Keyring(self.catalogue.database)
            opened.callback(self.keyring.close)
            self.keyring.start()
            self._keeper = IndexKeeper(self.release, self.catalogue, data_dir.index, options=options, stopping=stopping)
            self._extractors = ThreadExtractors(self.release, max_image_pixels=settings.max_image_pixels)
            photos = ImageStore(settings.photos_url)
            self._recogniser = recognition.Recogniser(self.release, self._keeper.index, self._gallery)
            duplicates = DuplicateCheck(self.catalogue, self._recogniser)
            self.ingest = Ingest(
                self.catalogue, photos, self._keeper, self._extractors, self.check_features, duplicates
            )
            self._identify_counts = IdentifyCounts(self.catalogue)
            self.operations = OperationRunner(OperationStore(self.catalogue.database), data_dir.operations)
            self.uploads = Uploads(data_dir.uploads, settings.max_upload_bytes)
            self.discoveries = Discoveries(
                self.catalogue.database,
                self.release,
                photos=photos,
                ingest=self.ingest,
                keeper=self._keeper,
                extractors=self._extractors,
                recogniser=self._recogniser,
                operations=self.operations,
                import_dir=settings.import_dir,
                uploads=self.uploads,
            )
            chores = (self._identify_counts.save, self.ingest.purge, self.operations.purge, self.uploads.purge)
            self._upkeep = Upkeep(self._keeper, chores)
            self._upkeep.start()
            opened.callback(self._upkeep.close)
            self.operations.start()
            self._resources = opened.pop_all()
            self._closed = False
        log.info(
            "the engine is ready",
            extra=facts(
                model=self.release.name,
                index=self._keeper.index.stats().kind,
                images=self._keeper.index.stats().images,
                descriptors=self._keeper.index.stats().descriptors,
                sequence=self._keeper.sequence,
                data_dir=settings.data_dir,
                seconds=round(time.monotonic() - began, 3),
            ),
        )

    @property
    def index_keeper(self) -> IndexKeeper:
        """The index and what it has of the catalogue."""
        return self._keeper

    def models(self) -> Sequence[ModelRelease]:
        """The releases served, the default first."""
        return (self.release,)

    def model(self, name: str) -> ModelRelease:
        """A release that is served.

        Raises:
            NotFoundError: If it is not.
        """
        if name != self.release.name:
            raise NotFoundError(
                f"this server does not serve models/{name}; it serves {self._served()}",
                resource=f"models/{name}",
                served=self._served(),
            )
        return self.release

    def release_of(self, model: str) -> ModelRelease:
        """The release that made a query's features.

        Raises:
            ModelMismatchError: If it is not served.
        """
        if model != self.release.name:
            raise ModelMismatchError(
                f"these features are of models/{model}, which this server does not serve; extract with "
                f"{self._served()}",
                model=f"models/{model}",
                served=self._served(),
            )
        return self.release

    def check_features(self, features: FeatureSet) -> FeatureSet:
        """``features``, if they can be searched with and for.

        Raises:
            ModelMismatchError: If they are of a release that is not served.
            FeatureSetError: If there are none.
        """
        self.release_of(features.model)
        if len(features) == 0:
            raise FeatureSetError(
                "there are no features (0 rows of descriptors), so there is nothing to recognise; the photo may be "
                "blank, blurred or too dark: take it again"
            )
        return features

    def identify(
        self,
        source: FeatureSet | bytes,
        *,
        max_candidates: int,
        restriction: Restriction | None = None,
        so_far: recognition.Accumulated | None = None,
    ) -> Identification:
        """Names the landmark in a photo.

        Args:
            source: The photo's features, or the photo as a JPEG, PNG, WebP or BMP file.
            max_candidates: Candidates in the answer, at most.
            restriction: Landmarks to look for; None: all.
            so_far: What is known of the query from features that came before; ``source`` becomes part of it.

        Raises:
            ModelMismatchError: If the features are of a release that is not served.
            FeatureSetError: If there are no features, or they do not go together with those before.
            ImageError: If the photo cannot be used.
        """
        extract_seconds = None
        if isinstance(source, bytes):
            began = time.perf_counter()
            features = self._extractors.extract(source)
            extract_seconds = time.perf_counter() - began
        else:
            features = self.check_features(source)
        self._keeper.catch_up_if_behind()
        within = None if restriction is None else self.catalogue.image_keys(restriction)
        recognised = self._recogniser.identify(features, max_candidates=max_candidates, within=within, so_far=so_far)
        candidates = self._described(recognised.candidates)
        # A landmark that was deleted during the search is no answer; nor is the runner-up, whose confidence was not
        # the one that decided.
        first_is_there = bool(candidates) and candidates[0].recognised is recognised.candidates[0]
        if recognised.identified and first_is_there and not (so_far is not None and so_far.counted):
            self._identify_counts.add(candidates[0].image.key)
            if so_far is not None:
                so_far.counted = True
        return Identification(
            identified=recognised.identified and first_is_there,
            candidates=candidates,
            model=self.release.name,
            width=features.width,
            height=features.height,
            feature_count=recognised.feature_count,
            extract_seconds=extract_seconds,
            search_seconds=recognised.search_seconds,
            verify_seconds=recognised.verify_seconds,
            certain=recognised.certain and first_is_there,
        )

    def explain(self, source: FeatureSet | bytes, *, restriction: Restriction | None = None) -> Explanation:
        """Why :meth:`identify` answers as it does. Arguments and errors as there."""
        features = self._extractors.extract(source) if isinstance(source, bytes) else self.check_features(source)
        self._keeper.catch_up_if_behind()
        within = None if restriction is None else self.catalogue.image_keys(restriction)
        answer, told = self._recogniser.explain(features, within=within)
        images = self.catalogue.images([each.voted.image_key for each in told])
        landmarks = self.catalogue.landmarks([image.landmark_id for image in images.values()])
        known = [each for each in told if each.voted.image_key in images and each.voted.landmark_id in landmarks]
        return Explanation(
            identified=answer.identified and bool(known) and known[0] is told[0],
            model=self.release.name,
            width=features.width,
            height=features.height,
            feature_count=answer.feature_count,
            calibration=self.release.calibration,
            images=tuple((images[each.voted.image_key], landmarks[each.voted.landmark_id], each) for each in known),
        )

    def server_info(self) -> ServerInfo:
        """What there is to know of the server."""
        index, stats = self._keeper.index, self._keeper.index.stats()
        factory, _, device = stats.kind.partition(" on ")
        return ServerInfo(
            version=metadata.version("steeple"),
            start_time=self._start_time,
            uptime_seconds=time.monotonic() - self._began,
            models=tuple(release.name for release in self.models()),
            index=IndexInfo(
                factory=factory,
                device=device,
                faiss_version=faiss_version(),
                batching=index.batch_sizes is not None,
                probes=index.probes,
                neighbours=self.release.index.neighbours,
                images=stats.images,
                descriptors=stats.descriptors,
                live_descriptors=index.live,
                dead_descriptors=index.dead,
                bytes_per_descriptor=stats.bytes_per_descriptor,
                sequence=self._keeper.sequence,
                catalogue_sequence=self.catalogue.sequence(),
            ),
            upkeep=self._keeper.upkeep_state,
            waiting_for=self._keeper.waiting_for,
        )

    def close(self) -> None:
        """Saves the index and closes everything. May be called again; nothing else may be running."""
        if self._closed:
            return
        self._closed = True
        with self._resources:
            self.operations.close()
            self._upkeep.close()
            try:
                self._identify_counts.save()
            except SteepleError:
                log.exception("the last answers were not counted")
            try:
                self._keeper.close()
            except OSError:
                # Nothing is lost: the next start builds the index from the catalogue.
                log.exception("the index was not saved")

    def _described(self, candidates: Sequence[recognition.Candidate]) -> tuple[Candidate, ...]:
        landmarks = self.catalogue.landmarks([candidate.landmark_id for candidate in candidates])
        images = self.catalogue.images([candidate.image_key for candidate in candidates])
        return tuple(
            Candidate(landmarks[candidate.landmark_id], images[candidate.image_key], candidate)
            for candidate in candidates
            if candidate.landmark_id in landmarks and candidate.image_key in images
        )

    def _gallery(self, image_keys: Sequence[int]) -> Mapping[int, recognition.GalleryImage]:
        images, features = self.catalogue.images(image_keys), self.catalogue.features(image_keys)
        return {
            key: recognition.GalleryImage(image.landmark_id, features[key])
            for key, image in images.items()
            if key in features
        }

    def _served(self) -> str:
        return ", ".join(f"models/{release.name}" for release in self.models())


def _release(settings: Settings) -> ModelRelease:
    """The model release, with what the settings have instead of some of its parameters."""
    release = ModelRelease.load(settings.model)
    if settings.calibration is not None:
        release = replace(release, calibration=calibration_file.load(settings.calibration, release))
    wanted = {name: value for name in ("probes", "neighbours") if (value := getattr(settings, name)) is not None}
    return replace(release, index=replace(release.index, **wanted))


def _index_options(settings: Settings) -> IndexOptions:
    device = gpu.find(settings.device)
    # A GPU does many descriptors in the time of few; on the processor, measured, sharing gains nothing.
    shared = settings.batching == "on" or (settings.batching == "auto" and device is not None)
    return IndexOptions(
        factory=settings.index_factory,
        device=device,
        batch_delay_seconds=settings.batch_delay_ms / 1000 if shared else None,
        batch_descriptors=settings.batch_descriptors,
    )
