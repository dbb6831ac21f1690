"""What lists are found by is derived from the landmarks, and is what it would be if it were derived anew."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from steeple.delf.features import FeatureSet
from steeple.delf.wire import pack
from steeple.errors import SteepleError
from steeple.server.catalogue import Catalogue, CommonChanges, ImageDraft, LandmarkDraft
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.ids import folded
from steeple.server.catalogue.migrate import SCRIPTS, upgrade
from tests.engines.catalogues import Catalogues
from tests.server.catalogue.derived import check_derived

MakeFeatures = Callable[..., FeatureSet]
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

IDS = st.sampled_from(["a", "b"])
LABELS = st.lists(st.sampled_from(["x", "y", "z"]), max_size=2)
METADATA = st.dictionaries(st.sampled_from(["k", "*", "l:*"]), st.sampled_from(["", "*", "v"]), max_size=2)
NAMES = st.sampled_from(["Tour Eiffel", "Sacré-Cœur", "東京タワー", 'a "b" c', "%_/\\", "東京", "ﬁ", "ab"])
DRAFTS = st.builds(
    LandmarkDraft,
    NAMES,
    labels=LABELS,
    metadata=METADATA,
    aliases=st.dictionaries(st.just("fr"), st.lists(NAMES, max_size=2)),
)


class DerivedMachine(RuleBasedStateMachine):
    """All that writes landmarks and reference images, in any order, whether it is refused or not."""

    def __init__(self, make_features: MakeFeatures, catalogues: Catalogues) -> None:
        super().__init__()
        self.catalogues = catalogues
        self.url = catalogues.make()
        self.features = make_features()

    @initialize(kept=st.booleans())
    def open(self, kept: bool) -> None:
        self.catalogue = Catalogue.open(self.url, timedelta(days=1) if kept else timedelta(0))

    def teardown(self) -> None:
        self.catalogue.close()
        self.catalogues.drop(self.url)

    @rule(one=IDS, draft=DRAFTS)
    def create(self, one: str, draft: LandmarkDraft) -> None:
        self.attempt(lambda: self.catalogue.create_landmark(draft, landmark_id=one))

    @rule(one=IDS, draft=DRAFTS)
    def update(self, one: str, draft: LandmarkDraft) -> None:
        changes = {"display_name": draft.display_name, "labels": draft.labels, "metadata": draft.metadata}
        self.attempt(lambda: self.catalogue.update_landmark(one, **changes))  # type: ignore[arg-type]

    @rule(one=IDS, draft=DRAFTS, replace=st.booleans())
    def restore(self, one: str, draft: LandmarkDraft, replace: bool) -> None:
        times = {"create_time": LONG_AGO, "update_time": LONG_AGO}
        self.attempt(lambda: self.catalogue.restore_landmark(one, draft, **times, replace=replace))

    @rule(labels=LABELS, metadata=METADATA)
    def update_both(self, labels: list[str], metadata: dict[str, str]) -> None:
        changes = CommonChanges(add_labels=labels, set_metadata=metadata, active=True)
        self.attempt(lambda: self.catalogue.update_landmarks(["a", "b"], changes))

    @rule(one=IDS, force=st.booleans())
    def delete(self, one: str, force: bool) -> None:
        self.attempt(lambda: self.catalogue.delete_landmark(one, force=force))

    @rule(one=IDS)
    def undelete(self, one: str) -> None:
        self.attempt(lambda: self.catalogue.undelete_landmark(one))

    @rule()
    def delete_both(self) -> None:
        self.attempt(lambda: self.catalogue.delete_landmarks(["a", "b"], force=True))

    @rule(one=IDS, image=IDS)
    def add_image(self, one: str, image: str) -> None:
        self.attempt(lambda: self.catalogue.create_image(one, ImageDraft(self.features), image_id=image))

    @rule(one=IDS, image=IDS, replace=st.booleans())
    def restore_image(self, one: str, image: str, replace: bool) -> None:
        given = {"create_time": LONG_AGO, "identify_count": 1, "replace": replace}
        draft = ImageDraft(self.features)
        self.attempt(lambda: self.catalogue.restore_image(one, image, draft, pack(self.features), **given))  # type: ignore[arg-type]

    @rule(one=IDS, image=IDS)
    def delete_image(self, one: str, image: str) -> None:
        self.attempt(lambda: self.catalogue.delete_image(one, image))

    @rule(one=IDS)
    def delete_images(self, one: str) -> None:
        self.attempt(lambda: self.catalogue.delete_images([(one, "a"), (one, "b")]))

    @rule(one=IDS, image=IDS)
    def undelete_image(self, one: str, image: str) -> None:
        self.attempt(lambda: self.catalogue.undelete_image(one, image))

    @rule()
    def purge(self) -> None:
        self.catalogue.purge(datetime.now(UTC) + timedelta(days=2))

    @rule(
        text=st.sampled_from(["tour", "eif", "coeur", "京", "東京", "京タワ", '"b"', "%_/", "\\", "fi", "b", "ab", " "])
    )
    def names_that_contain_a_text_are_found(self, text: str) -> None:
        if not text.strip():
            return
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        found = [landmark.id for landmark in self.catalogue.list_landmarks(filter=f'"{quoted}"').items]
        names = {
            landmark.id: [landmark.display_name, *(name for some in landmark.aliases.values() for name in some)]
            for landmark in self.catalogue.list_landmarks().items
        }
        assert found == [one for one, of in names.items() if any(folded(text) in folded(name) for name in of)]

    @invariant()
    def what_is_derived_is_current(self) -> None:
        if hasattr(self, "catalogue"):
            with self.catalogue.database.write() as connection:
                check_derived(connection)

    def attempt(self, call: Callable[[], object]) -> None:
        try:
            call()
        except SteepleError as error:
            assert error.status in ("NOT_FOUND", "ALREADY_EXISTS", "FAILED_PRECONDITION")  # noqa: PT017 - or none


def test_what_is_derived_stays_current(make_features: MakeFeatures, catalogues: Catalogues) -> None:
    run_state_machine_as_test(
        lambda: DerivedMachine(make_features, catalogues),  # type: ignore[arg-type]  # takes any maker of machines
        settings=settings(
            max_examples=int(15 * catalogues.share_of_examples),
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )


def test_a_catalogue_of_before_gets_all_of_it(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    time = "2026-01-02 03:04:05.000000"
    with database.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0010")
        for key, labels, metadata, names in (
            (3, '["iron", "tower"]', '{"city": "Paris"}', "tour eiffel\neiffelturm"),
            (7, "[]", "{}", "big ben"),
        ):
            connection.exec_driver_sql(
                "INSERT INTO landmark (key, id, display_name, description, metadata, revision, create_time,"
                " update_time, labels, search_names) VALUES (?, ?, 'N', '', ?, 1, ?, ?, ?, ?)",
                (key, f"l{key}", metadata, time, time, labels, names),
            )
        for key, deleted in ((1, None), (2, None), (3, time)):
            connection.exec_driver_sql(
                "INSERT INTO reference_image (key, landmark_key, id, model, width, height, feature_count, sha256,"
                " size_bytes, media_type, metadata, create_time, delete_time)"
                " VALUES (?, 3, ?, 'm', 1, 1, 1, '', 0, '', '{}', ?, ?)",
                (key, f"i{key}", time, deleted),
            )
    with database.write() as connection:
        upgrade(connection)
        check_derived(connection)
    database.close()
    with Catalogue.open(sqlite_url) as catalogue:
        assert [landmark.reference_image_count for landmark in catalogue.list_landmarks().items] == [2, 0]
        for text in ("eiffelt", "labels:iron", "labels:*", "metadata.city = Paris", "metadata:city", "metadata:*"):
            assert [landmark.id for landmark in catalogue.list_landmarks(filter=text).items] == ["l3"], text


def test_the_check_sees_what_is_not_current(sqlite_catalogue: Catalogue, tmp_path: Path) -> None:
    catalogue = sqlite_catalogue
    catalogue.create_landmark(LandmarkDraft("Tour Eiffel", labels=["iron"]), landmark_id="a")
    catalogue.close()
    for statement in (
        "UPDATE landmark SET reference_image_count = 1",
        "DELETE FROM landmark_term",
        "INSERT INTO landmark_names (rowid, search_names) VALUES (9, 'nobody')",
    ):
        shutil.copy(tmp_path / "catalogue.db", tmp_path / "copy.db")
        with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
            connection.execute(statement)
            connection.commit()
        database = Database(f"sqlite:///{tmp_path}/copy.db")
        with pytest.raises((AssertionError, SteepleError)), database.write() as connection:
            check_derived(connection)
        database.close()
