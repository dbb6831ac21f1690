"""``steeple feedback``, and what ``steeple queries`` shows of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from steeple.cli.local_server import local_server

from .support import Steeple


@pytest.fixture
def reviewer(steeple: Steeple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steeple]:
    """The command line at a server with an empty catalogue that keeps no queries."""
    with local_server(tmp_path / "data", tmp_path / "server.log") as bound:
        monkeypatch.setenv("STEEPLE_SERVER", bound)
        yield steeple


def test_a_proposed_photo_becomes_a_landmark_that_is_found(
    reviewer: Steeple, photos: Callable[..., list[Path]]
) -> None:
    (photo,) = photos(200)
    empty = reviewer("queries", "list")
    assert (empty.code, "steeple serve --keep-queries unknown" in empty.err) == (0, True)
    sent = reviewer("feedback", "propose", photo, "--name", "Old Mill", "--at", "48.5,2.25", "--json").json["query"]
    query = sent.removeprefix("queries/")
    assert "Old Mill" in reviewer("queries", "list", "--filter", "origin = proposal").out
    shown = reviewer("queries", "show", query)
    for told in ("proposal", "UNKNOWN", "Old Mill", "48.50000,2.25000"):
        assert told in shown.out
    assert reviewer("queries", "promote", query, "--landmark-id", "mill").code == 2
    made = reviewer(
        "queries", "promote", query, "--create", "The Mill", "--landmark-id", "mill", "--location", "48.5,2.2", "--json"
    ).json
    assert made["name"].startswith("landmarks/mill/images/")
    assert reviewer("landmarks", "show", "mill", "--json").json["location"] == {"latitude": 48.5, "longitude": 2.2}

    found = reviewer("identify", photo, "--thumbnails", "--json").json["candidates"][0]
    assert (found["landmark"]["id"], found["reference_width"]) == ("mill", 480)
    assert base64.b64decode(found["thumbnail"]).startswith(b"\xff\xd8")
    assert reviewer("identify", photo, "--json").json["candidates"][0]["thumbnail"] == ""

    said = reviewer("feedback", "send", photo, "--wrong", "--shown", "mill", "--note", "it is the tower", "--json").json
    assert reviewer("feedback", "send", photo, "--right", "--shown", "mill").out.startswith("sent: queries/")
    listed = reviewer("queries", "list", "--filter", "origin = feedback AND said = wrong", "--json").json
    assert [one["name"] for one in listed] == [said["query"]]
    assert (listed[0]["content"], listed[0]["identified"]) == ("features", True)
    shown = reviewer("queries", "show", listed[0]["id"])
    assert "landmarks/mill" in shown.out
    assert "it is the tower" in shown.out


def test_what_must_be_said(steeple: Steeple, photos: Callable[..., list[Path]]) -> None:
    (photo,) = photos(200)
    assert steeple("feedback", "send", photo).code == 2
    assert steeple("feedback", "send", photo, "--right", "--wrong").code == 2
    assert steeple("feedback", "propose", photo).code == 2
    assert "48.8867,2.3431" in steeple("feedback", "propose", photo, "--name", "x", "--at", "here").err
