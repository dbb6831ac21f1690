from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

from steeple.delf import wire
from steeple.errors import CancelledError
from steeple.server.catalogue import audit, dump
from steeple.server.operations import OperationState, Run
from steeple.server.transfer import ExistingPolicy
from steeple.server.transfer.exporting import Export
from steeple.v1 import features_pb2
from tests.server.conftest import MakeFeatures

from .conftest import Exported, OpenEngine, ask, contents, finished, imported, problems


def test_what_is_imported_is_what_was_exported_and_is_found_the_same(
    exported: Exported, open_engine: OpenEngine
) -> None:
    """Answers, confidences, inliers and all points: to the last digit."""
    engine = open_engine("other")
    done = imported(engine, exported.path)
    assert done.state is OperationState.SUCCEEDED, done.error_message
    assert done.results == {"landmarks": "7", "images": "25", "skipped": "0", "extracted": "0", "without_photo": "0"}
    landmarks, images = contents(engine)
    assert landmarks == exported.landmarks
    assert images == exported.images
    assert any(image["identify_count"] for image in images), "counts are part of it"
    assert ask(engine) == exported.answers
    assert [told[0] for told in exported.answers] == [True, True, False]  # type: ignore[index]


def test_what_is_exported_again_is_the_same(exported: Exported, open_engine: OpenEngine) -> None:
    engine = open_engine("other")
    imported(engine, exported.path)
    again = finished(engine, engine.transfers.begin_export())
    with (
        zipfile.ZipFile(exported.path) as first,
        zipfile.ZipFile(engine.operations.folder(again.id) / "catalogue.zip") as second,
    ):
        assert first.namelist() == second.namelist()
        for name in first.namelist():
            if name != "steeple.json":
                assert first.read(name) == second.read(name), name
    assert {path.name for path in engine.operations.folder(again.id).iterdir()} == {"catalogue.zip"}


def test_the_archive_is_as_described(exported: Exported) -> None:
    with zipfile.ZipFile(exported.path) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("steeple.json"))
        landmarks = [json.loads(line) for line in archive.read("landmarks.jsonl").splitlines()]
        images = [json.loads(line) for line in archive.read("images.jsonl").splitlines()]
        assert (manifest["format"], manifest["format_version"]) == ("steeple-catalogue", 1)
        assert (manifest["landmark_count"], manifest["image_count"], manifest["photo_count"]) == (7, 25, 2)
        assert [model["name"] for model in manifest["models"]] == ["delf-lite2-v1"]
        assert [each["id"] for each in landmarks] == [*(f"landmark-{number}" for number in range(6)), "empty"]
        assert [each["active"] for each in landmarks].count(False) == 1
        for image in images:
            data = archive.read(image["features"])
            assert hashlib.sha256(data).hexdigest() == image["features_sha256"]
            features = wire.unpack(features_pb2.FeatureSet.FromString(data))
            assert (features.model, len(features)) == (image["model"], image["feature_count"])
            if image["sha256"]:
                assert image["photo"] == f"photos/{image['sha256']}.jpg"
                assert hashlib.sha256(archive.read(image["photo"])).hexdigest() == image["sha256"]
                assert archive.getinfo(image["photo"]).compress_type == zipfile.ZIP_STORED
        assert not any("deleted" in name for name in archive.namelist())
    assert exported.results["file_sha256"] == hashlib.sha256(exported.path.read_bytes()).hexdigest()
    assert exported.results["file_size_bytes"] == str(exported.path.stat().st_size)


def test_without_photos_images_have_only_their_features(
    exported: Exported, open_engine: OpenEngine, tmp_path: Path
) -> None:
    first, second = open_engine("first"), open_engine("second")
    imported(first, exported.path)
    done = finished(first, first.transfers.begin_export(with_photos=False))
    assert done.results["photos"] == "0"
    path = first.operations.folder(done.id) / "catalogue.zip"
    assert path.stat().st_size < exported.path.stat().st_size
    done = imported(second, path)
    assert (done.results["images"], done.results["without_photo"]) == ("25", "3")
    assert not any(image["sha256"] or image["photo"] for image in contents(second)[1])
    done = imported(first, path)  # where the photos are, they stay
    assert (done.state, done.results["without_photo"]) == (OperationState.SUCCEEDED, "0")
    assert contents(first)[1] == exported.images
    done = imported(second, exported.path)  # and where they are not, that is a difference
    assert (done.state, done.error_status) == (OperationState.FAILED, "ALREADY_EXISTS")
    imported(second, exported.path, ExistingPolicy.REPLACE)
    assert contents(second)[1] == exported.images


def test_the_audit_log_says_who_imported_what(exported: Exported, open_engine: OpenEngine) -> None:
    engine = open_engine("other")
    with audit.attempting(audit.Attempt("keys/somebody", "steeple.v1.TransferService/ImportCatalogue")):
        done = imported(engine, exported.path)
    events = audit.events(engine.catalogue.database, page_size=1000).items[::-1]
    assert {event.actor for event in events} == {"keys/somebody"}
    by_method: dict[str, list[str]] = {}
    for event in events:
        by_method.setdefault(event.method.rpartition("/")[2], []).append(event.resource)
    assert by_method["ImportCatalogue"] == [done.name]
    assert len(by_method["CreateLandmark"]) == 7
    assert len(by_method["CreateReferenceImage"]) == 25
    assert "landmarks/landmark-5/images/again" in by_method["CreateReferenceImage"]


def test_what_is_read_is_of_one_state_whatever_is_changed_meanwhile(
    exported: Exported, open_engine: OpenEngine, make_features: MakeFeatures
) -> None:
    engine = open_engine("other", deleted_retention_days=0)
    imported(engine, exported.path)
    with dump.state(engine.catalogue.database) as state:
        names = [landmark.display_name for landmark in state.landmarks()]
        images = state.images()
        read = [next(images)]
        engine.ingest.create_image("landmark-0", make_features(77), image_id="new")
        engine.ingest.delete_image("landmark-1", "photo")
        engine.ingest.delete_landmark("landmark-2", force=True)
        engine.catalogue.update_landmark("landmark-5", display_name="Renamed")
        read += images
        features = state.features([image.key for image in read])
        assert [landmark.display_name for landmark in state.landmarks()] == names
        assert {(image.landmark_id, image.id) for image in read} == {
            (image["landmark_id"], image["id"]) for image in exported.images
        }
        assert len(features) == len(read) == state.image_count() == 25
    with dump.state(engine.catalogue.database) as state:
        assert state.image_count() == 25 + 1 - 1 - 4


def test_a_photo_that_is_lost_is_told_and_the_rest_is_exported(exported: Exported, open_engine: OpenEngine) -> None:
    engine = open_engine("other")
    imported(engine, exported.path)
    (sha256, *_) = sorted(str(image["sha256"]) for image in exported.images if image["sha256"])
    store = Path(engine.ingest._photos._root)
    next(store.rglob(sha256)).write_bytes(b"rotten")
    done = finished(engine, engine.transfers.begin_export())
    assert done.results["photos"] == "1"
    ((item, status, message),) = problems(engine, done)
    assert (item, status) == (f"photos/{sha256}.jpg", "DATA_LOSS")
    assert "damaged" in message
    other = open_engine("third")
    done = imported(other, engine.operations.folder(done.id) / "catalogue.zip")
    assert done.state is OperationState.SUCCEEDED
    assert done.results["images"] == "25"
    assert int(done.results["without_photo"]) >= 1


def test_stopped_anywhere_an_export_leaves_no_file_behind(
    exported: Exported, open_engine: OpenEngine, tmp_path: Path
) -> None:
    engine = open_engine("other")
    imported(engine, exported.path)
    made = finished(engine, engine.transfers.begin_export())
    engine.operations.close()  # so that nothing else takes it up
    operation = engine.operations.store.create(made.method, made.arguments)
    export = Export(engine.catalogue, engine.ingest.shelf, engine.models, lambda: None)
    asked = 0
    for allowed in range(100):
        countdown = iter(range(allowed))
        run = Run(operation, engine.operations.store, tmp_path / "folder", lambda: next(countdown, None) is None)  # noqa: B023
        try:
            export(run)
        except CancelledError:
            asked = allowed
            assert list((tmp_path / "folder").iterdir()) == []
        else:
            break
    assert asked >= 7 + 1 + 2, "asked at each landmark, batch of images and photo"
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["catalogue.zip"]


def test_an_empty_catalogue_is_an_archive_too(open_engine: OpenEngine) -> None:
    engine = open_engine("empty")
    done = finished(engine, engine.transfers.begin_export())
    assert (done.results["landmarks"], done.results["images"]) == ("0", "0")
    again = imported(open_engine("other"), engine.operations.folder(done.id) / "catalogue.zip")
    assert again.results["landmarks"] == "0"
