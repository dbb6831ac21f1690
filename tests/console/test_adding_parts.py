"""What the pages that add and discover are prepared by."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import UploadFile

from steeple.client import (
    DiscoveryPhoto,
    Landmark,
    MatchedPair,
    Operation,
    OperationState,
    Proposal,
    ProposalState,
)
from steeple.console import choosing, discovering, following, importing
from steeple.errors import InvalidArgumentError

NOW = datetime(2027, 1, 31, 12, tzinfo=UTC)


def operation(**changes: object) -> Operation:
    plain = Operation(
        "operations/a", "m", OperationState.RUNNING, "open", "adding photos", 0, 0, 0, {}, "", "", False, NOW, NOW, NOW,
        None,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type] # as the test says


def found_photo(number: int, view: int) -> DiscoveryPhoto:
    name = f"discoveries/d/photos/{number}"
    return DiscoveryPhoto(
        name, f"{number}.jpg", "", 1, "image/jpeg", 1, 1, 1, None, "", 3, view, "", 0.0, None, ""
    )  # fmt: skip


def proposal(views: list[int], pairs: Mapping[tuple[int, int], int]) -> Proposal:
    photos = tuple(found_photo(number, view) for number, view in enumerate(views))
    matched = tuple(
        MatchedPair(f"discoveries/d/photos/{a}", f"discoveries/d/photos/{b}", inliers, inliers > 500)
        for (a, b), inliers in pairs.items()
    )
    return Proposal(
        "discoveries/d/proposals/3", ProposalState.PROPOSED, photos[0].name, len(photos), len(set(views)), 0.6, None,
        0.0, "", "", (), photos, matched, NOW,
    )  # fmt: skip


@given(st.text(max_size=300))
def test_a_name_is_quoted_whatever_is_in_it(text: str) -> None:
    quoted = choosing.names_filter(text)
    if not text.split():
        assert quoted == ""
        return
    inner = quoted[1:-1]
    assert quoted[0] == quoted[-1] == '"'
    assert inner.replace("\\\\", "").replace('\\"', "").count('"') == 0, "nothing ends the quotes"
    assert inner.replace('\\"', '"').replace("\\\\", "\\").split() == " ".join(text.split())[:200].split()


def test_a_landmark_is_written_so_that_it_is_read_again() -> None:
    written = choosing.written(Landmark("landmarks/notre-dame", "Notre-Dame (Paris)"))
    assert written == "Notre-Dame (Paris) (notre-dame)"
    found = choosing._WITH_ID.fullmatch(written)
    assert found is not None
    assert found[1] == "notre-dame"


def test_lookalikes_of_an_import_are_read_whatever_files_are_called() -> None:
    lines = (
        "a: b; added as landmarks/x/images/y.jpg: near-duplicate, 87 inliers: landmarks/big-ben/images/i1"
        "; added as landmarks/big-ben/images/i2\n"
        "old.jpg: same photo, 0 inliers: landmarks/tower/images/i3\n"
        "something else altogether"
    )
    first, second = importing.lookalikes(operation(results={"duplicates": lines}))
    assert (first.item, first.inliers) == ("a: b; added as landmarks/x/images/y.jpg", 87)
    assert (first.image, first.other) == ("landmarks/big-ben/images/i2", "landmarks/big-ben/images/i1")
    assert (second.kind, second.image, second.other_landmark) == ("The same file", "", "tower")


def test_an_import_is_summed_up() -> None:
    done = operation(results={"photos_added": "3", "landmarks_created": "1", "failed": "0"})
    assert importing.summary(done) == "3 photos added, 1 landmark made"
    assert importing.figures(done) == [("photos added", 3), ("landmarks made", 1)]
    assert importing.summary(operation()) == "No photo was added"


async def test_files_of_a_form_become_an_archive_that_leads_nowhere() -> None:
    names = ("a/../../x.jpg", "b\\x.jpg", "c/.hidden.jpg", "notes.txt", "x.jpg")
    files = [UploadFile(io.BytesIO(name.encode()), filename=name) for name in names]
    with (
        await importing.pack(files, Landmark("landmarks/big-ben", "Big Ben")) as archive,
        zipfile.ZipFile(archive) as made,
    ):
        assert json.loads(made.read("big-ben/landmark.json")) == {"id": "big-ben"}
        inside = [name for name in made.namelist() if name.endswith(".jpg")]
        assert inside == ["big-ben/x.jpg", "big-ben/1-x.jpg", "big-ben/2-x.jpg"]
        assert [made.read(name).decode() for name in inside] == ["a/../../x.jpg", "b\\x.jpg", "x.jpg"]
    for file in files:
        await file.seek(0)
    with await importing.pack(files) as archive, zipfile.ZipFile(archive) as made:
        assert made.namelist() == ["a/x.jpg", "b/x.jpg", "x.jpg"]
    with pytest.raises(InvalidArgumentError, match="no photos"):
        await importing.pack(files[3:4])


@pytest.mark.parametrize(
    ("done", "passed", "told"),
    [
        (2, 60, ""),
        (10, 10, "about 2 minutes left"),
        (50, 60, "about a minute left"),
        (10, 1, "less than a minute left"),
        (10, 100, "about 15 minutes left"),
        (1, 0, ""),
        (50, 72_000, "about 20 hours left"),
        (100, 5, ""),
    ],
)
def test_what_is_left_is_guessed(done: int, passed: int, told: str) -> None:
    running = operation(done_count=done, total_count=100)
    assert following.remaining(running, NOW.timestamp() + passed) == told


def test_facts_are_in_words() -> None:
    facts = following.facts(operation(done_count=1200, total_count=5000, cancel_requested=True))
    assert (facts["state"], facts["step"], facts["count"], facts["share"]) == (
        "Running",
        "stopping",
        "1,200 of 5,000",
        "24 %",
    )


def test_a_proposal_tells_how_each_photo_matches() -> None:
    card = discovering.shown(proposal([1, 1, 2, 3], {(0, 2): 90, (0, 1): 700, (1, 2): 40}), 3)
    assert [each.words for each in card.photos] == ["2 matches", "2 matches", "2 matches"]
    assert [each.best for each in card.photos] == [True, False, True]
    assert (card.photos[0].strongest, card.more, card.open) == (700, 1, True)
    assert discovering.shown(proposal([1, 2], {})).photos[0].words == "no match"
    assert discovering.cohesion(card.proposal) == "mostly belong together"


@given(st.integers(1, 40))
def test_the_ring_of_photos_stays_in_its_drawing(count: int) -> None:
    drawn = discovering.drawing(proposal(list(range(count)), {(0, count - 1): 25} if count > 1 else {}))
    assert len(drawn.nodes) == min(count, 14)
    for node in drawn.nodes:
        assert drawn.radius <= node.x <= drawn.size - drawn.radius
        assert drawn.radius <= node.y <= drawn.size - drawn.radius
    for a, b in zip(drawn.nodes, drawn.nodes[1:], strict=False):
        assert max(abs(a.x - b.x), abs(a.y - b.y)) > drawn.radius, "neighbours are told apart"
    assert len(drawn.edges) == (1 if 1 < count <= 14 else 0)
