"""A restored server answers as the one that the snapshot was made of."""

from __future__ import annotations

import errno
import hashlib
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.delf.photo_metadata import without_metadata
from steeple.errors import (
    DataLossError,
    FailedPreconditionError,
    NotFoundError,
    ResourceExhaustedError,
    SnapshotError,
    UnavailableError,
)
from steeple.server import access
from steeple.server.catalogue import Catalogue, LandmarkDraft, audit
from steeple.server.catalogue.index_identity import identity_of
from steeple.server.catalogue.pages import ListRequest
from steeple.server.data_dir import DataDir
from steeple.server.discovery import DiscoveryOptions, Source
from steeple.server.engine import Engine
from steeple.server.operations import OperationState, OperationStore
from steeple.server.shared_index.states import SharedState, SharedStates
from steeple.server.snapshots import jobs, manifest, swap
from steeple.server.snapshots.files import photo_path
from steeple.server.snapshots.restoring import METHOD, check, restore
from tests.server.conftest import MakeFeatures, MakePhoto
from tests.server.kept import faiss_keeper

from .conftest import PATIENCE, OpenEngine, take


def answers(engine: Engine, queries: list[FeatureSet | bytes]) -> list[Any]:
    """All that an answer says, without how long it took."""
    found = [engine.identify(query, max_candidates=5) for query in queries]
    return [
        (one.identified, [(each.landmark, each.image.id, each.recognised.confidence) for each in one.candidates])
        for one in found
    ]


def test_answers_keys_audit_and_operations_come_back(
    placed: Engine, open_engine: OpenEngine, tmp_path: Path, make_photo: MakePhoto, make_features: MakeFeatures
) -> None:
    engine = placed
    engine.ingest.create_image("b", make_features(7), image_id="features")
    engine.ingest.delete_image("a", "image-1")
    key = engine.keyring.store.create("Ada", access.Scope.ADMIN)
    queries: list[FeatureSet | bytes] = [make_photo(0), make_photo(11), make_photo(5), make_features(7)]
    expected = answers(engine, queries)
    assert [one[0] for one in expected] == [True, True, False, True]
    operation = engine.snapshots.create()
    engine.operations.wait(operation.id, PATIENCE)  # two are made side by side, and this one's end is asked below
    taken = take(engine, keep=1)
    engine.ingest.delete_landmark("a", force=True)

    done = restore(taken.kept, tmp_path / "other")

    assert (done.landmark_count, done.reference_image_count, done.photo_count) == (2, 5, 4)
    other = open_engine("other")
    assert answers(other, queries) == expected
    other.keyring.reload()
    assert other.keyring.store.get(key.key.id).display_name == "Ada"
    assert other.ingest.photo("b", "image-1")[0] == make_photo(11)
    other.ingest.undelete_image("a", "image-1")
    assert other.identify(make_photo(1), max_candidates=1).identified, "photos of what is kept come along"
    states = {one.id: (one.state, one.error_status) for one in other.operations.store.list().items}
    assert states[taken.snapshot.id] == (OperationState.FAILED, "ABORTED")
    assert states[operation.id] == (OperationState.SUCCEEDED, "")
    first = audit.events(other.catalogue.database).items[0]
    assert (first.method, first.resource, first.actor) == (METHOD, taken.snapshot.name, audit.LOCAL)


def test_photos_that_only_a_discovery_has_come_along(
    open_engine: OpenEngine, filled: Path, tmp_path: Path, make_photo: MakePhoto
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    (tmp_path / "import" / "heap").mkdir(parents=True)
    (tmp_path / "import" / "heap" / "1.jpg").write_bytes(make_photo(30))
    engine = open_engine(import_dir=tmp_path / "import")
    operation = engine.discoveries.start(Source(folder="heap"), DiscoveryOptions())
    assert engine.operations.wait(operation.id, PATIENCE).state is OperationState.SUCCEEDED
    (photo,) = engine.discoveries.store.photos(operation.id)
    taken = take(engine)
    assert (taken.snapshot.photo_count, taken.snapshot.missing_photo_count) == (5, 0)
    restore(taken.kept, tmp_path / "other")
    assert open_engine("other").discoveries.photo(operation.id, photo.number)[0] == without_metadata(make_photo(30))


def test_a_restored_catalogue_is_another_to_engines_that_keep_indexes(
    engine: Engine, open_engine: OpenEngine, tmp_path: Path
) -> None:
    made = identity_of(engine.catalogue.database)
    with SharedStates(engine.catalogue.database, engine.release.name).locked() as held:
        held.begin()
        held.state = replace(held.state, generation=3, sequence=4)
    restore(take(engine).kept, tmp_path / "other")
    other = open_engine("other").catalogue.database
    assert identity_of(other) != made
    assert SharedStates(other, engine.release.name).read() == SharedState()
    with SharedStates(other, engine.release.name).locked() as held:
        assert held.begin(), "no attempt of the past is in doubt"


def test_kept_queries_stay_behind(
    open_engine: OpenEngine, filled: Path, tmp_path: Path, make_features: MakeFeatures, snapshots_dir: str
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    engine, stranger = open_engine(keep_queries="all", snapshots_dir=snapshots_dir), make_features(99)
    of_call = engine.review.keeper.call("", "the-request")
    of_call.answered(stranger, engine.identify(stranger, max_candidates=1), no_keep=False)
    of_call.close()
    engine.review.keeper.settle()
    assert [query.request_id for query in engine.review.list(ListRequest()).items] == ["the-request"]
    taken = take(engine)
    contents = [taken.content(name) for name in taken.names()]
    assert not any(b"the-request" in data or wire.pack(stranger).descriptors in data for data in contents)
    restore(taken.kept, tmp_path / "other")
    assert open_engine("other", keep_queries="all").review.list(ListRequest()).items == ()


def test_the_index_need_not_be_built(
    placed: Engine, open_engine: OpenEngine, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = placed
    with_index, without = take(engine), take(engine, without_index=True)
    assert (with_index.snapshot.has_index, without.snapshot.has_index) == (True, False)
    for taken, said in ((with_index, "the saved index was restored"), (without, "the index was built")):
        restore(taken.kept, tmp_path / taken.snapshot.id)
        caplog.clear()
        with caplog.at_level("INFO"):
            opened = open_engine(taken.snapshot.id)
        assert said in caplog.messages
        assert faiss_keeper(opened).index.keys() == faiss_keeper(engine).index.keys()


def test_photos_share_their_space_unless_copies_are_asked_for(engine: Engine, tmp_path: Path) -> None:
    linked, copied = take(engine), take(engine, copy_photos=True)
    photos = sum(file.stat().st_size for file in (linked.folder / "images").rglob("*") if file.is_file())
    assert copied.snapshot.copied_bytes - linked.snapshot.copied_bytes == photos
    for file in (linked.folder / "images").rglob("*"):
        if file.is_file():
            name = file.relative_to(linked.folder)
            assert file.samefile(tmp_path / "data" / name)
            assert not (copied.folder / name).samefile(file)
            assert (copied.folder / name).read_bytes() == file.read_bytes()


def test_the_old_data_goes_once_the_new_has_been_opened(
    engine: Engine, open_engine: OpenEngine, tmp_path: Path, make_photo: MakePhoto, caplog: pytest.LogCaptureFixture
) -> None:
    taken, data = take(engine), tmp_path / "data"
    engine.ingest.delete_landmark("b", force=True)
    engine.catalogue.create_landmark(LandmarkDraft("C"), landmark_id="c")
    with pytest.raises(FailedPreconditionError, match="in use by another server"):
        restore(taken.kept, data)
    engine.close()
    restore(taken.kept, data)
    restore(taken.kept, data)  # before it was opened
    assert (data / swap.PREVIOUS / "catalogue.db").exists()
    assert (data / f"{swap.PREVIOUS}-2" / "catalogue.db").exists()
    again = open_engine()
    assert f"the data was restored from {taken.snapshot.name}" in caplog.text
    assert [one.id for one in again.catalogue.list_landmarks().items] == ["a", "b"]
    swap.forget_previous(data)  # which upkeep does
    assert sorted(file.name for file in data.glob("*restore*")) == []
    assert [one.id for one in again.snapshots.store.all()] == [taken.snapshot.id], "snapshots stay"
    assert again.ingest.photo("b", "image-0")[0] == make_photo(10)
    again.ingest.delete_landmark("a", force=True)
    assert check(taken.kept) == taken.snapshot, "what is deleted in the data stays in the snapshot"


def test_lost_photos_are_told_and_left_out(placed: Engine, tmp_path: Path, make_photo: MakePhoto) -> None:
    lost, cut = (hashlib.sha256(make_photo(number)).hexdigest() for number in (0, 1))
    (tmp_path / "data" / photo_path(lost)).unlink()
    with (tmp_path / "data" / photo_path(cut)).open("r+b") as file:
        file.truncate(100)
    taken = take(placed)
    assert (taken.snapshot.photo_count, taken.snapshot.missing_photo_count) == (2, 2)
    problems = placed.operations.store.problems(taken.snapshot.id).items
    assert {(problem.item, problem.status) for problem in problems} == {(lost, "DATA_LOSS"), (cut, "DATA_LOSS")}
    assert restore(taken.kept, tmp_path / "other") == taken.snapshot


def test_the_list_of_files_is_one_that_others_can_check(engine: Engine) -> None:
    taken = take(engine)
    tool = shutil.which("sha256sum") or "shasum"
    run = subprocess.run([tool, "-c", "SHA256SUMS"], cwd=taken.folder, capture_output=True, text=True, check=True)
    assert len(run.stdout.splitlines()) == taken.snapshot.files
    there = {file.name for file in taken.folder.iterdir()}
    assert there == {"SHA256SUMS", "snapshot.json", "catalogue.db", "images", "index"}


def test_newer_snapshots_ask_for_a_newer_steeple(placed: Engine, tmp_path: Path) -> None:
    taken = take(placed)
    taken.change(manifest.MANIFEST, manifest.rendered(replace(taken.snapshot, schema="9999", version="99.0")))
    with pytest.raises(FailedPreconditionError, match=r"made by Steeple 99\.0, .* install a newer Steeple"):
        restore(taken.kept, tmp_path / "other")
    facts = {"format": 2, "version": "99.0"}
    taken.change(manifest.MANIFEST, manifest._rendered(facts))
    with pytest.raises(FailedPreconditionError, match=r"format 2, made by Steeple 99\.0; this version reads 1"):
        restore(taken.kept, tmp_path / "other")
    assert placed.snapshots.store.get(taken.snapshot.id).damage.startswith("the snapshot in")
    assert not (tmp_path / "other").exists()


def test_a_verification_names_what_is_damaged(placed: Engine) -> None:
    engine, taken = placed, take(placed)
    taken.change("catalogue.db", None)
    operation = engine.operations.wait(engine.snapshots.verify(taken.snapshot.id).id, PATIENCE)
    assert (operation.state, operation.error_status, operation.problem_count) == (OperationState.FAILED, "DATA_LOSS", 1)
    assert "catalogue.db: it is missing" in operation.error_message
    with pytest.raises(NotFoundError, match="there is no snapshots/none"):
        engine.snapshots.verify("none")


def test_a_damaged_journal_is_not_guessed_at(engine: Engine, tmp_path: Path, open_engine: OpenEngine) -> None:
    taken = take(engine)
    restore(taken.kept, tmp_path / "other")
    (tmp_path / "other" / swap.JOURNAL).write_bytes(b"{}")
    with pytest.raises(DataLossError, match="restore into an empty folder"):
        open_engine("other")
    (tmp_path / "other" / swap.JOURNAL).unlink()
    assert open_engine("other").catalogue.image_count() == 4


def test_old_snapshots_are_not_kept(placed: Engine) -> None:
    engine = placed
    first, second, third = (take(engine, without_index=True) for _ in range(3))
    assert [one.id for one in engine.snapshots.store.all()] == [
        third.snapshot.id,
        second.snapshot.id,
        first.snapshot.id,
    ]
    second.change(manifest.MANIFEST, b"{}")
    fourth = take(engine, without_index=True, keep=2)
    found = engine.snapshots.store.all()
    assert [one.id for one in found] == [fourth.snapshot.id, third.snapshot.id, second.snapshot.id]
    assert [bool(one.damage) for one in found] == [False, False, True], "what cannot be read is not counted"
    events = audit.events(engine.catalogue.database).items
    deleted = [one.resource for one in events if "DeleteSnapshot" in one.method and one.resource.startswith("snap")]
    assert deleted == [first.snapshot.name]
    engine.snapshots.delete(second.snapshot.id)
    with pytest.raises(NotFoundError):
        second.kept.manifest()
    with pytest.raises(NotFoundError):
        engine.snapshots.delete(second.snapshot.id)
    assert engine.snapshots.store.prune(0) == []
    third.change(manifest.MANIFEST, third.content(manifest.MANIFEST)[:-2])
    with pytest.raises(SnapshotError):
        third.kept.manifest()


def test_an_operation_that_was_interrupted_makes_one_snapshot(
    placed: Engine, open_engine: OpenEngine, tmp_path: Path, snapshots_dir: str
) -> None:
    placed.close()
    arguments = {"copy_photos": False, "without_index": True, "keep": 0}
    with closing(Catalogue.open(f"sqlite:///{tmp_path / 'data' / 'catalogue.db'}")) as catalogue:
        begun = OperationStore(catalogue.database).create(jobs.CREATE, arguments)
    for _ in range(2):
        again = open_engine(snapshots_dir=snapshots_dir)
        made = again.operations.wait(begun.id, PATIENCE)
        assert (made.state, made.results["photos"]) == (OperationState.SUCCEEDED, "4")
        assert [one.id for one in again.snapshots.store.all()] == [begun.id]
        again.close()
        # As if the server had died before it noted down the end.
        with closing(sqlite3.connect(tmp_path / "data" / "catalogue.db")) as database, database:
            database.execute("UPDATE operation SET state = 'RUNNING', results = '{}'")


def test_a_restore_that_fails_leaves_the_old_data(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    taken, other = take(engine), tmp_path / "other"
    with monkeypatch.context() as full:
        full.setattr("shutil.copyfileobj", fill_up)
        with pytest.raises(ResourceExhaustedError, match=r"nothing was restored into .* No space left"):
            restore(taken.kept, other)
    assert {file.name for file in other.iterdir()} == {"server.lock", "index"}
    (other / swap.STAGED).touch()  # nothing of ours
    with pytest.raises(FailedPreconditionError, match="cannot be used: a restore cannot be brought to its end"):
        restore(taken.kept, other)
    (other / swap.STAGED).unlink()
    with monkeypatch.context() as broken:
        broken.setattr("pathlib.Path.rename", fill_up)
        with pytest.raises(UnavailableError, match=r"was interrupted .* restore again"):
            restore(taken.kept, other)
    DataDir(other).close()
    assert (other / "catalogue.db").exists(), "what was begun is brought to its end"


def test_one_that_waits_for_another_can_be_cancelled(placed: Engine) -> None:
    engine = placed
    with engine.catalogue.database.locks.alone("snapshots"):  # as if one were being made
        waits = engine.snapshots.create()
        engine.operations.cancel(waits.id)
        assert engine.operations.wait(waits.id, PATIENCE).state is OperationState.CANCELLED
    assert engine.snapshots.store.all() == []


def test_where_nothing_can_be_linked_all_is_copied(
    engine: Engine, open_engine: OpenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr("os.link", refuse)
    taken = take(engine)
    assert taken.snapshot.copied_bytes == taken.snapshot.size_bytes
    restore(taken.kept, tmp_path / "other")
    assert faiss_keeper(open_engine("other")).index.keys() == faiss_keeper(engine).index.keys()


def test_photos_in_a_bucket_are_fetched(
    filled: Path, open_engine: OpenEngine, tmp_path: Path, make_photo: MakePhoto
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    engine = open_engine(images_url="memory://bucket")
    for file in (filled / "images").glob("??/??/*"):
        engine.snapshots._source.photos.put(file.read_bytes())
    shutil.rmtree(tmp_path / "data" / "images")
    restore(take(engine).kept, tmp_path / "other")
    assert open_engine("other").ingest.photo("a", "image-0")[0] == make_photo(0)
