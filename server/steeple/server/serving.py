"""The model releases that a server serves, each with its index."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from steeple.delf.release import ModelRelease
from steeple.errors import CancelledError, FailedPreconditionError, ModelMismatchError, NotFoundError, SteepleError
from steeple.recognition import GalleryImage, Recogniser
from steeple.server import calibration_file
from steeple.server.calibration_facts import CalibrationFacts, facts_of
from steeple.server.calibration_file import FittedCalibration
from steeple.server.catalogue import Catalogue
from steeple.server.catalogue.served_releases import ServedModel
from steeple.server.decoding import PhotoDecoder
from steeple.server.extraction import ExtractorPool
from steeple.server.index_engines import open_keepers
from steeple.server.keeper import Keeper, Stop
from steeple.server.logs import facts
from steeple.server.settings import Settings

log = logging.getLogger(__name__)

_ASK_SECONDS: Final = 0.2
_UPGRADED: Final = "the catalogue was taken to another model release, which is served; the setting model is not heeded"


@dataclass(frozen=True, eq=False)
class Served:
    """A model release with all that answers its queries.

    Attributes:
        release: With what the settings have instead of some of its parameters.
        source: What it was loaded from: its name or its folder.
        keeper: Its index, in step with the catalogue.
        recogniser: Answers queries of its features.
        extractors: Make its features of photos.
    """

    release: ModelRelease
    source: str
    keeper: Keeper
    recogniser: Recogniser
    extractors: ExtractorPool


class Serving:
    """The releases that are served. Thread safe: who has asked for one goes on with it, whatever changes meanwhile.

    Which these are is in the catalogue once a release was changed for another; before, the setting ``model`` says. So
    an upgraded catalogue is not searched with the old release because a setting was left as it was.

    For as long as what keeps the indexes cannot be reached, this waits for it.

    Args:
        settings: Which release, and how its index is to be.
        catalogue: The truth.
        folder: Of the indexes.
        stopping: Interrupts a long start.

    Raises:
        CancelledError: If ``stopping`` was set before the indexes were current.
        NotFoundError: If a release is not there.
        SteepleError: If a release, or the catalogue, cannot be read.
    """

    def __init__(self, settings: Settings, catalogue: Catalogue, folder: Path, stopping: threading.Event) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._keepers = open_keepers(settings, catalogue, folder)
        self._fitted: FittedCalibration | None = None  # of the settings
        self._decoder = PhotoDecoder(max_pixels=settings.max_image_pixels, memory_bytes=settings.decode_memory_bytes)
        sources = [one.source for one in catalogue.releases().served]
        upgraded = bool(sources)
        sources = sources or [settings.model]
        loaded = {source: ModelRelease.load(source) for source in sources}
        self._setting = _name_of(settings.model, loaded, needed=not upgraded)
        releases = [self._set(loaded[source]) for source in sources]
        if self._setting not in [release.name for release in releases]:
            log.warning(_UPGRADED, extra=facts(served=releases[0].name, setting=self._setting))
        self._lock = threading.Lock()  # guards changes of what follows
        self._coming: tuple[ExtractorPool, ...] = ()
        self._opening = threading.Lock()
        self._beside: Mapping[str, Served] = {}  # open, but not served yet
        try:
            self._served = tuple(
                self._opened(release, source, stopping, patient=True)
                for release, source in zip(releases, sources, strict=True)
            )
        except BaseException:
            self._keepers.close()
            raise
        self.follow_extracting()

    @property
    def default(self) -> Served:
        """What answers queries that are photos."""
        return self._served[0]

    @property
    def all(self) -> Sequence[Served]:
        """The default first."""
        return self._served

    def find(self, model: str) -> Served | None:
        """The release of that name, if it is served."""
        return next((served for served in self._served if served.release.name == model), None)

    def named(self, model: str) -> Served:
        """The release of that name.

        Raises:
            NotFoundError: If it is not served.
        """
        served = self.find(model)
        if served is None:
            raise NotFoundError(
                f"this server does not serve models/{model}; it serves {self.names}",
                resource=f"models/{model}",
                served=self.names,
            )
        return served

    def of(self, model: str) -> Served:
        """The release that made a query's features.

        Raises:
            ModelMismatchError: If it is not served.
        """
        served = self.find(model)
        if served is None:
            raise ModelMismatchError(
                f"these features are of models/{model}, which this server does not serve; extract with {self.names}",
                model=f"models/{model}",
                served=self.names,
            )
        return served

    def calibration_facts(self, model: str) -> CalibrationFacts:
        """What is known of the calibration that answers of a release are given by; an empty name: of the default.

        Raises:
            NotFoundError: If it is not served.
        """
        release = (self.named(model) if model else self.default).release
        fitted = self._fitted
        return facts_of(release, fitted if fitted is not None and fitted.calibration is release.calibration else None)

    @property
    def prepares(self) -> bool:
        """Whether a release is to be served that is not yet."""
        return bool(self._coming or self._beside)

    @property
    def sequences(self) -> tuple[int, ...]:
        """How far the indexes are, of what is served and of what is to be."""
        return tuple(served.keeper.sequence for served in self._open)

    @property
    def names(self) -> str:
        """``models/{model}`` of all, the default first."""
        return ", ".join(f"models/{served.release.name}" for served in self._served)

    @property
    def extracting(self) -> tuple[ExtractorPool, ...]:
        """Of the releases that new photos are extracted with: the default, others served, those that are to come."""
        return (*(served.extractors for served in self._served), *self._coming)

    def load(self, source: str) -> ModelRelease:
        """A release, with what the settings have instead of some of its parameters.

        Args:
            source: Its name or its folder.

        Raises:
            NotFoundError: If there is none.
            ReleaseError: If it is incomplete or altered.
            InvalidArgumentError: If the calibration of the settings is not one of it.
        """
        return self._set(ModelRelease.load(source))

    def _set(self, release: ModelRelease) -> ModelRelease:
        settings = self._settings
        if settings.calibration is not None and release.name == self._setting:
            self._fitted = calibration_file.load(settings.calibration, release)
            release = replace(release, calibration=self._fitted.calibration)
        wanted = {name: value for name in ("probes", "neighbours") if (value := getattr(settings, name)) is not None}
        return replace(release, index=replace(release.index, **wanted))

    def extractors_of(self, release: ModelRelease) -> ExtractorPool:
        """Extractors for a release."""
        return ExtractorPool(release, self._decoder)

    def beside(self, model: ServedModel, stopping: Stop) -> Served:
        """All that answers queries of a release, once its index is current; it is kept so, but not served yet.

        If the release is open already, or another thread opens it now, it is that.

        Raises:
            CancelledError: If it was interrupted.
            NotFoundError: If there is no such release.
            SteepleError: If it cannot be opened.
        """
        while not self._opening.acquire(timeout=_ASK_SECONDS):
            if stopping.is_set():
                raise CancelledError("the opening of a model release was interrupted")
        try:
            served = self.find(model.name) or self._beside.get(model.name)
            if served is None:
                served = self._opened(self.load(model.source), model.source, stopping)
                with self._lock:
                    self._beside = {**self._beside, model.name: served}
            return served
        finally:
            self._opening.release()

    def follow_extracting(self) -> None:
        """Extracts new photos with what the catalogue says is served, and what is to be, from now on.

        Releases that are not here are left out: photos cannot be added here then, which :meth:`check_extracting` says.

        Raises:
            SteepleError: If the catalogue cannot be read.
        """
        found = self._catalogue.releases()
        with self._lock:
            pools = {pool.model: pool for pool in (*self._coming, *(one.extractors for one in self._beside.values()))}
            served = {one.release.name for one in self._served}
            wanted = [one for one in (*found.served, *found.prepared) if one.name not in served]
            for one in wanted:
                if one.name not in pools:
                    with _told("photos cannot be added here: a model release is missing", one.name):
                        pools[one.name] = self.extractors_of(self.load(one.source))
            self._coming = tuple(pools[one.name] for one in wanted if one.name in pools)

    def check_extracting(self) -> None:
        """Sees to it that photos can be extracted here as the catalogue says.

        Raises:
            FailedPreconditionError: If they cannot.
        """
        here = {pool.model for pool in self.extracting}
        if missing := sorted(self._catalogue.releases().names - here):
            raise FailedPreconditionError(
                f"photos are extracted with models/{missing[0]} as well, which this server has not got; install it "
                "here, or add photos through another server"
            )

    def follow(self, stopping: Stop) -> None:
        """Serves what the catalogue says: opens what is missing, while all else goes on, then switches.

        Opens what is to be served, too, if its features are there; and closes what is not served any more.

        Raises:
            CancelledError: If it was interrupted.
            SteepleError: If a release cannot be opened, or the catalogue not be read.
        """
        self.follow_extracting()
        found = self._catalogue.releases()
        for model in found.served:
            self.beside(model, stopping).keeper.catch_up()
        for coming in found.prepared:
            if coming.extracted:
                with _told("a model release that is to be served cannot be opened", coming.name):
                    self.beside(coming, stopping).keeper.catch_up()
        with self._lock:
            now = self._catalogue.releases()
            if now.served != found.served:
                return  # changed meanwhile, which will be followed
            there = {**self._beside, **{one.release.name: one for one in self._served}}
            if now.served:
                self._served = tuple(there.pop(one.name) for one in now.served)
            else:
                for one in self._served:
                    del there[one.release.name]
            self._beside = {one.name: there.pop(one.name) for one in now.prepared if one.name in there}
        self.follow_extracting()
        for gone in there.values():
            self._retire(gone)
        if now.served:
            log.info("model releases are served", extra=facts(models=self.names))

    def _opened(self, release: ModelRelease, source: str, stopping: Stop, *, patient: bool = False) -> Served:
        keeper = self._keepers.open(release, stopping, patient=patient)
        recogniser = Recogniser(release, keeper.index, lambda keys: self._gallery(keys, release.name))
        return Served(release, source, keeper, recogniser, self.extractors_of(release))

    def _retire(self, gone: Served) -> None:
        """Frees what this server has of a release that is not served any more."""
        gone.keeper.retire()
        self._keepers.forget(gone.release.name)
        log.info("a model release is not served any more", extra=facts(model=gone.release.name))

    @property
    def _open(self) -> tuple[Served, ...]:
        """Those that are served, and those that are to be."""
        return (*self._served, *self._beside.values())

    def delete_index(self, model: str) -> None:
        """Deletes the index of a release that is not served any more."""
        self._keepers.delete(model)

    def catch_up(self) -> None:
        """As :meth:`Keeper.catch_up`, of all releases, those that are to be served among them.

        Raises:
            UnavailableError: If it failed for one; the others have caught up.
        """
        self._of_all(lambda keeper: keeper.catch_up(), self._open)

    @contextmanager
    def growing(self) -> Iterator[None]:
        """As :meth:`Keeper.growing`, of all releases."""
        with ExitStack() as entered:
            for served in self._open:
                entered.enter_context(served.keeper.growing())
            yield

    def upkeep(self, stopped: Callable[[], bool]) -> None:
        """As :meth:`Keeper.upkeep`, of all releases that are served."""
        self._of_all(lambda keeper: keeper.upkeep(stopped), self._served)

    def close(self) -> None:
        """Saves all indexes."""
        for served in self._open:
            try:
                served.keeper.close()
            except (OSError, CancelledError):
                # Nothing is lost: the next start builds the index from the catalogue.
                log.exception("the index was not saved")
        self._keepers.close()

    def _of_all(self, work: Callable[[Keeper], None], which: Sequence[Served]) -> None:
        """Does some work of several indexes; what fails for one keeps none of the others from it."""
        failure: Exception | None = None
        for served in which:
            try:
                work(served.keeper)
            except Exception as error:  # told once all have been seen to
                failure = failure or error
        if failure is not None:
            raise failure

    def _gallery(self, image_keys: Sequence[int], model: str) -> Mapping[int, GalleryImage]:
        images, features = self._catalogue.images(image_keys), self._catalogue.features(image_keys, model)
        return {key: GalleryImage(image.landmark_id, features[key]) for key, image in images.items() if key in features}


@contextmanager
def _told(what: str, model: str) -> Iterator[None]:
    """Goes on without what may never be needed."""
    try:
        yield
    except CancelledError:
        raise
    except SteepleError as error:
        log.warning("%s", what, extra=facts(model=model, error=error))


def _name_of(source: str, loaded: Mapping[str, ModelRelease], *, needed: bool) -> str:
    """Name of the release that a setting names; one that is not needed may be gone."""
    if source in loaded:
        return loaded[source].name
    try:
        return ModelRelease.load(source).name
    except NotFoundError:
        if needed:
            raise
        return source
