"""Whatever is done and asked, a catalogue in PostgreSQL answers as one in SQLite does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from steeple.delf.features import FeatureSet
from steeple.errors import SteepleError
from steeple.server.catalogue import Catalogue, CommonChanges, ImageDraft, LandmarkDraft, LatLng, Quality, audit
from steeple.server.catalogue.map_view import Bounds
from tests.engines.catalogues import Catalogues, SqliteCatalogues

pytestmark = pytest.mark.engines

MakeFeatures = Callable[..., FeatureSet]
Call = Callable[[Catalogue], object]

KEPT = timedelta(days=1)
EVERYWHERE = Bounds(LatLng(-90, -180), LatLng(90, 180))
# A change that fails takes a number in PostgreSQL, and none in SQLite.
NOT_COMPARED = ("key", "etag", "_time", "sequence")

IDS = st.sampled_from(["a", "a-b", "b", "zz"])
IMAGES = st.sampled_from(["i", "i-1", "j"])
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["Ä", "ä", "z", "a", "_", "%", "\\", "Tour Eiffel", "tour", "İstanbul", "ﬁ", "東京", "a\0b", "'", '"', "Ω", "ω"]
)
WORDS = st.text("abé_%\\'東 ", min_size=1, max_size=4)
LABELS = st.lists(st.sampled_from(["x", "y", "é"]), max_size=2)
METADATA = st.dictionaries(st.sampled_from(["k", "l", 'a "b".c']), WORDS, max_size=2)
LOCATIONS = st.none() | st.builds(LatLng, st.sampled_from([-90.0, 0.0, 48.85]), st.sampled_from([-180.0, 2.29, 179.9]))
DRAFTS = st.builds(LandmarkDraft, TEXTS, TEXTS, LOCATIONS, METADATA, labels=LABELS, active=st.booleans())
ATOMS = st.one_of(
    WORDS.map(lambda word: f'"{word}"'.replace("\\", "\\\\")),
    st.sampled_from(["labels:x", "labels:*", "metadata:k", "metadata.k = a", "metadata.k != a", "metadata:*"]),
    st.sampled_from(["active = true", "id = a", "display_name = tour", "display_name != Ä", "best_grade > 2"]),
    st.sampled_from(["reference_image_count >= 1", "create_time > 2020-01-01", "update_time < 2020-01-01", "x = 1"]),
    st.sampled_from(["reference_image_count = 9223372036854775807", "best_grade != 4"]),
)
FILTERS = st.one_of(
    st.just(""),
    ATOMS,
    st.tuples(ATOMS, st.sampled_from([" ", " OR ", " AND NOT "]), ATOMS).map("".join),
    st.builds("NOT ({})".format, ATOMS),
)
ORDERS = st.sampled_from(
    [
        "",
        "display_name",
        "display_name desc",
        "reference_image_count desc, display_name",
        "id desc",
        "create_time",
        "no",
    ]
)
IMAGE_FILTERS = st.sampled_from(["", "quality_grade > 2", "metadata:k", "metadata.k = a", "feature_count < 9"])


def calls(make_features: MakeFeatures) -> st.SearchStrategy[Call]:
    """Of a catalogue, with all that they are given."""

    def draft(seed: int, metadata: dict[str, str], grade: int | None) -> ImageDraft:
        quality = None if grade is None else Quality(grade)
        return ImageDraft(make_features(seed, count=1 + seed), "ab" * 32, 9, "image/png", metadata, quality=quality)

    drafts = st.builds(draft, st.integers(0, 12), METADATA, st.none() | st.integers(1, 5))
    return st.one_of(
        st.builds(lambda one, new: lambda of: of.create_landmark(new, landmark_id=one), IDS, DRAFTS),
        st.builds(
            lambda one, new: lambda of: of.update_landmark(one, display_name=new.display_name, metadata=new.metadata),
            IDS,
            DRAFTS,
        ),
        st.builds(lambda one, flag: lambda of: of.update_landmark(one, active=flag), IDS, st.booleans()),
        st.builds(
            lambda ids, labels: lambda of: of.update_landmarks(ids, CommonChanges(add_labels=labels)),
            st.lists(IDS, unique=True),
            LABELS,
        ),
        st.builds(lambda one, force: lambda of: of.delete_landmark(one, force=force), IDS, st.booleans()),
        st.builds(lambda one: lambda of: of.undelete_landmark(one), IDS),
        st.builds(lambda one, image, new: lambda of: of.create_image(one, new, image_id=image), IDS, IMAGES, drafts),
        st.builds(lambda one, image: lambda of: of.delete_image(one, image), IDS, IMAGES),
        st.builds(lambda one, image: lambda of: of.undelete_image(one, image), IDS, IMAGES),
        st.builds(lambda one, image: lambda of: of.get_image(one, image), IDS, IMAGES),
        st.builds(
            lambda one, filter, order: lambda of: of.list_images(one, filter=filter, order_by=order, show_deleted=True),
            IDS,
            IMAGE_FILTERS,
            st.sampled_from(["", "feature_count desc", "id desc", "identify_count"]),
        ),
        st.just(lambda of: of.map_landmarks("", EVERYWHERE, 3)),
        st.just(lambda of: sorted(change.kind for change in of.changes_since(0))),
        st.just(undo_last),
        st.just(lambda of: audit.events(of.database, resource="landmarks/a").items),
        lists(),
        lists(),
    )


def undo_last(of: Catalogue) -> object:
    """The last change, if there is one."""
    found = audit.events(of.database).items
    return of.undo_change(int(found[0].id)).resource if found else None


def lists() -> st.SearchStrategy[Call]:
    """All pages of lists of landmarks."""

    def walk(of: Catalogue, filter: str, order: str, deleted: bool) -> object:
        found, token = [], ""
        while True:
            page = of.list_landmarks(2, token, filter=filter, order_by=order, show_deleted=deleted)
            found.append(page.items)
            token = page.next_page_token
            if not token:
                return found, page.total_size

    return st.builds(
        lambda filter, order, deleted: lambda of: walk(of, filter, order, deleted), FILTERS, ORDERS, st.booleans()
    )


def outcome(catalogue: Catalogue, call: Call) -> object:
    try:
        with audit.attempting(audit.Attempt("keys/me", "X/Y")):
            return plain(call(catalogue))
    except SteepleError as error:
        return type(error), re.sub(r"[Ee]vents?/[0-9]+", "event", error.message)


def plain(value: object) -> object:
    """A value without what is different in every database."""
    match value:
        case audit.AuditEvent():
            return plain([value.actor, value.resource, value.outcome, value.before, value.after])
        case dict():
            return {name: plain(one) for name, one in value.items() if not name.endswith(NOT_COMPARED)}
        case list() | tuple():
            return [plain(one) for one in value]
        case datetime():
            return None
    return plain(asdict(value)) if is_dataclass(value) and not isinstance(value, type) else value


def test_both_answer_the_same(make_features: MakeFeatures, postgres_catalogues: Catalogues, tmp_path: Path) -> None:
    sqlite_catalogues = SqliteCatalogues(tmp_path)

    @settings(max_examples=12, phases=[Phase.generate], deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(calls(make_features), min_size=10, max_size=40))
    def check(steps: list[Any]) -> None:
        with (
            sqlite_catalogues.lent() as sqlite_url,
            postgres_catalogues.lent() as postgres_url,
            Catalogue.open(sqlite_url, KEPT) as sqlite,
            Catalogue.open(postgres_url, KEPT) as postgres,
        ):
            for number, step in enumerate(steps):
                assert outcome(postgres, step) == outcome(sqlite, step), number

    check()
