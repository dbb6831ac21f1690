"""Everything the server does, apart from the network: the layer that the API calls."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from importlib import metadata

from steeple import recognition
from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import FeatureSetError, SteepleError
from steeple.server.access import IdTokens, Keyring, SessionLifetime, SignIns, SpentTokens
from steeple.server.catalogue import Catalogue, Restriction
from steeple.server.catalogue.database import Database
from steeple.server.clock import CautiousClock
from steeple.server.coverage import Coverages
from steeple.server.data_dir import DataDir
from steeple.server.discovery import Discoveries
from steeple.server.duplicates import DuplicateCheck
from steeple.server.files import SharedFiles
from steeple.server.following import Followers
from steeple.server.identification import Candidate, Explanation, Identification
from steeple.server.identify_counts import IdentifyCounts
from steeple.server.images import ImageStore
from steeple.server.importing import PhotoImport
from steeple.server.ingest import Ingest
from steeple.server.keeper import Keeper
from steeple.server.logs import facts
from steeple.server.memory import FreedMemory
from steeple.server.operations import OperationRunner, OperationStore
from steeple.server.packs import Packs
from steeple.server.replica import Replica
from steeple.server.review import KeepRules, Review
from steeple.server.review.groups import QueryGrouper
from steeple.server.server_info import ServerInfo
from steeple.server.serving import Served, Serving
from steeple.server.settings import Settings
from steeple.server.snapshots.jobs import Snapshots
from steeple.server.snapshots.making import Source
from steeple.server.snapshots.opening import open_place
from steeple.server.storage import Storage
from steeple.server.transfer import Transfers
from steeple.server.upgrades import ModelUpgrades
from steeple.server.upkeep import Upkeep
from steeple.server.uploads import Uploads
from steeple.server.usage import UsageCounts
from steeple.server.views import ViewStore

log = logging.getLogger(__name__)


class Engine:
    """A catalogue, its photos, and model releases each with an index in step with it.

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
            data_dir = DataDir(settings.data_dir)
            opened.callback(data_dir.close)
            self.catalogue = Catalogue.open(settings.catalogue_url, timedelta(days=settings.deleted_retention_days))
            opened.callback(self.catalogue.close)
            self.keyring = Keyring(self.catalogue.database, _lifetime(settings))
            opened.callback(self.keyring.close)
            self.keyring.start()
            self.sign_ins = SignIns(self.keyring, id_tokens=_id_tokens(settings, self.catalogue.database))
            self.serving = Serving(settings, self.catalogue, data_dir.index, stopping or threading.Event())
            photos = ImageStore(settings.photos_url)
            duplicates = DuplicateCheck(self.catalogue, lambda model: self.serving.of(model).recogniser)
            self.ingest = Ingest(self.catalogue, photos, self.serving, self.check_features, duplicates)
            self._identify_counts = IdentifyCounts(self.catalogue)
            self.usage = UsageCounts(self.catalogue.database)
            self.views = ViewStore(self.catalogue.database)
            database, self.replica = self.catalogue.database, Replica.here()
            files = SharedFiles(settings.files_url, data_dir.path)
            operations, made = OperationStore(database), files.of("operations")
            self.operations = OperationRunner(operations, data_dir.operations, made, replica=self.replica)
            rules = KeepRules.of(settings)
            queries = files.of("queries", private=True)
            self.review = Review(rules, queries, self.catalogue, self.ingest, self.keyring.lineage)
            opened.callback(self.review.close)
            self.review.start()
            self.query_groups = QueryGrouper(self.review, self.serving)
            snapshots = open_place(settings.snapshots_place, settings.data_dir)
            self.snapshots = Snapshots(
                Source(
                    database=self.catalogue.database,
                    photos=photos,
                    photos_kept=self.ingest.shelf.kept,
                    keepers=lambda: [served.keeper for served in self.serving.all],
                    model=lambda: self.release.name,
                ),
                snapshots,
                self.operations,
                keep=settings.snapshots_keep,
            )
            self.upgrades = ModelUpgrades(self.serving, self.catalogue, self.ingest, self.operations)
            self.uploads = Uploads(
                self.catalogue.database, files.of("uploads"), data_dir.copies, settings.max_upload_bytes
            )
            self.storage = Storage(self.catalogue.database, data_dir, photos, snapshots, self.uploads, files)
            opened.callback(self.storage.close)
            self.coverages = Coverages(self.catalogue, self.serving)
            self.photo_import = PhotoImport(
                self.operations, self.catalogue, self.ingest, self.uploads, settings.import_dir, settings.workers
            )
            self.discoveries = Discoveries(
                self.catalogue.database,
                self.serving,
                photos=photos,
                ingest=self.ingest,
                operations=self.operations,
                import_dir=settings.import_dir,
                uploads=self.uploads,
            )
            self.packs = Packs(self.catalogue, self.ingest, self.serving, self.operations, files.of("packs"))
            clock = CautiousClock()
            chores = (
                self.catalogue.schema.check,
                self._identify_counts.save,
                self.usage.save,
                lambda: self.ingest.purge(clock.now()),
                lambda: self.operations.purge(clock.now()),
                lambda: self.review.purge(clock.now()),
                self.query_groups.forget_erased,
                self.packs.store.tidy,
                lambda: self.uploads.purge(clock.now()),
                self.ingest.shelf.discard_postponed,
                data_dir.forget_previous,
                FreedMemory().give_back,
            )
            self._upkeep = Upkeep(self.serving, chores)
            self._upkeep.start()
            opened.callback(self._upkeep.close)
            self.transfers = Transfers(
                self.operations,
                self.catalogue,
                self.ingest,
                self.uploads,
                self.models,
                self._identify_counts.save,
                settings.max_message_bytes,
            )
            self.operations.start()
            self.followers = Followers.started(database, self.serving, self.keyring, self.operations)
            self._resources = opened.pop_all()
            self._closed = False
        index = self.index_keeper.info()
        log.info(
            "the engine is ready",
            extra=facts(
                model=self.release.name,
                index=f"{index.factory} on {index.device}",
                images=index.images,
                descriptors=index.descriptors,
                sequence=index.sequence,
                data_dir=settings.data_dir,
                replica=self.replica.name,
                seconds=round(time.monotonic() - began, 3),
            ),
        )

    @property
    def release(self) -> ModelRelease:
        """The default release."""
        return self.serving.default.release

    @property
    def index_keeper(self) -> Keeper:
        """The default release's index and what it has of the catalogue."""
        return self.serving.default.keeper

    def models(self) -> Sequence[ModelRelease]:
        """The releases served, the default first."""
        return [served.release for served in self.serving.all]

    def model(self, name: str) -> ModelRelease:
        """A release that is served.

        Raises:
            NotFoundError: If it is not.
        """
        return self.serving.named(name).release

    def release_of(self, model: str) -> ModelRelease:
        """The release that made a query's features.

        Raises:
            ModelMismatchError: If it is not served.
        """
        return self.serving.of(model).release

    def check_features(self, features: FeatureSet) -> FeatureSet:
        """``features``, if they can be searched with and for.

        Raises:
            ModelMismatchError: If they are of a release that is not served.
            FeatureSetError: If there are none.
        """
        self.serving.of(features.model)
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
        counted: bool = True,
    ) -> Identification:
        """Names the landmark in a photo.

        Args:
            source: The photo's features, or the photo as a JPEG, PNG, WebP or BMP file.
            max_candidates: Candidates in the answer, at most.
            restriction: Landmarks to look for; None: all.
            so_far: What is known of the query from features that came before; ``source`` becomes part of it.
            counted: Whether the answer counts for the reference image that supports it.

        Raises:
            ModelMismatchError: If the features are of a release that is not served.
            FeatureSetError: If there are no features, or they do not go together with those before.
            ImageError: If the photo cannot be used.
        """
        served, features, extract_seconds = self._read(source)
        within = None if restriction is None else self.catalogue.image_keys(restriction)
        recognised = served.recogniser.identify(features, max_candidates=max_candidates, within=within, so_far=so_far)
        candidates = self._described(recognised.candidates)
        # A landmark that was deleted during the search is no answer; nor is the runner-up, whose confidence was not
        # the one that decided.
        first_is_there = bool(candidates) and candidates[0].recognised is recognised.candidates[0]
        counted = counted and not (so_far is not None and so_far.counted)
        if counted and recognised.identified and first_is_there:
            self._identify_counts.add(candidates[0].image.key)
            if so_far is not None:
                so_far.counted = True
        return Identification(
            identified=recognised.identified and first_is_there,
            candidates=candidates,
            model=served.release.name,
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
        served, features, _ = self._read(source)
        within = None if restriction is None else self.catalogue.image_keys(restriction)
        answer, told = served.recogniser.explain(features, within=within)
        images = self.catalogue.images([each.voted.image_key for each in told])
        landmarks = self.catalogue.landmarks([image.landmark_id for image in images.values()])
        known = [each for each in told if each.voted.image_key in images and each.voted.landmark_id in landmarks]
        return Explanation(
            identified=answer.identified and bool(known) and known[0] is told[0],
            model=served.release.name,
            width=features.width,
            height=features.height,
            feature_count=answer.feature_count,
            calibration=served.release.calibration,
            images=tuple((images[each.voted.image_key], landmarks[each.voted.landmark_id], each) for each in known),
        )

    def server_info(self) -> ServerInfo:
        """What there is to know of the server."""
        keeper = self.index_keeper
        return ServerInfo(
            version=metadata.version("steeple"),
            start_time=self._start_time,
            uptime_seconds=time.monotonic() - self._began,
            models=tuple(release.name for release in self.models()),
            index=keeper.info(),
            upkeep=keeper.upkeep_state,
            waiting_for=keeper.waiting_for,
        )

    def close(self) -> None:
        """Saves the index and closes everything. May be called again; nothing else may be running."""
        if self._closed:
            return
        self._closed = True
        with self._resources:
            self.followers.close()
            self.operations.close()
            self._upkeep.close()
            try:
                self._identify_counts.save()
                self.usage.save()
            except SteepleError:
                log.exception("the last answers were not counted")
            self.serving.close()

    def _read(self, source: FeatureSet | bytes) -> tuple[Served, FeatureSet, float | None]:
        """What answers a query, its features, and the seconds that they took if they were extracted here."""
        seconds = None
        if isinstance(source, bytes):
            served, began = self.serving.default, time.perf_counter()
            features = served.extractors.extract(source)
            seconds = time.perf_counter() - began
        else:
            features = self.check_features(source)
            served = self.serving.of(features.model)
        served.keeper.catch_up_if_behind()
        return served, features, seconds

    def _described(self, candidates: Sequence[recognition.Candidate]) -> tuple[Candidate, ...]:
        landmarks = self.catalogue.landmarks([candidate.landmark_id for candidate in candidates])
        images = self.catalogue.images([candidate.image_key for candidate in candidates])
        return tuple(
            Candidate(landmarks[candidate.landmark_id], images[candidate.image_key], candidate)
            for candidate in candidates
            if candidate.landmark_id in landmarks and candidate.image_key in images
        )


def _lifetime(settings: Settings) -> SessionLifetime:
    return SessionLifetime(timedelta(hours=settings.session_idle_hours), timedelta(days=settings.session_longest_days))


def _id_tokens(settings: Settings, database: Database) -> IdTokens | None:
    """What checks the ID tokens of the provider that is trusted; None: none is."""
    if not settings.oidc_issuer:
        return None
    return IdTokens(settings.oidc_issuer, settings.oidc_client_id, spend=SpentTokens(database).spend)
