from __future__ import annotations

import json
import threading
import zipfile
from functools import partial
from pathlib import Path

import pytest

from steeple.errors import FailedPreconditionError, NotFoundError
from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.operations import OperationState
from steeple.server.transfer import ExistingPolicy
from tests.server.conftest import MakeFeatures

from .conftest import Exported, OpenEngine, contents, edited, imported, noise, problems, rewritten, uploaded


def refused(engine: Engine, path: Path) -> tuple[str, str]:
    """Status and message of an import that fails and leaves the catalogue as it was."""
    before = contents(engine)
    done = imported(engine, path)
    assert done.state is OperationState.FAILED
    assert contents(engine) == before
    return done.error_status, done.error_message


# --- ids that exist ---


@pytest.fixture
def taken(exported: Exported, open_engine: OpenEngine, make_features: MakeFeatures) -> Engine:
    """A server that has something else by two of the archive's ids, and something of its own."""
    engine = open_engine("taken")
    engine.catalogue.create_landmark(LandmarkDraft("Another"), landmark_id="landmark-1")
    engine.ingest.create_image("landmark-1", make_features(1000), image_id="photo")
    engine.ingest.create_image("landmark-1", make_features(1001), image_id="own")
    engine.catalogue.create_landmark(LandmarkDraft("Deleted"), landmark_id="landmark-2")
    engine.ingest.delete_landmark("landmark-2")
    engine.catalogue.create_landmark(LandmarkDraft("Own"), landmark_id="own")
    return engine


def test_fail_changes_nothing_and_names_what_is_taken(exported: Exported, taken: Engine) -> None:
    status, message = refused(taken, exported.path)
    assert status == "ALREADY_EXISTS"
    assert "3 ids of the archive are taken" in message
    assert "landmarks/landmark-1, landmarks/landmark-2, landmarks/landmark-1/images/photo" in message


def test_skip_keeps_what_is_there(exported: Exported, taken: Engine) -> None:
    kept = taken.catalogue.get_landmark("landmark-1"), taken.catalogue.get_image("landmark-1", "photo")
    done = imported(taken, exported.path, ExistingPolicy.SKIP)
    assert done.state is OperationState.SUCCEEDED
    assert done.results["skipped"] == "3"
    assert taken.catalogue.get_landmark("landmark-1").display_name == kept[0].display_name
    assert taken.catalogue.get_image("landmark-1", "photo") == kept[1]
    assert taken.catalogue.get_landmark("landmark-1").reference_image_count == 1 + 1 + 3
    assert taken.catalogue.get_landmark("landmark-0").reference_image_count == 4
    # What would be below a deleted landmark cannot be added.
    assert {(status, message) for _, status, message in problems(taken, done)} == {
        ("FAILED_PRECONDITION", "landmarks/landmark-2 is deleted; undelete it first")
    }
    assert done.problem_count == 4


def test_replace_makes_it_as_the_archive_has_it(exported: Exported, taken: Engine) -> None:
    done = imported(taken, exported.path, ExistingPolicy.REPLACE)
    assert done.state is OperationState.SUCCEEDED, done.error_message
    assert (done.results["skipped"], done.problem_count) == ("0", 0)
    landmarks, images = contents(taken)
    ours = [landmark for landmark in landmarks if landmark["id"] != "own"]
    for landmark, wanted in zip(ours, exported.landmarks, strict=True):
        own = landmark["id"] == "landmark-1"  # keeps the image that the archive does not have
        assert {**landmark, "reference_image_count": 0} == {**wanted, "reference_image_count": 0}
        assert landmark["reference_image_count"] == int(str(wanted["reference_image_count"])) + own
    assert [image for image in images if image["id"] != "own"] == exported.images
    index = taken.index_keeper.index
    assert index.stats().images == taken.catalogue.image_count()


def test_an_import_can_be_repeated(exported: Exported, open_engine: OpenEngine) -> None:
    engine = open_engine("other")
    first = imported(engine, exported.path)
    sequence = engine.catalogue.sequence()
    for policy in ExistingPolicy:
        again = imported(engine, exported.path, policy)
        assert (again.state, again.results) == (OperationState.SUCCEEDED, first.results)
    assert engine.catalogue.sequence() == sequence
    assert contents(engine)[1] == exported.images


# --- interruptions ---


def test_cancelled_it_keeps_what_is_done_and_goes_on_when_told(exported: Exported, open_engine: OpenEngine) -> None:
    engine = open_engine("other")
    upload_id = uploaded(engine, exported.path)
    operation = engine.transfers.begin_import(upload_id)
    stopped = threading.Event()

    def cancel() -> None:
        while engine.operations.store.get(operation.id).step != "images" and not stopped.is_set():
            pass
        engine.operations.cancel(operation.id)

    cancelling = threading.Thread(target=cancel)
    cancelling.start()
    engine.operations.wait(operation.id, 60.0)
    stopped.set()
    cancelling.join()
    done = engine.operations.store.get(operation.id)
    if done.state is OperationState.CANCELLED:
        engine.operations.resume(operation.id)
        done = engine.operations.wait(operation.id, 60.0)
    assert done.state is OperationState.SUCCEEDED
    assert contents(engine) == (exported.landmarks, exported.images)
    assert done.results["images"] == "25"


def test_an_upload_must_be_there_and_complete(exported: Exported, open_engine: OpenEngine) -> None:
    engine = open_engine("other")
    with pytest.raises(NotFoundError):
        engine.transfers.begin_import("20270131-120000123-x7kq2m4a")
    upload = engine.uploads.create("a.zip", 10)
    with pytest.raises(FailedPreconditionError, match="not complete"):
        engine.transfers.begin_import(upload.id)


# --- archives that are wrong ---


@pytest.fixture
def empty(open_engine: OpenEngine) -> Engine:
    return open_engine("empty")


def test_what_is_no_archive_of_a_catalogue_is_refused(exported: Exported, empty: Engine, tmp_path: Path) -> None:
    for manifest, status, message in (
        (b"", "INVALID_ARGUMENT", "not JSON"),
        (b"[" * 100_000, "INVALID_ARGUMENT", "not JSON"),
        (b'{"format": "other"}', "INVALID_ARGUMENT", "says format 'other', not 'steeple-catalogue'"),
        (b'{"format": "steeple-catalogue", "format_version": 2}', "FAILED_PRECONDITION", "with a newer Steeple"),
        (b'{"format": "steeple-catalogue", "format_version": 1}', "INVALID_ARGUMENT", "steeple_version: Field"),
        (None, "INVALID_ARGUMENT", "'steeple.json' is not in the archive"),
        (b" " * (2 << 20), "INVALID_ARGUMENT", "at most 1048576 are taken"),
    ):
        changed = partial(_with_manifest, manifest)
        told = refused(empty, rewritten(exported.path, tmp_path / "bad.zip", changed))
        assert told[0] == status
        assert message in told[1]


def _with_manifest(manifest: bytes | None, name: str, data: bytes) -> bytes | None:
    return manifest if name == "steeple.json" else data


def test_archives_that_are_made_to_harm_are_refused(exported: Exported, empty: Engine, tmp_path: Path) -> None:
    path = rewritten(exported.path, tmp_path / "slip.zip", lambda _, data: data)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../../tmp/evil", b"x")
    assert "leads out of the archive" in refused(empty, path)[1]
    whole = exported.path.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.zip").write_bytes(whole[:length] or b"\0")
        status, message = refused(empty, tmp_path / "cut.zip")
        assert status == "INVALID_ARGUMENT"
        assert "damaged or no ZIP archive" in message
    assert not Path("/tmp/evil").exists()  # noqa: S108 - where it would have been


def test_each_wrong_item_is_told_and_the_others_are_imported(exported: Exported, empty: Engine, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported.path) as archive:
        images = [json.loads(line) for line in archive.read("images.jsonl").splitlines()]
    first_photo, second_photo = images[0], images[4]
    assert first_photo["photo"]
    assert second_photo["photo"]
    wrong: dict[int, tuple[dict[str, object], str, str]] = {
        1: ({"features_sha256": "0" * 64}, "INVALID_ARGUMENT", "another SHA-256"),
        2: ({"features": "features/nowhere.pb"}, "INVALID_ARGUMENT", "is not in the archive"),
        3: ({"feature_count": 7}, "INVALID_ARGUMENT", "other features than"),
        5: ({"landmark": "nowhere"}, "NOT_FOUND", "there is no landmarks/nowhere"),
        6: ({"id": "UPPER"}, "INVALID_ARGUMENT", "image_id must be 1 to 63"),
        7: ({"width": -1}, "INVALID_ARGUMENT", "width: Input should be greater"),
        9: ({"model": "other-model"}, "FAILED_PRECONDITION", "does not serve"),
        10: ({"metadata": {str(number): "" for number in range(65)}}, "INVALID_ARGUMENT", "metadata"),
        11: ({"create_time": "2026-01-01T00:00:00"}, "INVALID_ARGUMENT", "create_time"),
        13: ({"identify_count": 1 << 70}, "INVALID_ARGUMENT", "identify_count"),
        14: ({"quality": {"grade": 6, "reasons": []}}, "INVALID_ARGUMENT", "quality.grade"),
        15: ({"surprise": 1}, "INVALID_ARGUMENT", "surprise"),
        17: ({"capture_location": {"latitude": "x", "longitude": 0}}, "INVALID_ARGUMENT", "latitude"),
    }

    def change(name: str, data: bytes) -> bytes | None:
        if name == "landmarks.jsonl":
            lines = data.splitlines()
            lines[5] = json.dumps({**json.loads(lines[5]), "location": {"latitude": 91, "longitude": 0}}).encode()
            return b"\n".join(lines)
        if name == "images.jsonl":
            for number, (fields, _, _) in wrong.items():
                data = edited("images.jsonl", number, **fields)(name, data)
            lines = data.splitlines()
            lines[18] = b"[" * 50_000
            lines[19] = b"\xff\xfe"
            return b"\n".join(lines)
        if name == first_photo["photo"]:
            return noise(1)
        return data

    done = imported(empty, rewritten(exported.path, tmp_path / "wrong.zip", change))
    assert done.state is OperationState.SUCCEEDED
    told = {item: (status, message) for item, status, message in problems(empty, done)}
    for number, (_, status, message) in wrong.items():
        assert told[f"images.jsonl line {number + 1}"][0] == status, number
        assert message in told[f"images.jsonl line {number + 1}"][1]
    assert told["images.jsonl line 1"][0] == "INVALID_ARGUMENT"
    assert first_photo["photo"] in told["images.jsonl line 1"][1]
    assert told["landmarks.jsonl line 6"][0] == "INVALID_ARGUMENT"
    assert "latitude" in told["landmarks.jsonl line 6"][1]
    for number in (19, 20):
        assert told[f"images.jsonl line {number}"][0] == "INVALID_ARGUMENT"
    below = [number for number, image in enumerate(images) if image["landmark"] == "landmark-5"]
    bad = {0, 18, 19, *wrong, *below}
    there = {(image["landmark_id"], image["id"]) for image in contents(empty)[1]}
    assert there == {(image["landmark"], image["id"]) for number, image in enumerate(images) if number not in bad}
    photos = [path for path in Path(empty.ingest._photos._root).rglob("*") if path.is_file()]
    assert {path.name for path in photos} == {
        image["sha256"] for number, image in enumerate(images) if number not in bad and image["sha256"]
    }


def test_features_of_another_network_are_extracted_anew(exported: Exported, empty: Engine, tmp_path: Path) -> None:
    """The manifest tells which network made them; a name alone may mean another one."""

    def change(name: str, data: bytes) -> bytes:
        if name != "steeple.json":
            return data
        manifest = json.loads(data)
        manifest["models"][0]["tflite_sha256"] = "0" * 64
        return json.dumps(manifest).encode()

    done = imported(empty, rewritten(exported.path, tmp_path / "other.zip", change))
    assert (done.results["extracted"], done.results["images"], done.problem_count) == ("3", "3", 22)
    (status, message), *_ = {(status, message) for _, status, message in problems(empty, done)}
    assert status == "FAILED_PRECONDITION"
    assert "export with photos" in message
    kept = {image["id"]: image for image in contents(empty)[1]}
    assert kept["again"]["create_time"] in {image["create_time"] for image in exported.images}


def test_a_line_without_end_ends_the_import(exported: Exported, empty: Engine, tmp_path: Path) -> None:
    line = b"{" + b" " * (5 << 20) + b"}"
    path = rewritten(
        exported.path, tmp_path / "long.zip", lambda name, data: line if name == "landmarks.jsonl" else data
    )
    assert "more than 4194304 bytes in line 1" in refused(empty, path)[1]
