"""``steeple landmarks history`` and ``undo``, ``steeple audit`` and ``steeple views`` against a real server."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from steeple.cli.history import describe_changes
from steeple.client import AuditEvent, Client, FieldChange, Landmark
from steeple.errors import ChangedSinceError

from .support import Steeple


@pytest.fixture(autouse=True)
def _server(address: str, monkeypatch: pytest.MonkeyPatch, steeple: Steeple) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", address)


def test_a_change_is_shown_undone_and_done_again(steeple: Steeple) -> None:
    steeple("landmarks", "create", "Clock", "--id", "clock", "--label", "old")
    steeple("landmarks", "update", "clock", "--name", "Clock tower", "--label", "old", "--label", "tower")
    shown = steeple("landmarks", "history", "clock")
    assert 'display_name "Clock" -> "Clock tower"; +labels.tower' in " ".join(shown.out.split())
    changed, created = steeple("landmarks", "history", "landmarks/clock", "--json").json
    assert (changed["change"], created["change"]) == ("updated", "created")
    assert changed["field_changes"][0] == {"field": "display_name", "before": "Clock", "after": "Clock tower"}

    number = changed["name"].removeprefix("auditEvents/")
    undone = steeple("landmarks", "undo", number, "--json")
    assert (undone.json["landmark"]["display_name"], undone.json["landmark"]["labels"]) == ("Clock", ["old"])
    again = steeple("landmarks", "undo", number, "--json")
    assert (again.code, again.error["reason"]) == (7, "CHANGED_SINCE")
    assert again.error["metadata"]["event"] == undone.json["event"]
    (latest, *_) = steeple("landmarks", "history", "clock", "--limit", 1, "--json").json
    assert (latest["undoes"], latest["name"]) == (changed["name"], undone.json["event"])
    said = steeple("landmarks", "undo", latest["name"])
    assert (said.code, "landmarks/clock" in said.out) == (0, True)
    assert steeple("landmarks", "show", "clock", "--json").json["display_name"] == "Clock tower"
    assert steeple("landmarks", "undo", "999999").code == 4
    assert steeple("landmarks", "undo", "x").code == 2


def test_a_batch_is_undone_as_far_as_it_can_be(steeple: Steeple, address: str) -> None:
    with Client(address) as client:
        client.batch_create_landmarks([Landmark(f"landmarks/undone-{number}", "Batch") for number in range(3)])
        client.update_landmark("undone-1", description="Mine.")
        (event,) = client.list_audit_events(resource="landmarks/undone-2")
        ran = steeple("landmarks", "undo", event.name, "--batch", "--json")
        assert ran.code == 1
        assert [one["landmark"]["id"] for one in ran.json["undone"]] == ["undone-2", "undone-0"]
        (failed,) = ran.json["failed"]
        assert (failed["resource"], failed["error"]["reason"]) == ("landmarks/undone-1", "CHANGED_SINCE")
        assert [client.get_landmark(f"undone-{number}").delete_time is None for number in range(3)] == [
            False,
            True,
            False,
        ]
    assert steeple("landmarks", "undo", event.name, "--batch", "--etag", "x").code == 2


def test_the_log_is_filtered(steeple: Steeple) -> None:
    steeple("landmarks", "create", "Filtered", "--id", "filtered")
    steeple("landmarks", "delete", "filtered", "--etag", "wrong")
    asked = ("audit", "landmarks/filtered", "--json")
    assert [event["outcome"] for event in steeple(*asked, "--failed").json] == ["ABORTED"]
    assert [event["outcome"] for event in steeple(*asked, "--outcome", "OK").json] == ["OK"]
    assert len(steeple(*asked, "--by", "open").json) == 2
    assert steeple(*asked, "--by", "keys/x").json == []
    assert len(steeple(*asked, "--method", "CatalogService/Del").json) == 1
    assert steeple(*asked, "--failed", "--outcome", "OK").code == 2
    assert steeple(*asked, "--outcome", "FINE").code == 2


def test_views_are_saved_changed_and_forgotten(steeple: Steeple) -> None:
    made = steeple(
        "views", "create", "Few", "--filter", "reference_image_count < 5", "--layout", "columns=id", "--json"
    )
    assert made.code == 0
    view = made.json
    assert (view["owner"], view["layout"], view["shared"]) == ("open", {"columns": "id"}, False)
    assert view["name"] in [each["name"] for each in steeple("views", "list", "--json").json]
    assert view["id"] in steeple("views", "list", "--all").out
    assert view["id"] not in steeple("views", "list", "--of", "kept_queries").out
    changed = steeple("views", "update", view["id"], "--name", "Fewer", "--filter", "", "--shared", "--json").json
    assert (changed["display_name"], changed["filter"], changed["shared"]) == ("Fewer", "", True)
    assert steeple("views", "update", view["id"]).code == 2
    assert steeple("views", "create", "X", "--filter", "colour = red").code == 2
    assert steeple("views", "create", "X", "--of", "everything").code == 2
    assert steeple("views", "delete", view["name"], "--json").json == {"deleted": view["name"]}
    assert steeple("views", "delete", view["id"]).code == 4


def test_the_sdk_undoes_what_it_is_told(address: str) -> None:
    with Client(address) as client:
        landmark = client.create_landmark("Sdk", landmark_id="sdk-undo")
        client.update_landmark(landmark, description="A")
        (event, *_) = client.list_audit_events(resource=landmark.name, method="steeple.v1.CatalogService/Update")
        client.update_landmark(landmark, description="B")
        with pytest.raises(ChangedSinceError) as caught:
            client.undo_change(event)
        client.undo_change(caught.value.metadata["event"])
        undone = client.undo_change(event)
        assert undone.resource == client.get_landmark(landmark)
        (latest,) = [each for each in client.list_audit_events(resource=landmark.name) if each.name == undone.event]
        assert latest.field_changes == (FieldChange("description", "A", None),)
        assert len({latest, event}) == 2


def test_a_change_is_described_on_one_line() -> None:
    changes = (
        FieldChange("description", None, "Two\nlines, and a long text that goes on beyond the end of the line"),
        FieldChange("location", {"latitude": 1, "longitude": 2}, {"latitude": 1, "longitude": 2.5}),
        FieldChange("aliases.fr", ["Tour"], None),
        FieldChange("active", True, False),
        FieldChange("metadata.a", None, None),
    )
    event = AuditEvent(
        "auditEvents/7",
        datetime.now(UTC),
        "open",
        "X/Y",
        "landmarks/a",
        "OK",
        field_changes=changes,
        undoes="auditEvents/3",
    )
    assert describe_changes(event) == (
        'undoes 3; +description "Two\\nlines, and a long text that goes…"; '
        "location 1.00000,2.00000 -> 1.00000,2.50000; "
        "-aliases.fr; active yes -> no; and 1 more"
    )
