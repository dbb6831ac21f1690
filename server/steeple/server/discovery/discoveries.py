"""All that the API does with discoveries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Final

from steeple.delf.photo_metadata import without_metadata
from steeple.errors import FailedPreconditionError, ImageError, NotFoundError
from steeple.server.catalogue import LandmarkDraft
from steeple.server.catalogue.database import Database
from steeple.server.discovery.decisions import Decisions
from steeple.server.discovery.job import DiscoveryJob
from steeple.server.discovery.records import Acceptance, DiscoveryOptions, Source, discovery_name
from steeple.server.discovery.store import DiscoveryStore
from steeple.server.images import ImageStore
from steeple.server.importing.opening import open_source
from steeple.server.importing.sources import Source as FileSource
from steeple.server.ingest import Ingest
from steeple.server.operations import Operation, OperationRunner
from steeple.server.serving import Serving
from steeple.server.uploads import Uploads

METHOD: Final = "steeple.v1.DiscoveryService/StartDiscovery"


class Discoveries:
    """Discoveries of one server. Thread safe.

    Args:
        database: The catalogue's.
        serving: The model releases and their indexes.
        photos: Photos by content, shared with the reference images.
        ingest: Stores photos, and deletes them when nothing refers to them any more.
        operations: Carries discoveries out; before its start.
        import_dir: Folder below which folders may be named; None: none may.
        uploads: Archives of photos.

    Attributes:
        job: That carries discoveries out.
        store: To read what was found.
        decisions: What administrators make of it, but for acceptance, which the index must know of.
    """

    def __init__(
        self,
        database: Database,
        serving: Serving,
        *,
        photos: ImageStore,
        ingest: Ingest,
        operations: OperationRunner,
        import_dir: Path | None,
        uploads: Uploads,
    ) -> None:
        self.store = DiscoveryStore(database)
        self.decisions = Decisions(database, lambda: serving.default.release.name)
        self._photos = photos
        self._ingest = ingest
        self._serving = serving
        self._operations = operations
        self._import_dir = import_dir
        self._uploads = uploads
        self.job = DiscoveryJob(serving, self.store, ingest, self._open)
        operations.register(METHOD, self.job)

    def start(self, source: Source, options: DiscoveryOptions, *, request_id: str = "") -> Operation:
        """Begins a discovery, which has the id of its operation.

        Args:
            source: Where the photos are.
            options: How photos become proposals.
            request_id: A repeat gets the same operation.

        Raises:
            NotFoundError: If there is no such upload or folder.
            FailedPreconditionError: If folders may not be named.
            InvalidArgumentError: If the folder is none below the import folder, or the request id is none.
        """
        with ExitStack() as opened:  # what cannot be opened is said at once
            upload = opened.enter_context(self._uploads.opened(source.upload)) if source.upload else None
            opened.enter_context(closing(open_source(upload, source.folder, self._import_dir)))
        arguments = {"source": dict(source.to_json()), "options": options.to_json()}
        return self._operations.begin(METHOD, arguments, request_id=request_id)

    def delete(self, discovery_id: str) -> None:
        """Forgets a discovery, and deletes its photos unless they are reference images by now.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If its operation is queued or running.
        """
        try:
            operation = self._operations.store.get(discovery_id)
        except NotFoundError:  # operations are forgotten before discoveries are
            pass
        else:
            if not operation.finished:
                raise FailedPreconditionError(
                    f"{operation.name} is {operation.state}; cancel it, then delete {discovery_name(discovery_id)}",
                    resource=operation.name,
                )
        self._ingest.shelf.discard_unused(self.store.delete(discovery_id))

    def photo(self, discovery_id: str, number: int) -> tuple[bytes, str]:
        """A photo without metadata, and its media type.

        Raises:
            NotFoundError: If there is no such photo.
            DataLossError: If its file is missing or damaged.
            FailedPreconditionError: If its metadata cannot be told from its pixels.
        """
        photo = self.store.photo(discovery_id, number)
        try:
            return without_metadata(self._photos.get(photo.sha256)), photo.media_type
        except ImageError as error:
            raise FailedPreconditionError(
                f"the metadata of {photo.item} cannot be taken out: {error.message}"
            ) from error

    def thumbnail(self, discovery_id: str, number: int) -> bytes:
        """A photo made small, as a JPEG without metadata. Errors as for :meth:`photo`."""
        return self._ingest.thumbnails.of(self.store.photo(discovery_id, number).sha256)

    def accept(
        self,
        discovery_id: str,
        number: int,
        target: LandmarkDraft | str,
        *,
        landmark_id: str = "",
        photos: Sequence[int] = (),
        request_id: str = "",
    ) -> Acceptance:
        """As :meth:`Decisions.accept`; the images are searchable when this returns.

        Raises:
            UnavailableError: If they are stored but not searchable yet.
            SteepleError: As there.
        """
        accepted = self.decisions.accept(
            discovery_id, number, target, landmark_id=landmark_id, photos=photos, request_id=request_id
        )
        self._serving.catch_up()
        return accepted

    @contextmanager
    def _open(self, source: Source, check: Callable[[], None]) -> Iterator[FileSource]:
        with ExitStack() as opened:
            upload = opened.enter_context(self._uploads.local(source.upload, check)) if source.upload else None
            yield opened.enter_context(closing(open_source(upload, source.folder, self._import_dir)))
