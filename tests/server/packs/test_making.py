"""What is in a pack, and that it is what the catalogue has."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import cv2
import numpy as np
import pytest
from sqlalchemy import update

from steeple.errors import CancelledError, FailedPreconditionError, InvalidArgumentError, ResourceExhaustedError
from steeple.packs import Pack, PackRecogniser
from steeple.server.catalogue import LatLng, audit, tables
from steeple.server.engine import Engine
from steeple.server.operations import Run
from steeple.server.packs import PackSettings, PackState, making
from steeple.server.packs.making import PackMaking
from steeple.server.packs.records import pack_restriction
from tests.server.conftest import MakeFeatures

from .conftest import PARIS, file_of, files_of, finished, photo, published

AROUND = pack_restriction(PARIS, 5000.0, {}, [])


def ids(pack: Pack) -> list[str]:
    return list(pack.landmarks)


def test_a_pack_has_what_the_catalogue_has(engine: Engine) -> None:
    made = published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))
    path = file_of(engine, made)
    assert (made.size_bytes, made.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    pack = Pack.open(path)
    facts = pack.manifest.facts
    assert (facts.id, facts.display_name, facts.model) == ("paris", "Paris", engine.release.name)
    assert (facts.tflite_sha256, facts.sequence) == (engine.release.tflite_sha256, engine.catalogue.sequence())
    assert facts.region is not None
    assert (facts.region.centre.latitude, facts.region.radius_meters) == (PARIS.latitude, 5000.0)
    assert ids(pack) == ["tower", "church", "gate"], "in their order; not what stands elsewhere or nowhere"
    tower = pack.landmarks["tower"]
    assert (tower.display_name, tower.description) == ("Tower", "The tower.")
    assert (tower.labels, tower.metadata, tower.aliases) == (
        ("iron",),
        {"number": "0"},
        {"fr": ("La dame de fer",)},
    )
    assert tower.location is not None
    assert (tower.location.latitude, tower.location.longitude) == (PARIS.latitude, PARIS.longitude)
    assert pack.images[0].id.startswith("photo")
    assert (made.landmark_count, made.image_count, made.feature_count) == (
        3,
        len(pack.images),
        pack.manifest.feature_count,
    )
    assert len(pack.images) == 3 + 3 + 3
    shown = pack.thumbnail("tower")
    assert shown is not None
    small = cv2.imdecode(np.frombuffer(shown, np.uint8), cv2.IMREAD_COLOR)
    assert small is not None
    assert small.shape == (180, 240, 3)
    assert pack.thumbnail("church") is None, "of features alone there is nothing to show"
    pack.close()


def test_a_pack_answers_as_the_server_does(engine: Engine) -> None:
    made = published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND, exact=True)))
    features = engine.ingest.draft(photo(2)).features
    expected = engine.identify(features, max_candidates=3)
    pack = Pack.open(file_of(engine, made))
    found = PackRecogniser(pack, engine.release).identify(features, max_candidates=3)
    assert expected.identified
    assert found.identified
    assert found.candidates[0].landmark_id == expected.candidates[0].landmark.id == "tower"
    assert found.candidates[0].confidence == pytest.approx(expected.candidates[0].recognised.confidence, abs=0.02)
    pack.close()


CHOICES: list[tuple[tuple[Any, ...], list[str]]] = [
    ((None, 0.0, {}, []), ["tower", "church", "gate", "clock", "ghost"]),
    ((None, 0.0, {}, ["stone"]), ["church", "gate", "clock", "ghost"]),
    ((PARIS, 1000.0, {}, []), ["tower", "church"]),
    ((PARIS, 5000.0, {}, ["stone"]), ["church", "gate"]),
    ((None, 0.0, {"number": "3"}, []), ["clock"]),
    ((PARIS, 1000.0, {"number": "1"}, ["stone"]), ["church"]),
]


def test_landmarks_are_chosen_by_place_metadata_and_labels(engine: Engine) -> None:
    for arguments, expected in CHOICES:
        settings = PackSettings("Some", pack_restriction(*arguments), max_images=1)
        pack = Pack.open(file_of(engine, published(engine, engine.packs.create("some", settings))))
        assert ids(pack) == expected
        assert len(pack.images) == len(expected)
        pack.close()


def test_what_cannot_be_found_is_in_no_pack(engine: Engine) -> None:
    engine.ingest.update_landmark("church", active=False)
    engine.ingest.delete_landmark("gate", force=True)
    engine.ingest.delete_image("tower", "image-1")
    pack = Pack.open(file_of(engine, published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))))
    assert ids(pack) == ["tower"]
    assert "image-1" not in {image.id for image in pack.images}
    pack.close()


def test_images_and_features_are_limited_to_the_best(engine: Engine, make_features: MakeFeatures) -> None:
    settings = PackSettings("Paris", AROUND, max_images=2, max_features=50)
    pack = Pack.open(file_of(engine, published(engine, engine.packs.create("paris", settings))))
    grades = {
        image.id: -1 if image.quality is None else image.quality.grade
        for image in engine.catalogue.list_images("tower", 100).items
    }
    chosen = {image.id for image in pack.images if image.landmark_id == "tower"}
    assert len(chosen) == 2
    assert min(grades[image] for image in chosen) >= max(grades[image] for image in grades.keys() - chosen)
    assert [image.feature_count <= 50 for image in pack.images] == [True] * 6
    assert max(image.feature_count for image in pack.images) == 50
    pack.close()


def test_a_photo_that_is_lost_is_a_problem_and_the_pack_is_made(engine: Engine) -> None:
    first = engine.catalogue.get_image("tower", "photo-0"), engine.catalogue.get_image("tower", "photo-1")
    for image in first:
        engine.ingest.shelf.photos.delete(image.sha256)
    operation = finished(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))
    (problem,) = engine.operations.store.problems(operation.id).items
    assert problem.status == "DATA_LOSS"
    assert problem.item.startswith("landmarks/tower/images/photo-")
    pack = Pack.open(file_of(engine, engine.packs.store.get("paris")))
    assert pack.thumbnail("tower") is None
    pack.close()


def test_an_exported_pack_is_its_operations_and_published_nowhere(engine: Engine) -> None:
    done = finished(engine, engine.packs.export("paris", PackSettings("Paris", AROUND)))
    path = engine.operations.folder(done.id) / "paris.pack"
    assert (done.results["file"], done.results["file_size_bytes"]) == ("paris.pack", str(path.stat().st_size))
    assert (done.results["landmarks"], done.results["images"]) == ("3", "9")
    Pack.open(path).close()
    assert engine.packs.store.list().items == ()
    assert {each.name for each in path.parent.iterdir()} == {"paris.pack"}


def test_an_export_that_is_taken_up_leaves_nothing_of_the_run_before(engine: Engine) -> None:
    settings = PackSettings("Paris", AROUND).to_json()
    engine.operations.close()  # so that nothing else takes it up
    operation = engine.operations.store.create(
        "steeple.v1.PackService/ExportPack", {"pack": "paris", "settings": settings}
    )
    run = Run(operation, engine.operations.store, engine.operations.folder("x"), lambda: False)
    (run.folder / "other.pack").write_bytes(b"of the run before")
    assert engine.packs.making.export(run)["file"] == "paris.pack"
    assert [path.name for path in run.folder.iterdir()] == ["paris.pack"]


def test_the_first_image_is_one_that_can_be_shown(engine: Engine) -> None:
    image = tables.reference_image
    with engine.catalogue.database.write() as connection:  # those that came first, of features alone, are as good
        connection.execute(update(image).values(quality_grade=0))
    settings = PackSettings("Paris", AROUND, max_images=4)
    pack = Pack.open(file_of(engine, published(engine, engine.packs.create("paris", settings))))
    assert [each.id for each in pack.images][:4] == ["photo-0", "image-0", "image-1", "image-2"]
    assert pack.thumbnail("tower") is not None
    pack.close()


def test_a_pack_of_nothing_is_refused_at_once(engine: Engine) -> None:
    for settings in (
        PackSettings("X", pack_restriction(LatLng(0, 0), 100.0, {}, [])),
        PackSettings("X", pack_restriction(None, 0.0, {}, ["none"])),
    ):
        with pytest.raises(FailedPreconditionError, match="no landmark"):
            engine.packs.create("nothing", settings)
        with pytest.raises(FailedPreconditionError, match="no landmark"):
            engine.packs.export("nothing", settings)
    assert engine.operations.store.list(10).items == ()


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"display_name": " "}, "display_name"),
        ({"max_images": 0}, "max_images"),
        ({"max_images": 101}, "max_images"),
        ({"max_features": -1}, "max_features"),
        ({"max_features": 4097}, "max_features"),
    ],
)
def test_settings_out_of_bounds_are_refused(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        PackSettings(**{"display_name": "X", **changed})
    assert caught.value.metadata["field"] == field


def test_settings_are_kept_as_they_were() -> None:
    settings = PackSettings("Paris", pack_restriction(PARIS, 12.5, {"a": "b"}, ["x", "y"]), 3, 77, exact=True)
    assert PackSettings.of_json(settings.to_json()) == settings


def test_what_is_interrupted_leaves_nothing_and_is_made_when_it_is_taken_up(engine: Engine) -> None:
    store = engine.packs.store
    old = published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))
    engine.operations.close()  # so that nothing else takes it up
    operation = engine.operations.store.create("steeple.v1.PackService/RefreshPack", {"pack": "paris"})
    looked = 0

    def stopping() -> bool:
        nonlocal looked
        looked += 1
        return looked > 3

    making = engine.packs.making
    with pytest.raises(CancelledError):
        making.publish(Run(operation, engine.operations.store, engine.operations.folder("x"), stopping))
    assert store.get("paris") == old
    assert [path.name for path in files_of(engine).iterdir()] == [old.file]
    results = making.publish(Run(operation, engine.operations.store, engine.operations.folder("x"), lambda: False))
    new = store.get("paris")
    assert (results["sha256"], new.file) == (new.sha256, f"{operation.id}.pack")
    assert [path.name for path in files_of(engine).iterdir()] == [new.file]
    written = file_of(engine, new).stat()
    again = making.publish(Run(operation, engine.operations.store, engine.operations.folder("x"), lambda: False))
    assert again == results
    assert file_of(engine, new).stat().st_ino == written.st_ino, "its end was not noted down: it is not made twice"


def made_while(engine: Engine, change: Callable[[], object], job: PackMaking | None = None) -> Pack:
    """A pack of Paris; once its landmarks are chosen and before any is written, something happens."""
    engine.operations.close()  # so that nothing else takes it up
    operation = engine.operations.store.create("steeple.v1.PackService/RefreshPack", {"pack": "paris"})
    looked = 0

    def stopping() -> bool:
        nonlocal looked
        looked += 1
        if looked == 2:
            change()
        return False

    run = Run(operation, engine.operations.store, engine.operations.folder("x"), stopping)
    (job or engine.packs.making).publish(run)
    assert looked > 2
    return Pack.open(file_of(engine, engine.packs.store.get("paris")))


def gone(engine: Engine, *landmarks: str) -> None:
    for landmark in landmarks:
        engine.ingest.delete_landmark(landmark, force=True)
    engine.ingest.purge(datetime.now(UTC) + timedelta(days=400))


def test_a_pack_is_of_the_moment_at_which_it_was_begun(engine: Engine) -> None:
    published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))
    before = engine.catalogue.sequence()

    def change() -> None:
        engine.catalogue.update_landmark("gate", display_name="Arch")
        engine.ingest.delete_image("church", "image-0")
        engine.ingest.delete_landmark("tower", force=True)

    pack = made_while(engine, change)
    assert (ids(pack), len(pack.images)) == (["tower", "church", "gate"], 9)
    assert (pack.landmarks["gate"].display_name, pack.manifest.facts.sequence) == ("Gate", before)
    assert pack.thumbnail("tower") is not None
    assert engine.packs.states([engine.packs.store.get("paris")]) == [PackState.STALE]
    pack.close()


def test_the_log_of_the_catalogue_can_be_emptied_while_a_pack_is_made(engine: Engine) -> None:
    """As it has to be for what is erased; a transaction that lasts would keep it."""
    published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))
    busy = []

    def change() -> None:
        engine.catalogue.update_landmark("gate", display_name="Arch")
        connection = engine.catalogue.database.engine.raw_connection()
        cursor = connection.cursor()
        cursor.execute("PRAGMA busy_timeout = 0")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy.append(cursor.fetchall()[0][0])
        connection.invalidate()

    made_while(engine, change).close()
    assert busy == [0]


def test_what_is_deleted_for_good_meanwhile_is_left_out(engine: Engine) -> None:
    old = published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))
    pack = made_while(engine, lambda: gone(engine, "church"))
    assert (ids(pack), len(pack.images)) == (["tower", "gate"], 6)
    assert pack.thumbnail("tower") is not None
    pack.close()
    new = engine.packs.store.get("paris")
    assert (new.landmark_count, engine.packs.states([new])) == (2, [PackState.STALE])
    with pytest.raises(FailedPreconditionError, match="all images of the pack were deleted"):
        made_while(engine, lambda: gone(engine, "tower", "gate"))
    assert engine.packs.store.get("paris") == new != old
    assert [path.name for path in files_of(engine).iterdir()] == [new.file]


def test_features_of_a_release_that_is_no_longer_the_default_are_not_taken_for_deleted_images(engine: Engine) -> None:
    old = published(engine, engine.packs.create("paris", PackSettings("Paris", AROUND)))
    served = [engine.serving.default]
    job = PackMaking(engine.catalogue, engine.ingest, lambda: served[-1], engine.packs.store)

    def change() -> None:
        served.append(replace(served[0], release=replace(engine.release, name="other")))
        gone(engine, "church")

    with pytest.raises(FailedPreconditionError, match="another model release has become the default"):
        made_while(engine, change, job)
    assert engine.packs.store.get("paris") == old


def test_a_pack_of_more_than_it_can_hold_is_refused_at_once(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "MAX_LANDMARKS", 2)
    with pytest.raises(ResourceExhaustedError, match="3 landmarks would be in the pack, and one holds no more than 2"):
        engine.packs.create("paris", PackSettings("Paris", AROUND))
    assert engine.operations.store.list(10).items == ()


def test_the_audit_log_says_who_published_what(engine: Engine) -> None:
    with audit.attempting(audit.Attempt("keys/somebody", "steeple.v1.PackService/CreatePack")):
        begun = engine.packs.create("paris", PackSettings("Paris", AROUND))
    finished(engine, begun)
    with audit.attempting(audit.Attempt("keys/other", "steeple.v1.PackService/DeletePack")):
        engine.packs.store.delete("paris")
    told = [
        (event.actor, event.method.rpartition("/")[2], event.resource)
        for event in audit.events(engine.catalogue.database).items
        if "Pack" in event.method
    ]
    assert told == [
        ("keys/other", "DeletePack", "packs/paris"),
        ("keys/somebody", "CreatePack", "packs/paris"),
        ("keys/somebody", "CreatePack", begun.name),
    ]
