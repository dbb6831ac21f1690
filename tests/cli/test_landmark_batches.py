"""``steeple landmarks`` of many at once, against a real server."""

from __future__ import annotations

import pytest

from .support import Steeple


@pytest.fixture(autouse=True)
def _server(address: str, monkeypatch: pytest.MonkeyPatch, steeple: Steeple) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", address)


def test_many_are_changed_mapped_and_deleted(steeple: Steeple) -> None:
    for number, place in enumerate(("48.85,2.35", "48.86,2.36", "-18.14,178.44")):
        made = steeple(
            "landmarks", "create", f"Batch {number}", "--id", f"batch-{number}", "--label", "batch", "--location", place
        )
        assert made.code == 0
    which = ("--filter", "labels:batch")
    names = [f"landmarks/batch-{number}" for number in range(3)]
    assert steeple("landmarks", "update", *which, "--add-label", "x", "--dry-run", "--json").json == {
        "would_update": names
    }
    updated = steeple("landmarks", "update", *which, "--add-label", "x", "--set-metadata", "k=v=w", "--json")
    assert updated.json == {"updated": names, "unchanged": []}
    some = steeple("landmarks", "update", "batch-0", names[1], "--remove-label", "x", "--inactive", "--json")
    assert some.json == {"updated": names[:2], "unchanged": []}
    told = steeple("landmarks", "update", *which, "--remove-label", "x")
    assert told.out.strip() == "updated 1 of 3 landmarks; 2 were so already"
    one = steeple("landmarks", "show", "batch-0", "--json").json
    assert (one["labels"], one["metadata"], one["active"]) == (["batch"], {"k": "v=w"}, False)
    alone = steeple("landmarks", "update", "batch-0", "--remove-metadata", "k", "--json")
    assert alone.json == {"updated": names[:1], "unchanged": []}

    found = steeple("landmarks", "map", "--zoom", 3, *which, "--json").json
    assert [(cluster["landmark_count"], cluster["landmark"]) for cluster in found["clusters"]] == [
        (1, names[2]),
        (2, names[0]),
    ]
    paris = ("--southwest", "48,2", "--northeast", "49,3")
    assert steeple("landmarks", "map", "--zoom", 16, *which, *paris, "--json").json["landmark_count"] == 2
    text = steeple("landmarks", "map", *which, *paris)
    assert "Batch 0" in text.out
    assert "2 landmarks in 1 cells of zoom 2" in text.out

    assert steeple("landmarks", "delete", *which, "--dry-run", "--json").json == {"would_delete": names}
    assert steeple("landmarks", "delete", *which, "--json").json == {"deleted": names}
    none = steeple("landmarks", "delete", *which, "--json")
    assert (none.code, none.json) == (0, {"deleted": []})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("update", "--active"), "which landmarks?"),
        (("update", "a", "--filter", "b", "--active"), "which landmarks?"),
        (("update", "a", "b"), "nothing to change"),
        (("update", "a", "b", "--name", "N"), "are for one LANDMARK, alone"),
        (("update", "a", "--add-label", "x", "--etag", "y"), "are for one LANDMARK, alone"),
        (("update", "a", "--label", "x", "--no-labels"), "--label and --no-labels exclude each other"),
        (("delete",), "which landmarks?"),
        (("delete", "a", "b", "--etag", "x"), "--etag is of one landmark"),
        (("map", "--southwest", "1,2"), "--southwest and --northeast go together"),
    ],
)
def test_what_does_not_go_together_is_told(steeple: Steeple, arguments: tuple[str, ...], said: str) -> None:
    ran = steeple("landmarks", *arguments, "--json")
    assert ran.code == 2
    assert said in ran.error["message"]
