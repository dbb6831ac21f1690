"""From one model release to another: all photos extracted anew while the old one serves, then a switch."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import Final

from steeple.delf.features import FeatureSet
from steeple.delf.priority import lower_priority
from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError, SteepleError
from steeple.server.catalogue import Catalogue
from steeple.server.catalogue.releases import ImageWithout, ServedModel
from steeple.server.catalogue.requests import check_request_id
from steeple.server.extraction import ExtractorPool
from steeple.server.ingest import Ingest
from steeple.server.logs import facts
from steeple.server.operations import Operation, OperationRunner, Run
from steeple.server.processors import processors
from steeple.server.serving import Served, Serving

log = logging.getLogger(__name__)

UPGRADE: Final = "steeple.v1.ModelService/UpgradeModel"
RETIRE: Final = "steeple.v1.ModelService/RetireModel"

_AT_ONCE: Final = 32
_NICENESS: Final = 19  # other operations go first, too


class _Stopped:
    """Interrupts the making of an index when an operation is to end."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def is_set(self) -> bool:
        return self._run.stopped()


class ModelUpgrades:
    """Takes the catalogue to other model releases. Thread safe.

    What has been extracted is in the catalogue, beside the features that serve: an upgrade that was interrupted, or
    that failed, goes on from there. Photos that are added meanwhile are extracted with both releases.

    Args:
        serving: What is served.
        catalogue: The truth.
        ingest: Has the photos, and adds some.
        operations: Carry upgrades out; not started yet.
    """

    def __init__(self, serving: Serving, catalogue: Catalogue, ingest: Ingest, operations: OperationRunner) -> None:
        self._serving = serving
        self._catalogue = catalogue
        self._ingest = ingest
        self._operations = operations
        self._one_at_a_time = threading.Lock()
        operations.register(UPGRADE, self._upgrade)
        operations.register(RETIRE, self._retire)

    def upgrade(self, source: str, *, accept_missing: bool = False, request_id: str = "") -> Operation:
        """Begins to take the catalogue to a release, which becomes the default.

        Args:
            source: Name of a release, or its folder.
            accept_missing: Whether to go on without the images that cannot be extracted anew.
            request_id: A repeat gets the same operation.

        Raises:
            NotFoundError: If there is no such release.
            ReleaseError: If it is incomplete or altered.
        """
        check_request_id(request_id)
        self._serving.load(source)
        arguments = {"release": source, "accept_missing": accept_missing}
        return self._operations.begin(UPGRADE, arguments, request_id=request_id)

    def retire(self, model: str, *, accept_missing: bool = False, request_id: str = "") -> Operation:
        """Begins to take a release out of service and to delete its features.

        Args:
            model: Its name.
            accept_missing: Whether to do so if there are images that only its queries find.
            request_id: A repeat gets the same operation.

        Raises:
            FailedPreconditionError: If it is the default.
            NotFoundError: If it is not served, and no image has features by it.
        """
        check_request_id(request_id)
        self._check_not_default(model)
        if self._serving.find(model) is None and not self._catalogue.has_features(model):
            self._serving.named(model)
        return self._operations.begin(RETIRE, {"model": model, "accept_missing": accept_missing}, request_id=request_id)

    def _upgrade(self, run: Run) -> Mapping[str, str]:
        source = run.arguments["release"]
        release = self._serving.load(source)
        with self._alone():
            if self._serving.default.release.name == release.name:
                # A run whose end was not noted down any more has done it, or there is nothing to do.
                return self._outcome(release)
            if self._serving.find(release.name) is None:
                with self._ingest.shelf.settled():
                    self._serving.prepare(release)
            try:
                self._extract_all(run, release)
                self._check_missing(run, release)
                run.progress(0, 0, "building the index")
                served = self._serving.find(release.name)
                if served is None:
                    served = self._serving.open(release, source, _Stopped(run))
                    served.keeper.upkeep(run.stopped)  # the index grows to its size before anybody waits for it
                self._switch(run, served)
            except BaseException:
                with self._ingest.shelf.settled():
                    self._serving.prepare(None)
                raise
        return self._outcome(release)

    def _extract_all(self, run: Run, release: ModelRelease) -> None:
        model = release.name
        extractors = self._serving.extractors_of(release)
        total, done, after = self._catalogue.count_without(model), 0, 0
        run.progress(0, total, f"extracting photos with {model}")
        with ThreadPoolExecutor(processors(), "upgrade", initializer=partial(lower_priority, _NICENESS)) as pool:
            while images := self._catalogue.images_without(model, after, _AT_ONCE):
                found: dict[int, FeatureSet] = {}
                outcomes = pool.map(lambda image: self._extracted(image, extractors), images)
                failed: dict[int, SteepleError] = {}
                for image, outcome in zip(images, outcomes, strict=True):
                    if isinstance(outcome, FeatureSet):
                        found[image.key] = outcome
                    else:
                        failed[image.key] = outcome
                # What is deleted, perhaps meanwhile and with its photo, is no problem.
                for image in self._catalogue.images_without(model, after, len(images)) if failed else ():
                    if image.key in failed and not image.deleted:
                        run.problem(image.name, failed[image.key])
                self._catalogue.add_features(model, found, announce=self._serving.find(model) is not None)
                done, after = done + len(images), images[-1].key
                run.progress(done, max(total, done))
        self._serving.catch_up()

    def _extracted(self, image: ImageWithout, extractors: ExtractorPool) -> FeatureSet | SteepleError:
        if not image.sha256:
            return FailedPreconditionError(
                "it has no photo, only features were uploaded: add it again with features of the new release"
            )
        try:
            return extractors.extract(self._ingest.photo_of(image.sha256), patient=True)
        except SteepleError as error:
            return error

    def _check_missing(self, run: Run, release: ModelRelease) -> None:
        missing = self._catalogue.count_without(release.name)
        if missing and not run.arguments["accept_missing"]:
            raise FailedPreconditionError(
                f"{missing} images have no features by {release.name} and would not be found any more: nothing was "
                f"switched; see steeple operations show {run.operation.id}. Delete them, add them anew, or repeat it "
                "with accept_missing (--accept-missing); what was extracted is kept"
            )

    def _switch(self, run: Run, served: Served) -> None:
        """Makes a release the default; those that were served go on."""
        before = self._serving.all
        others = [one for one in before if one.release.name != served.release.name]
        try:
            # First beside the default: changes reach its index, and its queries are answered.
            self._serving.serve([others[0], served, *others[1:]])
            served.keeper.catch_up()
            run.check()
            with run.change():
                self._catalogue.serve_models(_records([served, *others]), served.release.name)
        except BaseException:
            self._serving.serve(before)
            raise
        self._serving.serve([served, *others])
        log.info("another model release is the default", extra=facts(model=served.release.name))

    def _outcome(self, release: ModelRelease) -> dict[str, str]:
        images, missing = self._catalogue.count_with(release.name), self._catalogue.count_without(release.name)
        return {"model": f"models/{release.name}", "images": str(images), "missing": str(missing)}

    def _retire(self, run: Run) -> Mapping[str, str]:
        model = run.arguments["model"]
        with self._alone():
            self._check_not_default(model)
            default, retired = self._serving.default.release.name, self._serving.find(model)
            if retired is not None:
                self._check_found(run, model, default)
                after = [one for one in self._serving.all if one is not retired]
                with run.change():
                    self._catalogue.serve_models(_records(after), model)
                with self._ingest.shelf.settled():
                    self._serving.serve(after)
                retired.keeper.retire()
            done = 0
            run.progress(0, 0, f"deleting features by {model}")
            hand_over = partial(self._catalogue.hand_over, model, default)
            for step in (hand_over, partial(self._catalogue.forget_features, model)):
                while some := step(_AT_ONCE):
                    done += some
                    run.progress(done)
            self._serving.delete_index(model)
        log.info("a model release was retired", extra=facts(model=model, images=done))
        return {"model": f"models/{model}", "images": str(done)}

    def _check_found(self, run: Run, model: str, default: str) -> None:
        missing = self._catalogue.count_without(default)
        if missing and not run.arguments["accept_missing"]:
            raise FailedPreconditionError(
                f"{missing} images have no features by {default}, so that only queries of other releases, such as "
                f"{model}, find them; delete them, add them again, or retire it with accept_missing (--accept-missing)"
            )

    def _check_not_default(self, model: str) -> None:
        if model == self._serving.default.release.name:
            raise FailedPreconditionError(
                f"models/{model} is the default; make another one the default first (steeple model upgrade)",
                resource=f"models/{model}",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._one_at_a_time.acquire(blocking=False):
            raise FailedPreconditionError(
                "another operation is changing which model releases are served; wait for its end, then resume this one"
            )
        try:
            yield
        finally:
            self._one_at_a_time.release()


def _records(served: Sequence[Served]) -> list[ServedModel]:
    return [ServedModel(one.release.name, one.source) for one in served]
