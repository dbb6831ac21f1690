"""``steeple queries`` and ``steeple usage``, against a server that keeps queries and one that does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from steeple.cli.local_server import local_server
from steeple.client import Client
from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.delf.release import DEFAULT_RELEASE

from .support import Steeple


def features(seed: int) -> FeatureSet:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((200, DIMENSIONS)).astype(np.float32)
    return FeatureSet(
        model=DEFAULT_RELEASE,
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors / np.linalg.norm(vectors, axis=1, keepdims=True)),
        keypoints=(random.random((200, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(200, np.float32),
        scores=np.linspace(1, 0.1, 200, dtype=np.float32),
    )


@pytest.fixture(scope="module")
def keeping(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """HOST:PORT of a server that keeps all queries."""
    folder = tmp_path_factory.mktemp("keeping")
    with local_server(folder / "data", folder / "server.log", "--keep-queries", "all") as bound:
        yield bound


@pytest.fixture
def reviewer(keeping: str, steeple: Steeple, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steeple:
    """The command line at that server, in an empty folder."""
    monkeypatch.setenv("STEEPLE_SERVER", keeping)
    monkeypatch.chdir(tmp_path)
    return steeple


def ids(reviewer: Steeple, *args: str) -> list[str]:
    return [query["id"] for query in reviewer("queries", "list", *args, "--json").json]


def test_from_a_query_to_a_reference_image(
    reviewer: Steeple, keeping: str, photos: Callable[..., list[Path]], tmp_path: Path
) -> None:
    (photo,) = photos(200)
    assert reviewer("landmarks", "create", "Bridge", "--id", "bridge").code == 0
    assert reviewer("identify", photo, "--upload", "--no-keep").code == 3
    assert reviewer("identify", photo, "--upload").code == 3
    with Client(keeping) as client:
        client.identify(features(1), keep=False)
        client.identify(features(1))
        client.erase_queries(filter="id = nothing")  # waits for what is written behind the answers
        by_photo, by_features = client.list_kept_queries()
        with pytest.raises(StopIteration):
            next(iter(client.list_kept_queries(filter="promoted = true")))
    assert ids(reviewer) == [by_features.id, by_photo.id], "the latest first"
    assert ids(reviewer, "--filter", "content = photo") == [by_photo.id]
    assert by_photo.id in reviewer("queries", "list").out

    ran = reviewer("queries", "download", by_photo.id)
    assert (ran.code, (tmp_path / f"{by_photo.id}.jpg").stat().st_size) == (0, by_photo.size_bytes)
    assert reviewer("queries", "download", by_photo.id).code == 2, "it is there already"
    small = reviewer("queries", "download", by_photo.id, "--thumbnail", "-o", "small.jpg", "--json").json
    assert small["bytes"] == (tmp_path / "small.jpg").stat().st_size < by_photo.size_bytes
    ran = reviewer("queries", "download", by_features.id)
    assert "the photo stayed on the device" in ran.err
    assert (tmp_path / f"{by_features.id}.features").stat().st_size == by_features.size_bytes
    assert reviewer("queries", "download", by_features.id, "--thumbnail").code == 4

    assert reviewer("queries", "promote", by_photo.id).code == 6, "nobody has reviewed it"
    assert reviewer("queries", "review", by_photo.id).code == 2
    assert reviewer("queries", "review", by_photo.id, "--right", "--wrong").code == 2
    ran = reviewer("queries", "review", by_photo.id, "--landmark", "bridge")
    assert (ran.code, "landmarks/bridge" in ran.out, "open" in ran.out) == (0, True, True)
    made = reviewer("queries", "promote", by_photo.id, "--id", "north", "--metadata", "from=review", "--json").json
    assert (made["name"], made["metadata"]) == ("landmarks/bridge/images/north", {"from": "review"})
    assert reviewer("queries", "show", by_photo.id, "--json").json["reference_image"] == made["name"]
    assert reviewer("identify", photo, "--upload").code == 0
    assert reviewer("queries", "review", by_photo.id, "--clear", "--json").json["verdict"] == "none"


def test_erasing(reviewer: Steeple, keeping: str) -> None:
    assert reviewer("queries", "erase", "--all").code == 0
    with Client(keeping) as client:
        for number in range(2):
            client.identify(features(number))
    assert reviewer("queries", "erase", "--before", "1d", "--json").json == {"erased": 0}
    kept = ids(reviewer)
    assert len(kept) == 2
    assert reviewer("queries", "erase", kept[0], "--json").json == {"erased": 1}
    for wrong in ((), ("--all", kept[1]), ("--all", "--from-key", "x")):
        assert reviewer("queries", "erase", *wrong).code == 2
    assert reviewer("queries", "erase", "--from-key", "nobody", "--filter", "verdict = none", "--json").json == {
        "erased": 0
    }
    assert reviewer("queries", "erase", "--filter", "outcome = unknown OR outcome = identified").out == "1 erased\n"
    assert ids(reviewer) == []


def test_a_server_that_keeps_nothing_says_what_to_do(
    steeple: Steeple, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEEPLE_SERVER", address)
    assert steeple("queries", "list", "--json").json == []
    assert "steeple serve --keep-queries unknown" in steeple("queries", "list").err
    assert steeple("queries", "show", "20270131-120000123-x7kq2m4a").code == 4
    assert steeple("queries", "erase", "--all").out == "0 erased\n"


def test_usage(reviewer: Steeple, keeping: str) -> None:
    before = reviewer("usage", "--json").json
    assert reviewer("landmarks", "create", "Mill", "--id", "mill").code == 0
    with Client(keeping) as client:
        client.add_reference_image("mill", features(8))
        for number in (8, 8, 9):
            client.identify(features(number))
    month = f"{datetime.now(UTC):%Y-%m}"
    found = reviewer("usage", "--month", month, "--json").json
    assert found["identified"] - before["identified"] == 2
    assert found["unknown"] - before["unknown"] == 1
    assert {"landmark": "landmarks/mill", "display_name": "Mill", "identified": 2} in found["landmarks"]
    assert month in reviewer("usage").out
    assert "landmarks/mill" in reviewer("usage", "--by", "landmark", "--limit", 5).out
    assert reviewer("usage", "--by", "key").code == 0
    assert f"{month}" in reviewer("landmarks", "show", "mill").out
    assert reviewer("usage", "--month", "2020-01").err.strip() == "no query was answered"
    assert reviewer("usage", "--month", "yesterday").code == 2
    assert reviewer("usage", "--by", "moon").code == 2


def test_queries_that_show_the_same_are_grouped(reviewer: Steeple, keeping: str) -> None:
    with Client(keeping) as client:
        for seed in (301, 302, 301):
            client.identify(features(seed))
    newest = ids(reviewer, "--limit", "3")
    assert len(newest) == 3
    found = reviewer("queries", "group", "--limit", "3", "--json").json
    assert [[query["id"] for query in group["queries"]] for group in found["groups"]] == [[newest[0], newest[2]]]
    assert (found["compared"], found["waiting"], found["unusable"]) == (3, 0, 0)
    told = reviewer("queries", "group", "--limit", "3")
    assert newest[2] in told.out
    assert "2 of 3 queries are alike others" in told.err
    assert reviewer("queries", "group", "--limit", "201").code == 2
