"""All that the API does with packs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection

from steeple.delf.release import ModelRelease
from steeple.server.catalogue import Catalogue
from steeple.server.catalogue.requests import check_request_id
from steeple.server.files import FileStore
from steeple.server.ingest import Ingest
from steeple.server.operations import Operation, OperationRunner
from steeple.server.packs import selection
from steeple.server.packs.making import PACK, SETTINGS, PackMaking
from steeple.server.packs.records import PackSettings, PackState, PublishedPack
from steeple.server.packs.store import PackStore
from steeple.server.serving import Serving

_CREATE: Final = "steeple.v1.PackService/CreatePack"
_REFRESH: Final = "steeple.v1.PackService/RefreshPack"
_EXPORT: Final = "steeple.v1.PackService/ExportPack"


class Packs:
    """Packs of a server's catalogue. Thread safe.

    Args:
        catalogue: The server's.
        ingest: The server's.
        serving: The model releases; packs have features of the default one.
        operations: That make them; not started yet.
        files: Where the files are of those that are published.

    Attributes:
        store: To read those that are published.
        making: That makes them.
    """

    def __init__(
        self, catalogue: Catalogue, ingest: Ingest, serving: Serving, operations: OperationRunner, files: FileStore
    ) -> None:
        self.store = PackStore(catalogue.database, files)
        self.store.tidy()
        self._catalogue = catalogue
        self._serving = serving
        self._operations = operations
        self.making = PackMaking(catalogue, ingest, lambda: serving.default, self.store)
        operations.register(_CREATE, self.making.publish)
        operations.register(_REFRESH, self.making.publish)
        operations.register(_EXPORT, self.making.export)
        self._lock = threading.Lock()
        self._mark: tuple[object, ...] = ()  # of the state that the next is of
        self._contents: dict[str, str] = {}  # what packs would be made of, by their files

    def create(self, pack_id: str, settings: PackSettings, *, request_id: str = "") -> Operation:
        """Begins to make a pack, and to publish it in the place of the one of that id, if there is one.

        Raises:
            FailedPreconditionError: If no landmark would be in it.
        """
        return self._begin(_CREATE, {PACK: pack_id, SETTINGS: settings.to_json()}, settings, request_id)

    def refresh(self, pack_id: str, *, request_id: str = "") -> Operation:
        """Begins to make a pack anew, with the settings that it has.

        Raises:
            NotFoundError: If there is none of that id.
            FailedPreconditionError: If no landmark would be in it.
        """
        return self._begin(_REFRESH, {PACK: pack_id}, self.store.get(pack_id).settings, request_id)

    def export(self, pack_id: str, settings: PackSettings, *, request_id: str = "") -> Operation:
        """Begins to make a pack that is not published.

        Raises:
            FailedPreconditionError: If no landmark would be in it.
        """
        return self._begin(_EXPORT, {PACK: pack_id, SETTINGS: settings.to_json()}, settings, request_id)

    def states(self, packs: Sequence[PublishedPack]) -> list[PackState]:
        """How packs stand to the catalogue as it is now."""
        release, lost = self._serving.default.release, self.store.lost(packs)
        with self._catalogue.database.read() as connection:
            mark = (*selection.mark(connection), release.name)

            def state(pack: PublishedPack) -> PackState:
                if pack.id in lost:
                    return PackState.LOST
                same = self._content(connection, mark, pack, release) == pack.content
                return PackState.CURRENT if same else PackState.STALE

            return [state(pack) for pack in packs]

    def _begin(self, method: str, arguments: Mapping[str, Any], settings: PackSettings, request_id: str) -> Operation:
        check_request_id(request_id)
        self.making.check(settings)  # said at once, not only in the end
        return self._operations.begin(method, arguments, request_id=request_id)

    def _content(
        self, connection: Connection, mark: tuple[object, ...], pack: PublishedPack, release: ModelRelease
    ) -> str:
        """What a pack would be made of now; found anew only once the catalogue has changed: any phone may ask."""
        with self._lock:
            if mark != self._mark:
                self._mark, self._contents = mark, {}
            if pack.file in self._contents:
                return self._contents[pack.file]
        content = selection.select_for(connection, pack.settings, release).content
        with self._lock:
            if mark == self._mark:
                self._contents[pack.file] = content
        return content
