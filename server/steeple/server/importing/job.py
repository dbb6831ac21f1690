"""The import of photos as a long-running operation.

What it does is planned first, in a fixed order, and the plan is kept with the operation. Photos are read, decoded and
extracted on all cores, ahead of the catalogue and in no order; the catalogue takes them in the order of the plan, some
at a time, and each of its transactions notes how far the import is. So whenever the server dies, what was committed
is counted, and what was not is done by the next start: no photo is lost, added twice or counted twice.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from steeple.server.catalogue import Catalogue
from steeple.server.durable import link_or_copy, sha256_of
from steeple.server.importing import photos
from steeple.server.importing.landmarks import LandmarkImport
from steeple.server.importing.layout import check_layout, plan_import
from steeple.server.importing.opening import open_source
from steeple.server.importing.options import ImportOptions, OnExisting
from steeple.server.importing.plan import Plan
from steeple.server.importing.progress import Progress
from steeple.server.importing.sources import Source
from steeple.server.ingest import Ingest
from steeple.server.operations import Operation, OperationRunner, Run
from steeple.server.uploads import Uploads

METHOD: Final = "steeple.v1.ImportService/ImportReferenceImages"
"""That begins an import."""

_PLAN: Final = "plan.jsonl"
_UPLOAD: Final = "upload"


class PhotoImport:
    """Imports photos; registers itself with the operations.

    Args:
        operations: Of the server.
        catalogue: That the photos are for.
        ingest: That adds them.
        uploads: What may be imported.
        import_dir: What may be imported of the server's disk; None: nothing.
        cores: That extract.
    """

    def __init__(
        self,
        operations: OperationRunner,
        catalogue: Catalogue,
        ingest: Ingest,
        uploads: Uploads,
        import_dir: Path | None,
        cores: int,
    ) -> None:
        self._operations = operations
        self._catalogue = catalogue
        self._ingest = ingest
        self._uploads = uploads
        self._import_dir = import_dir
        # Threads wait for the disk now and then, as photos are written so that they stay. Others extract meanwhile.
        self._threads = cores + max(1, cores // 4)
        operations.register(METHOD, self.run)

    def begin(self, options: ImportOptions, *, request_id: str = "") -> Operation:
        """Begins an import, unless it can be seen at once that it would fail.

        Raises:
            InvalidArgumentError: If the manifest has a wrong column, or there is nothing to import.
            NotFoundError: If there is no such upload, folder or manifest.
            FailedPreconditionError: If the upload is not complete, or the server imports no folders.
        """
        with ExitStack() as opened:
            upload = opened.enter_context(self._uploads.opened(options.upload)) if options.upload else None
            source = self._opened(options, upload)
            opened.callback(source.close)
            check_layout(source, options.manifest)
        return self._operations.begin(METHOD, options.to_json(), request_id=request_id)

    def run(self, run: Run) -> Mapping[str, str]:
        """Does the work of an operation, from where it was interrupted.

        Raises:
            CancelledError: If it is to end.
            SteepleError: If it failed.
        """
        began = time.monotonic()
        options = ImportOptions.from_json(run.arguments)
        # What is only looked at is looked at from the beginning.
        progress = Progress({} if options.validate_only else run.checkpoint)
        source = self._opened(options, self._kept_upload(run, options))
        times: dict[str, float] = {}
        try:
            plan = self._planned(run, options, progress, source)
            landmarks = LandmarkImport(self._catalogue, self._ingest, run, progress)
            if options.validate_only:
                landmarks.validate(plan.landmarks, options.on_existing)
                looking = photos.Looking(source, self._catalogue, run, progress, len(plan.photos))
                photos.do(looking, plan.photos, run, progress, self._threads)
            else:
                if options.on_existing is OnExisting.FAIL and not (progress.landmarks or progress.again):
                    landmarks.refuse_existing(plan.landmarks)
                landmarks.carry_out(plan.landmarks, options.on_existing)
                adding = photos.Adding(source, self._ingest.batches, run, progress, options.duplicates)
                with self._ingest.adding_many():
                    photos.do(adding, plan.photos, run, progress, self._threads)
                times["commit_seconds"] = adding.commit_seconds
        finally:
            source.close()
        (run.folder / _UPLOAD).unlink(missing_ok=True)  # it is not needed to go on any more
        return _results(plan, progress, {**times, "seconds": time.monotonic() - began})

    def _opened(self, options: ImportOptions, upload: Path | io.RawIOBase | None) -> Source:
        return open_source(upload, options.folder, self._import_dir, bare_manifest=True)

    def _planned(self, run: Run, options: ImportOptions, progress: Progress, source: Source) -> Plan:
        """The plan, made by the first run and the same for all others, whatever becomes of the folder.

        A server that takes an import over may not have the plan of the one before: it makes it again and goes on, or,
        as what is imported was changed meanwhile, begins anew.
        """
        path = run.folder / _PLAN
        if progress.planned and path.exists():
            return Plan.load(path)
        run.progress(0, 0, "reading what there is")
        plan = plan_import(source, options.manifest)
        plan.save(path)
        digest = sha256_of(path)
        if progress.planned and progress.plan != digest:
            progress.begin_anew()
        progress.planned, progress.plan = True, digest
        with self._catalogue.database.write() as connection:  # one write to the disk, however many problems there are
            run.save_in(connection, progress.to_json(), progress.photos, plan.problems)
        run.check()
        return plan

    def _kept_upload(self, run: Run, options: ImportOptions) -> Path | None:
        """The file of the upload, kept by the operation, so that the upload may be deleted meanwhile."""
        if not options.upload:
            return None
        kept = run.folder / _UPLOAD
        if not kept.exists():
            with self._uploads.local(options.upload, run.check) as path:
                link_or_copy(path, kept)
        return kept


def _results(plan: Plan, progress: Progress, times: Mapping[str, float]) -> Mapping[str, str]:
    failed = progress.counts.get("photos_failed", 0) + len(plan.problems)
    counts = {**progress.counts, "failed": failed, "files_passed_over": plan.passed_over}
    counts.pop("photos_failed", None)
    results = {name: str(count) for name, count in counts.items() if count or name == "failed"}
    if progress.duplicates:
        results["duplicates"] = "\n".join(progress.duplicates)
    return {**results, **{name: f"{seconds:.3f}" for name, seconds in times.items()}}
