"""A server on which there is one of everything that requests can name."""

from __future__ import annotations

import asyncio
import io
import zipfile
from pathlib import Path
from typing import Any

from steeple.server.access import Scope
from steeple.server.catalogue import audit
from steeple.server.catalogue.pages import ListRequest
from steeple.server.discovery import DiscoveryOptions, Source
from steeple.server.engine import Engine
from steeple.server.importing import ImportOptions
from steeple.server.operations import Operation, OperationState
from steeple.server.packs import PackSettings
from steeple.server.uploads import Upload
from steeple.server.views import ViewCollection, ViewDraft, Viewer
from steeple.v1.visual_search_service_pb2 import IdentifyRequest, Query
from tests.fuzz.known import Known
from tests.fuzz.people_requests import PASSWORD

from .conftest import Running
from .test_discovery import write_photos

FOLDER = "heap"
PATIENCE = 120.0
SIZE_TO_COME = 10_000_000


def write_import_folder(folder: Path) -> Path:
    """Two views of one building, and a manifest that says so, in a folder below; the folder itself is returned."""
    photos = write_photos(folder / FOLDER)
    lines = ["photo,landmark", *(f"{name},mill" for name in photos)]
    (folder / FOLDER / "manifest.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


async def make_known(running: Running, photo: bytes, *, metadata: Any = None) -> Known:
    """Makes one of each; what jobs hold once they have run, they hold then.

    Args:
        running: A server that keeps queries, with an import folder of :func:`write_import_folder`.
        photo: To search with; of no landmark.
        metadata: Of a key that may search.
    """
    engine = await running.server.ready()
    assert running.settings.import_dir is not None
    query = await _kept(running, engine, photo, metadata)
    return await asyncio.to_thread(_made, engine, running.settings.import_dir / FOLDER, query)


async def settle(running: Running) -> list[Operation]:
    """All operations, once nothing is left to do."""
    engine = await running.server.ready()
    unfinished = (OperationState.QUEUED, OperationState.RUNNING)
    while found := engine.operations.store.list(1, states=unfinished).items:
        waited = await asyncio.to_thread(engine.operations.wait, found[0].id, PATIENCE)
        assert waited.finished, f"{waited.method} does not end"
    listed: list[Operation] = []
    token = ""
    while True:
        page = engine.operations.store.list(1000, token)
        listed += page.items
        if not (token := page.next_page_token):
            return listed


async def _kept(running: Running, engine: Engine, photo: bytes, metadata: Any) -> str:
    await running.search.Identify(IdentifyRequest(query=Query(image=photo)), metadata=metadata)
    engine.review.keeper.settle()
    return engine.review.list(ListRequest()).items[0].name


def _made(engine: Engine, folder: Path, query: str) -> Known:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    upload = engine.uploads.create("photos.zip", len(content.getvalue()))
    writer = engine.uploads.begin(upload.id)
    writer.write(0, content.getvalue())
    writer.end()
    to_come: Upload = engine.uploads.create("more.zip", SIZE_TO_COME)
    _done(engine, engine.photo_import.begin(ImportOptions(folder=FOLDER)))
    exported = _done(engine, engine.transfers.begin_export())
    snapshot = _done(engine, engine.snapshots.create())
    discovery = _done(engine, engine.discoveries.start(Source(folder=FOLDER), DiscoveryOptions())).results["discovery"]
    discovery_id = discovery.removeprefix("discoveries/")
    (proposal,) = engine.discoveries.store.proposals(discovery_id).items
    whole = engine.discoveries.store.proposal(discovery_id, proposal.number)
    pack = _done(engine, engine.packs.create("all", PackSettings("All there is")))
    return Known(
        key=engine.keyring.store.create("A phone", Scope.READER).key.name,
        person=engine.sign_ins.create("ada", "Ada", Scope.READER, password=PASSWORD).name,
        upload=upload.name,
        unfinished_upload=to_come.name,
        operation=exported.name,
        file=exported.results["file"],
        snapshot=snapshot.results["snapshot"],
        query=query,
        discovery=discovery,
        proposal=proposal.name,
        photo=f"{discovery}/photos/{whole.photos[0].number}",
        pack=pack.results["pack"],
        folder=FOLDER,
        event=audit.event_name(audit.events(engine.catalogue.database, resource="landmarks/tower").items[-1].id),
        view=engine.views.create(
            ViewDraft("Few photos", ViewCollection.LANDMARKS), Viewer(audit.OPEN, Scope.ADMIN)
        ).name,
    )


def _done(engine: Engine, operation: Operation) -> Operation:
    done = engine.operations.wait(operation.id, PATIENCE)
    assert done.error_message == ""
    return done
