"""Packs that are published: whether they are current, and files that take the place of others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from steeple.errors import DataLossError, FailedPreconditionError, InvalidArgumentError, NotFoundError
from steeple.packs import Pack
from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.packs import PackSettings, PackState, PublishedPack
from steeple.server.packs.records import pack_restriction
from steeple.server.packs.selection import select_for
from steeple.server.packs.store import PackStore
from tests.server.conftest import MakeFeatures

from .conftest import LONDON, PARIS, OpenEngine, file_of, files_of, published

SETTINGS = PackSettings("Paris", pack_restriction(PARIS, 5000.0, {}, []), max_images=4)

Change = Callable[[Engine, MakeFeatures], object]


def state(engine: Engine) -> PackState:
    (found,) = engine.packs.states([engine.packs.store.get("paris")])
    return found


def placed(engine: Engine, make: MakeFeatures) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("New", location=PARIS), landmark_id="new")
    engine.ingest.create_image("new", make(77))


INSIDE: dict[str, Change] = {
    "an image comes": lambda engine, make: engine.ingest.create_image("church", make(77)),
    "an image goes": lambda engine, make: engine.ingest.delete_image("church", "image-0"),
    "a landmark comes": placed,
    "a landmark is renamed": lambda engine, make: engine.catalogue.update_landmark("gate", display_name="Arch"),
    "a landmark moves in": lambda engine, make: engine.catalogue.update_landmark("clock", location=PARIS),
    "a landmark moves out": lambda engine, make: engine.catalogue.update_landmark("clock", location=LONDON),
    "a landmark is not to be found": lambda engine, make: engine.ingest.update_landmark("gate", active=False),
    "a landmark goes": lambda engine, make: engine.ingest.delete_landmark("church", force=True),
}
OUTSIDE: dict[str, Change] = {
    "an image comes of a landmark that has enough": lambda engine, make: engine.ingest.create_image("tower", make(78)),
    "an image comes": lambda engine, make: engine.ingest.create_image("clock", make(77)),
    "a landmark is renamed": lambda engine, make: engine.catalogue.update_landmark("ghost", display_name="Spirit"),
    "a landmark goes": lambda engine, make: engine.ingest.delete_landmark("clock", force=True),
    "a landmark without images comes": lambda engine, make: engine.catalogue.create_landmark(
        LandmarkDraft("Empty", location=PARIS)
    ),
}


def test_a_pack_is_stale_once_what_it_is_made_of_has_changed(engine: Engine, make_features: MakeFeatures) -> None:
    old = published(engine, engine.packs.create("paris", SETTINGS))
    for what, change in INSIDE.items():
        assert state(engine) is PackState.CURRENT, what
        change(engine, make_features)
        assert state(engine) is PackState.STALE, what
        new = published(engine, engine.packs.refresh("paris"))
        assert new.settings == old.settings
        assert new.sha256 != old.sha256
        old = new
    assert state(engine) is PackState.CURRENT


def test_a_pack_stays_current_whatever_happens_elsewhere(engine: Engine, make_features: MakeFeatures) -> None:
    published(engine, engine.packs.create("paris", SETTINGS))
    for what, change in OUTSIDE.items():
        change(engine, make_features)
        assert state(engine) is PackState.CURRENT, what


def test_being_found_does_not_make_a_pack_stale(engine: Engine, make_features: MakeFeatures) -> None:
    published(engine, engine.packs.create("paris", SETTINGS))
    assert engine.identify(make_features(10), max_candidates=1).identified
    engine._identify_counts.save()
    assert state(engine) is PackState.CURRENT


def test_packs_of_one_list_are_each_told_their_own_state(engine: Engine) -> None:
    made = [
        published(engine, engine.packs.create(name, PackSettings(name, pack_restriction(None, 0.0, {}, [label]))))
        for name, label in (("iron", "iron"), ("stone", "stone"), ("gone", "iron"))
    ]
    engine.catalogue.update_landmark("tower", display_name="Spire")
    file_of(engine, made[2]).unlink()
    expected = [PackState.STALE, PackState.CURRENT, PackState.LOST]
    for _ in range(2):  # found, and then remembered
        assert engine.packs.states(made) == expected
    assert engine.packs.states(made[::-1]) == expected[::-1]
    assert engine.packs.states([]) == []


def test_a_pack_of_another_release_is_another(engine: Engine) -> None:
    other, unknown = replace(engine.release, tflite_sha256="0" * 64), replace(engine.release, name="other")
    with engine.catalogue.database.read() as connection:
        now, then, none = (select_for(connection, SETTINGS, each) for each in (engine.release, other, unknown))
    assert now.landmarks == then.landmarks
    assert now.content != then.content
    assert none.landmarks == [], "nothing has its features"


def test_a_download_goes_on_though_the_pack_is_replaced_and_deleted(
    engine: Engine, make_features: MakeFeatures
) -> None:
    store = engine.packs.store
    old = published(engine, engine.packs.create("paris", SETTINGS))
    content = file_of(engine, old).read_bytes()
    with store.open("paris", 0, old.sha256) as file:
        first = file.read(1000)
        engine.ingest.create_image("church", make_features(77))
        new = published(engine, engine.packs.create("paris", SETTINGS))
        assert [path.name for path in files_of(engine).iterdir()] == [new.file]
        store.delete("paris")
        assert list(files_of(engine).iterdir()) == []
        assert first + file.read() == content
    with pytest.raises(NotFoundError, match="no packs/paris"):
        store.open("paris", 0)


def test_the_rest_of_a_file_that_was_replaced_is_refused(engine: Engine, make_features: MakeFeatures) -> None:
    store = engine.packs.store
    old = published(engine, engine.packs.create("paris", SETTINGS))
    engine.ingest.create_image("church", make_features(77))
    new = published(engine, engine.packs.refresh("paris"))
    with pytest.raises(FailedPreconditionError, match="was made anew"):
        store.open("paris", 1000, old.sha256)
    for sha256 in (new.sha256, ""):
        with store.open("paris", 1000, sha256) as file:
            assert file.read() == file_of(engine, new).read_bytes()[1000:]
    for offset in (-1, new.size_bytes + 1):
        with pytest.raises(InvalidArgumentError) as caught:
            store.open("paris", offset)
        assert caught.value.metadata["field"] == "offset"
    with store.open("paris", new.size_bytes) as file:
        assert file.read() == b""


def test_a_file_that_is_replaced_while_it_is_looked_for_is_found_again(
    engine: Engine, make_features: MakeFeatures
) -> None:
    old = published(engine, engine.packs.create("paris", SETTINGS))
    engine.ingest.create_image("church", make_features(77))
    new = published(engine, engine.packs.refresh("paris"))

    class Slow(PackStore):
        """Has read the row before it was replaced, and looks for the file afterwards."""

        def get(self, pack_id: str) -> PublishedPack:
            return rows.pop() if rows else super().get(pack_id)

    store = Slow(engine.catalogue.database, engine.packs.store.files)
    rows = [old]
    with store.open("paris", 0) as file:
        assert file.read() == file_of(engine, new).read_bytes()
    rows = [old]
    with pytest.raises(FailedPreconditionError, match="was made anew"):
        store.open("paris", 0, old.sha256)


@pytest.mark.parametrize("cut", [True, False])
def test_a_file_that_is_missing_or_cut_is_told_and_made_anew(engine: Engine, *, cut: bool) -> None:
    path = file_of(engine, published(engine, engine.packs.create("paris", SETTINGS)))
    if cut:
        path.write_bytes(path.read_bytes()[:-1])
    else:
        path.unlink()
    assert state(engine) is PackState.LOST
    with pytest.raises(DataLossError, match="steeple packs refresh paris"):
        engine.packs.store.open("paris", 0)
    new = published(engine, engine.packs.refresh("paris"))
    assert state(engine) is PackState.CURRENT
    Pack.open(file_of(engine, new)).close()


def test_packs_outlast_a_restart_and_what_belongs_to_none_goes(engine: Engine, open_engine: OpenEngine) -> None:
    made = published(engine, engine.packs.create("paris", SETTINGS))
    folder = files_of(engine)
    (folder / "left.pack").write_bytes(b"x")
    (folder / ".left.pack.partial").write_bytes(b"x")
    again = open_engine()
    assert [path.name for path in folder.iterdir()] == [made.file]
    assert again.packs.store.get("paris") == made
    assert state(again) is PackState.CURRENT


def test_packs_are_listed_by_id_a_page_at_a_time(engine: Engine) -> None:
    settings = PackSettings("X", pack_restriction(None, 0.0, {}, ["iron"]), max_images=1)
    for name in ("b", "a", "c"):
        published(engine, engine.packs.create(name, settings))
    page = engine.packs.store.list(2)
    assert ([pack.id for pack in page.items], page.total_size) == (["a", "b"], 3)
    rest = engine.packs.store.list(2, page.next_page_token)
    assert ([pack.id for pack in rest.items], rest.next_page_token) == (["c"], "")
    with pytest.raises(InvalidArgumentError, match="page_token"):
        engine.packs.store.list(2, "x")
