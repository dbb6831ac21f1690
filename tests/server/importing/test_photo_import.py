from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import pytest

from steeple.delf.image import read_image
from steeple.errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from steeple.server.catalogue import LandmarkDraft, LatLng, audit
from steeple.server.duplicates import DuplicatePolicy
from steeple.server.engine import Engine
from steeple.server.importing import ImportOptions, OnExisting
from steeple.server.importing.opening import open_source
from steeple.server.operations import Operation, OperationState
from steeple.server.settings import Settings

MakePhoto = Callable[..., bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What may be imported."""
    made = tmp_path / "import"
    made.mkdir()
    return made


@pytest.fixture
def engine(tmp_path: Path, folder: Path) -> Iterator[Engine]:
    opened = Engine(Settings.load(data_dir=tmp_path / "data", import_dir=folder, model="delf-lite0-v1", workers=2))
    yield opened
    opened.close()


def write(folder: Path, files: Mapping[str, bytes | str]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def imported(engine: Engine, **options: Any) -> Operation:
    operation = engine.photo_import.begin(ImportOptions(**{"folder": ".", **options}))
    return engine.operations.wait(operation.id, 60.0)


def counted(operation: Operation) -> dict[str, str]:
    assert operation.state is OperationState.SUCCEEDED, operation.error_message
    return {name: value for name, value in operation.results.items() if not name.endswith("seconds")}


def problems(engine: Engine, operation: Operation) -> dict[str, str]:
    return {one.item: one.message for one in engine.operations.store.problems(operation.id, 1000).items}


def images(engine: Engine) -> dict[str, int]:
    return {one.id: one.reference_image_count for one in engine.catalogue.list_landmarks().items}


def test_photos_are_added_bad_ones_told_and_a_repeat_adds_nothing(
    engine: Engine, folder: Path, make_photo: MakePhoto
) -> None:
    write(
        folder,
        {
            "Big Ben/1.jpg": make_photo(1),
            "Big Ben/2.png": make_photo(2, suffix=".png"),
            "Big Ben/3.jpg": make_photo(1),  # the first again
            "Big Ben/bad.jpg": b"no photo",
            "Tower/1.jpg": make_photo(1),  # of another landmark too
            "Tower/tiny.jpg": make_photo(3, width=20, height=20),
        },
    )
    dry = imported(engine, validate_only=True)
    assert counted(dry) == {
        "landmarks_to_create": "2",
        "photos_to_add": "4",
        "photos_there_already": "1",
        "failed": "1",
    }
    assert (images(engine), engine.catalogue.image_count()) == ({}, 0)
    first = imported(engine)
    assert counted(first) == {
        "landmarks_created": "2",
        "photos_added": "3",
        "photos_there_already": "1",
        "photos_of_other_landmarks_too": "1",
        "duplicates": f"Tower/1.jpg: same photo, 0 inliers: {image_names(engine, 'big-ben')[0]}; "
        f"added as {image_names(engine, 'tower')[0]}",
        "failed": "2",
    }
    assert set(problems(engine, first)) == {"Big Ben/bad.jpg", "Tower/tiny.jpg"}
    assert "at least 32 a side" in problems(engine, first)["Tower/tiny.jpg"]
    assert (first.done, first.total, first.problem_count) == (6, 6, 2)
    assert images(engine) == {"big-ben": 2, "tower": 1}
    assert engine.catalogue.get_landmark("big-ben").display_name == "Big Ben"
    assert engine.identify(make_photo(2), max_candidates=1).identified
    again = imported(engine)
    assert counted(again) == {"landmarks_there_already": "2", "photos_there_already": "4", "failed": "2"}
    assert images(engine) == {"big-ben": 2, "tower": 1}
    events = [event.method.rpartition("/")[2] for event in audit.events(engine.catalogue.database).items]
    assert sorted(events) == 2 * ["BatchCreateLandmarks"] + 3 * ["CreateReferenceImage"]


def image_names(engine: Engine, landmark_id: str) -> list[str]:
    page = engine.catalogue.list_images(landmark_id, order_by="create_time")
    return sorted(
        (f"landmarks/{landmark_id}/images/{one.id}" for one in page.items),
        key=lambda name: engine.catalogue.get_image(landmark_id, name.rpartition("/")[2]).key,
    )


def test_landmarks_that_are_there_are_left_updated_or_refused(
    engine: Engine, folder: Path, make_photo: MakePhoto
) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("Old", labels=["a"]), landmark_id="x")
    engine.catalogue.create_landmark(LandmarkDraft("Gone"), landmark_id="gone")
    engine.catalogue.delete_landmark("gone")
    text = "photo,landmark,display_name,latitude,longitude,image_id\n1.jpg,x,New,1,2,one\n1.jpg,gone,,,,\n,y,,,,\n"
    write(folder, {"manifest.csv": text, "1.jpg": make_photo(1)})
    refused = imported(engine, on_existing=OnExisting.FAIL)
    assert (refused.state, refused.error_status) == (OperationState.FAILED, "ALREADY_EXISTS")
    assert "landmarks/gone and 1 others are there already" in refused.error_message
    assert images(engine) == {"x": 0}
    done = imported(engine)
    assert counted(done) == {
        "landmarks_created": "1",
        "landmarks_there_already": "2",
        "photos_added": "1",
        "failed": "1",
    }
    assert "landmarks/gone is deleted" in problems(engine, done)["manifest.csv, line 3: 1.jpg"]
    assert engine.catalogue.get_landmark("x").display_name == "Old"
    assert engine.catalogue.get_image("x", "one").width == 320
    updated = imported(engine, on_existing=OnExisting.UPDATE)
    assert counted(updated)["landmarks_updated"] == "1"
    landmark = engine.catalogue.get_landmark("x")
    assert (landmark.display_name, landmark.location, landmark.labels) == ("New", LatLng(1, 2), ("a",))
    assert "landmarks_updated" not in counted(imported(engine, on_existing=OnExisting.UPDATE))


def test_near_duplicates_are_looked_for_if_asked(engine: Engine, folder: Path, make_photo: MakePhoto) -> None:
    photo = make_photo(1, width=480, height=360)
    pixels = cv2.resize(read_image(photo), (360, 270))
    smaller = cv2.imencode(".jpg", pixels[:, :, ::-1])[1].tobytes()
    write(folder, {"a/1.jpg": photo, "a/2.jpg": smaller, "b/1.jpg": smaller})
    refused = imported(engine, duplicates=DuplicatePolicy.REFUSE)
    assert counted(refused) == {"landmarks_created": "2", "photos_added": "1", "failed": "2"}
    assert all("near-duplicate of landmarks/a/images/" in said for said in problems(engine, refused).values())
    reported = imported(engine, duplicates=DuplicatePolicy.REPORT)
    found = counted(reported)
    # The last photo is both: one of landmark b is there already, and of each landmark the best image is told.
    assert (found["photos_added"], found["near_duplicates"], found["failed"]) == ("2", "1", "0")
    assert found["photos_of_other_landmarks_too"] == "1"
    assert found["duplicates"].startswith("a/2.jpg: near-duplicate, ")
    assert len(found["duplicates"].splitlines()) == 2


def test_cancelled_it_stops_and_resumed_it_goes_on_whatever_became_of_the_folder(
    engine: Engine, folder: Path, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, {f"a/{number}.jpg": make_photo(number) for number in range(6)} | {"a/1_bad.jpg": b"no"})
    third, let_go = threading.Event(), threading.Event()
    prepare = engine.ingest.batches.prepare

    def slow(landmark_id: str, photo: bytes, **how: Any) -> Any:
        if photo == make_photo(3):
            third.set()
            assert let_go.wait(20.0)
        return prepare(landmark_id, photo, **how)

    monkeypatch.setattr(engine.ingest.batches, "prepare", slow)
    operation = engine.photo_import.begin(ImportOptions(folder="."))
    assert third.wait(60.0)
    engine.operations.cancel(operation.id)
    let_go.set()
    cancelled = engine.operations.wait(operation.id, 60.0)
    assert cancelled.state is OperationState.CANCELLED
    before = images(engine)["a"]
    assert before <= 3
    kept = {path.name for path in (Path(engine.ingest._photos._root)).rglob("*") if path.is_file()}
    assert len(kept) == before, "photos that were prepared and not added are not left behind"
    (folder / "a/0_new.jpg").write_bytes(make_photo(9))
    (folder / "a/5.jpg").unlink()
    engine.operations.resume(operation.id)
    done = engine.operations.wait(operation.id, 60.0)
    assert counted(done) == {"landmarks_created": "1", "photos_added": "5", "failed": "2"}
    assert set(problems(engine, done)) == {"a/1_bad.jpg", "a/5.jpg"}


def test_an_upload_may_be_deleted_while_it_is_imported_and_no_copy_is_left(
    engine: Engine, tmp_path: Path, make_photo: MakePhoto
) -> None:
    path = tmp_path / "photos.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("photos/a/1.jpg", make_photo(1))
        archive.writestr("photos/b/bad.jpg", b"no")
    upload = sent(engine, path)
    done = imported(engine, folder="", upload=upload)
    assert counted(done) == {"landmarks_created": "2", "photos_added": "1", "failed": "1"}
    assert [one.name for one in engine.operations.folder(done.id).iterdir()] == ["plan.jsonl"]
    (tmp_path / "alone.jsonl").write_text('{"landmark": "Sacré-Cœur"}\n{"landmark": "y", "photo": "1.jpg"}\n')
    alone = imported(engine, folder="", upload=sent(engine, tmp_path / "alone.jsonl"))
    assert counted(alone) == {"landmarks_created": "1", "failed": "1"}
    assert engine.catalogue.get_landmark("sacre-coeur").display_name == "Sacré-Cœur"


def sent(engine: Engine, path: Path) -> str:
    data = path.read_bytes()
    upload = engine.uploads.create(path.name, len(data))
    writer = engine.uploads.begin(upload.id)
    writer.write(0, data)
    writer.end()
    writer.close()
    return upload.id


def test_every_problem_of_the_plan_is_told(engine: Engine, folder: Path, make_photo: MakePhoto) -> None:
    lines = [f"1.jpg,tower,place {number}" for number in range(40)]
    manifest = "\n".join(["photo,landmark,latitude", "1.jpg,tower,", *lines])
    write(folder, {"1.jpg": make_photo(1), "manifest.csv": manifest})
    done = imported(engine)
    assert counted(done) == {"landmarks_created": "1", "photos_added": "1", "failed": "40"}
    assert done.problem_count == len(problems(engine, done)) == 40


def test_what_cannot_work_is_refused_before_it_begins(engine: Engine, folder: Path) -> None:
    write(folder, {"bad/manifest.csv": "photo,landmark,colour\n", "empty/x.txt": "x", "cut.zip": "PK\x03\x04"})
    for error, options in (
        (InvalidArgumentError, {"folder": "bad"}),
        (InvalidArgumentError, {"folder": "empty"}),
        (InvalidArgumentError, {"folder": ".."}),
        (InvalidArgumentError, {"folder": "", "upload": sent(engine, folder / "cut.zip")}),
        (NotFoundError, {"folder": "none"}),
        (NotFoundError, {"folder": "bad", "manifest": "other.csv"}),
        (NotFoundError, {"folder": "", "upload": "none"}),
    ):
        with pytest.raises(error):
            imported(engine, **options)
    assert engine.operations.store.list().total_size == 0
    with pytest.raises(FailedPreconditionError, match="imports no folders"):
        open_source(None, ".", None, bare_manifest=True)
