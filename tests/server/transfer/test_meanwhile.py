"""What goes on in a server while its catalogue is exported or filled."""

from __future__ import annotations

import json
import zipfile

import pytest

from steeple.server.batch_ingest import BatchIngest
from steeple.server.catalogue import Catalogue, LandmarkDraft
from steeple.server.importing import ImportOptions
from steeple.server.operations import OperationState, Run
from tests.server.conftest import MakePhoto
from tests.server.kept import faiss_keeper

from .conftest import Exported, OpenEngine, finished, imported


def test_an_image_that_is_deleted_for_good_meanwhile_is_in_the_archive_with_its_photo(
    open_engine: OpenEngine, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine("first", deleted_retention_days=0)
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    engine.ingest.create_image("a", make_photo(1), image_id="one")
    image = engine.catalogue.get_image("a", "one")
    progress = Run.progress

    def deleting(run: Run, done: int, total: int = 0, step: str = "") -> None:
        if step.startswith("photos") and engine.catalogue.image_count():
            engine.ingest.delete_image("a", "one")
        progress(run, done, total, step)

    monkeypatch.setattr(Run, "progress", deleting)
    operation = finished(engine, engine.transfers.begin_export())
    assert engine.catalogue.image_count() == 0
    assert (operation.problem_count, operation.results["photos"]) == (0, "1")
    with zipfile.ZipFile(engine.operations.folder(operation.id) / "catalogue.zip") as archive:
        assert archive.read(f"photos/{image.sha256}.jpg") == make_photo(1)
    assert not list(engine.ingest.shelf.photos.digests()), "and then the photo goes"


def test_answers_that_were_not_saved_yet_are_in_the_archive(open_engine: OpenEngine, make_photo: MakePhoto) -> None:
    engine = open_engine("first")
    engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    engine.ingest.create_image("a", make_photo(1), image_id="one")
    assert engine.identify(make_photo(1), max_candidates=1).identified
    operation = finished(engine, engine.transfers.begin_export())
    with zipfile.ZipFile(engine.operations.folder(operation.id) / "catalogue.zip") as archive:
        (line,) = archive.read("images.jsonl").splitlines()
    assert json.loads(line)["identify_count"] == 1


def test_no_index_is_made_anew_while_images_are_added_by_the_thousand(
    exported: Exported, open_engine: OpenEngine, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = open_engine("second", import_dir=exported.path.parent)
    put_off: dict[str, list[bool]] = {"archive": [], "photos": []}
    restore, create = Catalogue.restore_image, BatchIngest.create

    def restoring(*given: object, **more: object) -> None:
        put_off["archive"].append(faiss_keeper(engine).puts_off_rebuilding)
        restore(*given, **more)  # type: ignore[arg-type]

    def creating(*given: object, **more: object) -> object:
        put_off["photos"].append(faiss_keeper(engine).puts_off_rebuilding)
        return create(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Catalogue, "restore_image", restoring)
    monkeypatch.setattr(BatchIngest, "create", creating)
    imported(engine, exported.path)
    (exported.path.parent / "more" / "tower").mkdir(parents=True, exist_ok=True)
    (exported.path.parent / "more" / "tower" / "1.jpg").write_bytes(make_photo(3))
    operation = engine.photo_import.begin(ImportOptions(folder="more"))
    assert engine.operations.wait(operation.id, 60.0).state is OperationState.SUCCEEDED
    assert all(put_off["archive"]), "while an archive is imported"
    assert all(put_off["photos"]), "while photos are imported"
    assert put_off["archive"]
    assert put_off["photos"]
    assert not faiss_keeper(engine).puts_off_rebuilding
