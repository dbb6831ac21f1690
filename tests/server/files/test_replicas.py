"""Two servers on one PostgreSQL and one bucket: what comes through one is there for the other."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import AbortedError, DataLossError, FailedPreconditionError, NotFoundError
from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.catalogue.pages import ListRequest
from steeple.server.engine import Engine
from steeple.server.files import SharedFiles
from steeple.server.importing.options import ImportOptions
from steeple.server.operations import Operation, OperationState, result_files
from steeple.server.packs import PackSettings, PackState
from steeple.server.packs.records import pack_restriction
from steeple.server.review import QueryVerdict
from steeple.server.review.records import QueryDraft
from steeple.server.settings import Settings
from steeple.server.storage import StorageKind
from steeple.server.transfer import ExistingPolicy
from steeple.server.uploads import Uploads

pytestmark = pytest.mark.engines

ROOT = Path(__file__).resolve().parents[3]
DATA = np.random.default_rng(1).bytes(15 << 20)

MakeFeatures = Callable[..., FeatureSet]


@pytest.fixture
def engines(tmp_path: Path, postgres_url: str, bucket_url: str) -> Iterator[tuple[Engine, Engine]]:
    """Two servers of one catalogue, each with a data folder of its own."""
    shared = {
        "database_url": postgres_url,
        "files_url": f"{bucket_url}/files",
        "images_url": str(tmp_path / "images"),
        "keep_queries": "all",
    }
    opened = []
    try:
        for name in ("one", "other"):
            opened.append(Engine(Settings.load(None, data_dir=tmp_path / name, **shared)))
        yield opened[0], opened[1]
    finally:
        for engine in opened:
            engine.close()


def finished(engine: Engine, operation: Operation) -> Operation:
    """The operation at its end, which must be a success."""
    done = engine.operations.wait(operation.id, 60.0)
    assert done.state is OperationState.SUCCEEDED, done.error_message
    return done


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_an_upload_goes_on_through_another_server(tmp_path: Path, postgres_url: str, bucket_url: str) -> None:
    (tmp_path / "content").write_bytes(DATA)
    digest, request_id, files_url = hashlib.sha256(DATA).hexdigest(), str(uuid4()), f"{bucket_url}/files"
    with Catalogue.open(postgres_url) as catalogue:

        def start(name: str) -> Uploads:
            files = SharedFiles(files_url, tmp_path / name).of("uploads")
            return Uploads(catalogue.database, files, tmp_path / name / "copies", 1 << 40)

        one, other = start("one"), start("other")
        upload = one.create("a.zip", len(DATA), digest, request_id=request_id)
        assert other.create("a.zip", len(DATA), request_id=request_id) == upload
        late = one.begin(upload.id)
        late.write(0, b"x" * 1000)
        arguments = [postgres_url, files_url, str(tmp_path / "third"), upload.id, str(tmp_path / "content")]
        worker = [sys.executable, "-W", "ignore", "-m", "tests.server.files.kill_worker"]
        assert subprocess.run([*worker, *arguments], cwd=ROOT, check=False).returncode == -9
        committed = other.get(upload.id).committed_bytes
        assert committed == 8 << 20, "what was committed, and no more"
        writer = other.begin(upload.id)
        with pytest.raises(FailedPreconditionError, match=f"at offset {committed}"):
            writer.write(10 << 20, b"1")
        writer.write(committed, DATA[committed:])
        with pytest.raises(AbortedError):
            late.end()
        assert writer.end().complete
        assert one.held() == (len(DATA), 1)
        for server in (one, other):
            with server.local(upload.id) as path:
                assert path.read_bytes() == DATA
            with server.opened(upload.id) as reader:
                assert not isinstance(reader, Path)
                assert reader.readall() == DATA
        assert files_in(tmp_path / "one" / "copies") == []
        assert sum(file.size_bytes for file in SharedFiles(files_url, tmp_path).of("uploads").listed()) == len(DATA)
        one.delete(upload.id)
        with pytest.raises(NotFoundError):
            other.begin(upload.id)
        assert SharedFiles(files_url, tmp_path).of("uploads").listed() == []


def test_what_operations_make_and_read(
    engines: tuple[Engine, Engine], tmp_path: Path, make_features: MakeFeatures
) -> None:
    one, other = engines
    # An export: made by one, downloaded through the other.
    one.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    one.ingest.create_image("tower", make_features(1), image_id="i")
    done = finished(one, one.transfers.begin_export())
    made = result_files.of(other.operations.store.get(done.id), "catalogue.zip", other.operations.files)
    archive = b""
    while len(archive) < made.size_bytes:  # as one that is interrupted again and again
        with made.open(len(archive)) as file:
            archive += file.read(1000)
    assert hashlib.sha256(archive).hexdigest() == done.results["file_sha256"]
    assert files_in(tmp_path / "one" / "operations") == [], "it is kept once"
    kinds = {part.kind: part for part in other.storage.measured().result(60).parts}
    assert kinds[StorageKind.OPERATIONS].size_bytes == len(archive)

    # An import: of an archive whose halves come through both.
    upload = one.uploads.create("catalogue.zip", len(archive))
    for engine, start, end in ((one, 0, 1000), (other, 1000, len(archive))):
        writer = engine.uploads.begin(upload.id)
        writer.write(start, archive[start:end])
        writer.end()
    for engine in engines:
        done = finished(engine, engine.transfers.begin_import(upload.id, ExistingPolicy.SKIP))
    manifest = b"landmark,display_name\ncastle,Castle\n"
    listed = one.uploads.create("landmarks.csv", len(manifest))
    writer = one.uploads.begin(listed.id)
    writer.write(0, manifest)
    writer.end()
    finished(other, other.photo_import.begin(ImportOptions(upload=listed.id)))
    assert one.catalogue.get_landmark("castle").display_name == "Castle"

    # What was made goes with its operation, and nobody's files go by themselves.
    assert [engine.uploads.sweep() for engine in engines] == [0, 0]
    for operation in other.operations.store.list().items:
        other.operations.delete(operation.id)
    assert one.operations.files.listed() == []
    with pytest.raises(DataLossError, match="missing or incomplete"):
        made.open(0)
    assert files_in(tmp_path / "other" / "operations") == []


def test_packs_and_kept_queries(engines: tuple[Engine, Engine], make_features: MakeFeatures) -> None:
    one, other = engines
    one.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    one.ingest.create_image("tower", make_features(1), image_id="i")
    settings = PackSettings("All", pack_restriction(None, 0.0, {}, []))
    finished(one, one.packs.create("all", settings))
    pack = other.packs.store.get("all")
    with other.packs.store.open("all", 0, pack.sha256) as file:
        content = file.readall()
    assert hashlib.sha256(content).hexdigest() == pack.sha256
    with other.packs.store.open("all", 1000) as file:
        assert file.readall() == content[1000:]
    assert other.packs.states([pack]) == other.packs.states([pack, pack])[:1] == [PackState.CURRENT]
    finished(other, other.packs.refresh("all"))
    with pytest.raises(FailedPreconditionError, match="made anew"):
        one.packs.store.open("all", 1000, "0" * 64)
    files = one.packs.store.files
    assert [file.name for file in files.listed()] == [one.packs.store.get("all").file]
    files.delete([one.packs.store.get("all").file])
    assert one.packs.states([one.packs.store.get("all")] * 2) == [PackState.LOST] * 2
    one.packs.store.delete("all")

    def draft(number: int) -> QueryDraft:
        features = make_features(number)
        return QueryDraft(features, one.identify(features, max_candidates=1), "", "", datetime.now(UTC))

    early = draft(5)
    for number in (6, 7):
        one.review.keeper.offer(draft(number))
    one.review.keeper.settle()
    queries = other.review.list(ListRequest(10, "", "", "")).items
    assert len(queries) == 2
    for query in queries:
        _, source = other.review.source(query.id)
        assert isinstance(source, FeatureSet)
    other.review.review(queries[0].id, QueryVerdict.LANDMARK, "tower")
    assert one.review.get(queries[0].id).reviewed_landmark_id == "tower"
    one.query_groups.group()
    assert one.query_groups.remembered == 2
    assert other.review.erase(names=[queries[0].id]) == 1
    with pytest.raises(NotFoundError):
        one.review.source(queries[0].id)
    one.query_groups.forget_erased()
    assert one.query_groups.remembered == 1
    assert other.review.erase(every=True) == 1
    one.review.keeper.offer(early)  # was answered before, and is written only now
    one.review.keeper.settle()
    assert one.review.keeper.counts == {"kept": 2, "dropped": 1, "failed": 0}
    assert other.review.list(ListRequest(10, "", "", "")).items == ()
    assert one.review.files.sweep(lambda: ()) == 0
    assert not any(one.review.files.has(query.id) for query in queries)
