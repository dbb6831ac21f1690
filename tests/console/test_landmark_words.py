"""A landmark's history and figures, in words and drawings."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from steeple.client import (
    AuditEvent,
    ChangeKind,
    CompassSector,
    Coverage,
    CoverageImage,
    FieldChange,
    LandmarkUsage,
    ViewGroup,
    ViewMatch,
)
from steeple.console.change_words import actor, told
from steeple.console.landmark_drawings import bars, compass, groups, hours_of_day, months_of_use, view_graph
from steeple.console.rendering import sentence
from steeple.console.sessions import Me

ADA = Me("people/ada", "Ada", "editor")
EVENT = AuditEvent(
    "auditEvents/12",
    datetime(2026, 5, 1, tzinfo=UTC),
    "people/ada",
    "steeple.v1.CatalogService/UpdateLandmark",
    "landmarks/eiffel",
    "OK",
    ChangeKind.UPDATED,
    (
        FieldChange("labels.church", None, True),
        FieldChange("location", {"latitude": 1.5, "longitude": -2.0}, None),
        FieldChange("aliases.fr", ["A", "B"], ["A"]),
        FieldChange("active", True, False),
    ),
)


def test_a_change_is_told_in_words() -> None:
    change = told(EVENT, ADA)
    assert (change.number, change.who, change.what, change.undoable) == ("12", "You", "changed the landmark", True)
    assert [(line.title, line.before, line.after) for line in change.lines] == [
        ("Label church", "", "yes"),
        ("Place", "1.50000° N, 2.00000° W", ""),
        ("Other names: fr", "A, B", "A"),
        ("Active", "yes", "no"),
    ]


@pytest.mark.parametrize(
    ("facts", "what", "undoable"),
    [
        ({"resource": "landmarks/a/images/b", "change": ChangeKind.CREATED}, "added the photo", True),
        ({"change": ChangeKind.DELETED, "undoes": "auditEvents/3"}, "undid a change: deleted the landmark", True),
        ({"outcome": "ABORTED", "change": ChangeKind.UNKNOWN}, "tried and failed: update landmark", False),
        ({"change": ChangeKind.UNKNOWN}, "update landmark", False),
    ],
)
def test_what_was_done(facts: dict[str, Any], what: str, undoable: bool) -> None:
    change = told(replace(EVENT, **facts), ADA)
    assert (change.what, change.undoable) == (what, undoable)


def test_who_did_it() -> None:
    names = ["people/bob", "keys/x7", "open", "local", "people/ada"]
    assert [actor(name, ADA) for name in names] == ["bob", "Key x7", "Somebody", "Whoever runs the server", "You"]


def test_months_without_an_answer_are_in_the_chart() -> None:
    chart = months_of_use([LandmarkUsage("2026-03", 5), LandmarkUsage("2025-12", 10)], date(2026, 3, 2))
    assert " ".join(bar.label for bar in chart.bars) == "Apr May Jun Jul Aug Sep Oct Nov Dec Jan Feb Mar"
    assert [bar.value for bar in chart.bars] == [0] * 8 + [10, 0, 0, 5]
    assert chart.bars[-1].height == pytest.approx(chart.bars[8].height / 2)
    assert chart.told == "Times it was identified, by month: Dec 2025: 10, Mar 2026: 5."
    assert all(bar.y + bar.height == pytest.approx(chart.base) for bar in chart.bars)


def test_a_small_value_is_seen_beside_a_large_one() -> None:
    chart = bars([("a", "a", 1), ("b", "b", 100_000), ("c", "c", 0)], "")
    assert [bar.height >= 2 for bar in chart.bars] == [True, True, False]
    assert hours_of_day([0] * 24).most == 0


def coverage(counts: list[int]) -> Coverage:
    sectors = tuple(CompassSector(45.0 * number, count, 30.0) for number, count in enumerate(counts))
    nobody: tuple[()] = ()
    return Coverage(
        "landmarks/a", 5, nobody, nobody, (ViewGroup(("landmarks/a/images/x", "landmarks/a/images/y"), 1),),
        ("landmarks/a/images/z",), False, 3, "models/m", sectors, 5, 0, (0,) * 24, (0,) * 12, 0, nobody,
    )  # fmt: skip


def test_the_compass_tells_by_area() -> None:
    drawn = compass(coverage([4, 0, 1, 0, 0, 0, 0, 0]))
    assert drawn is not None
    north, north_east, east = drawn.sectors[:3]
    assert (north.label, north.title) == ("N", "From the north: 4 photos, 30 m away")
    assert north_east.filled == ""
    radius = [float(sector.filled.split("A")[1].split()[0]) for sector in (north, east)]
    assert (radius[1] ** 2 - 16**2) * 4 == pytest.approx(radius[0] ** 2 - 16**2, rel=0.01)
    assert drawn.told.endswith("None from: north-east, south-east, south, south-west, west, north-west.")
    assert compass(coverage([0] * 8)) is None
    assert compass(coverage([])) is None


def test_the_graph_joins_photos_that_agree() -> None:
    images = tuple(
        CoverageImage(f"landmarks/a/images/{name}", 0, group) for name, group in (("x", 1), ("y", 1), ("z", 0))
    )
    match = ViewMatch("landmarks/a/images/x", "landmarks/a/images/y", 120, 0.9, True)
    graph = view_graph(replace(coverage([]), images=images, matches=(match,)))
    assert graph is not None
    assert [node.label for node in graph.nodes] == ["1", "", ""]
    assert [node.title for node in graph.nodes] == ["x, view 1", "y, view 1", "z, on its own"]
    (link,) = graph.links
    assert (link.title, link.width) == ("x and y: 120 matches agree, all but the same", 5.0)
    assert link.path.startswith(f"M{graph.nodes[0].x:.1f} {graph.nodes[0].y:.1f}Q")
    assert graph.told == "3 photos, of which 1 pair agrees."
    assert view_graph(coverage([])) is None


def test_groups_of_photos_are_told() -> None:
    together, alone = groups(coverage([]))
    assert (together.photos, together.text) == (
        ["x", "y"],
        "2 photos that see the same; 1 of them is all but the same as another.",
    )
    assert (alone.title, alone.photos) == ("On their own", ["z"])


def test_sentences_begin_and_end() -> None:
    assert [sentence(text) for text in ("it is gone", "Done!", "")] == ["It is gone.", "Done!", ""]
