"""Kept queries and usage, as the SDK has them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from steeple.client import ImageFile, KeptQuery, MonthlyUsage, QueryContent, QueryVerdict
from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.errors import InvalidArgumentError
from steeple.v1 import key_service_pb2, server_service_pb2
from steeple.v1 import review_service_pb2 as api
from steeple.v1.visual_search_service_pb2 import OUTCOME_IDENTIFIED

from .harness import Harness
from .peer import Peer


def kept(number: int) -> api.KeptQuery:
    message = api.KeptQuery(
        name=f"queries/q{number}",
        key="keys/k",
        outcome=OUTCOME_IDENTIFIED,
        candidates=[api.KeptCandidate(landmark="landmarks/a", confidence=0.5, inliers=9, matches=20)],
        content=api.KeptQuery.CONTENT_FEATURES,
        image_width=640,
        verdict=api.KeptQuery.VERDICT_LANDMARK,
        landmark="landmarks/b",
    )
    message.create_time.FromDatetime(datetime(2027, 1, number, tzinfo=UTC))
    return message


def test_queries_are_kept_unless_the_caller_says_otherwise(
    harness: Harness, client: Any, peer: Peer, features: FeatureSet
) -> None:
    client.identify(features)
    client.identify(features, keep=False)
    assert [request.query.no_keep for request in peer.calls("Identify")] == [False, True]
    seen: list[bool] = []

    def look(requests: Any, _: Any) -> Any:
        seen.extend(request.query.no_keep for request in requests)
        return iter(())

    peer.script("IdentifyStream", look)
    harness.take(client, harness.camera(iter([features])), 1, keep=False)
    assert seen == [True]


def test_kept_queries_come_in_pages(client: Any, peer: Peer) -> None:
    peer.kept_queries = [kept(number) for number in (1, 2, 3)]
    found: list[KeptQuery] = list(client.list_kept_queries(filter="verdict = none", order_by="id", page_size=2))
    assert [query.id for query in found] == ["q1", "q2", "q3"]
    assert [request.filter for request in peer.calls("ListKeptQueries")] == ["verdict = none"] * 2
    query = found[0]
    assert (query.identified, query.content, query.verdict) == (True, QueryContent.FEATURES, QueryVerdict.LANDMARK)
    assert (query.landmark, query.width, query.review_time) == ("landmarks/b", 640, None)
    assert query.best is not None
    assert (query.best.landmark, query.best.inliers) == ("landmarks/a", 9)
    told = json.loads(json.dumps(query.to_dict()))
    assert (told["id"], told["create_time"], told["verdict"]) == ("q1", "2027-01-01T00:00:00+00:00", "landmark")
    assert told["candidates"][0]["confidence"] == 0.5


def test_kept_queries_come_in_groups(client: Any, peer: Peer) -> None:
    peer.kept_queries = [kept(2), kept(1)]
    found = client.group_kept_queries(filter="verdict = none", max_queries=20)
    (asked,) = peer.calls("GroupKeptQueries")
    assert (asked.filter, asked.max_queries) == ("verdict = none", 20)
    assert (found.compared, found.waiting, found.unusable, found.total_size) == (3, 2, 1, 7)
    (group,) = found.groups
    assert ([query.id for query in group.queries], group.landmark) == (["q2", "q1"], "landmarks/a")
    told = json.loads(json.dumps(found.to_dict()))
    assert (told["groups"][0]["queries"][0]["id"], told["waiting"]) == ("q2", 2)
    with pytest.raises(InvalidArgumentError, match="1 to 200"):
        client.group_kept_queries(max_queries=0)


def test_what_a_newer_server_has_is_borne(client: Any, peer: Peer) -> None:
    message = api.KeptQuery.FromString(b"\x60\x63\x78\x63")  # content and verdict 99
    peer.kept_queries = [message]
    (query,) = client.list_kept_queries()
    assert (query.content, query.verdict, query.best) == (QueryContent.OTHER, QueryVerdict.OTHER, None)
    with pytest.raises(InvalidArgumentError, match="a verdict is one of none, right"):
        client.review_query(query, QueryVerdict.OTHER)
    with pytest.raises(InvalidArgumentError, match="not 'perhaps'"):
        client.review_query("q1", "perhaps")
    assert peer.calls("ReviewQuery") == []


def test_queries_are_downloaded_reviewed_and_erased(client: Any, peer: Peer, features: FeatureSet) -> None:
    assert client.download_kept_query("q1") == ImageFile(b"photo", "image/jpeg")
    peer.script("DownloadKeptQuery", lambda *_: api.DownloadKeptQueryResponse(features=wire.pack(features)))
    found = client.download_kept_query("queries/q1")
    assert isinstance(found, FeatureSet)
    assert len(found) == len(features)
    assert [request.name for request in peer.calls("DownloadKeptQuery")] == ["queries/q1"] * 2
    assert client.get_kept_query_thumbnail("q1") == ImageFile(b"small", "image/jpeg")
    assert client.get_kept_query("q1").name == "queries/q1"
    reviewed = client.review_query("q1", "landmark", landmark="b")
    assert (reviewed.verdict, reviewed.landmark) == (QueryVerdict.LANDMARK, "landmarks/b")
    client.promote_query(reviewed, refuse_duplicates=True)
    (request,) = peer.calls("PromoteQuery")
    assert (request.name, request.duplicate_policy, len(request.request_id)) == ("queries/q1", 2, 36)
    assert client.erase_queries(["q1", reviewed]) == 2
    client.erase_queries(key="k")
    client.erase_queries(filter="verdict = right")
    client.erase_queries(everything=True)
    assert [(list(one.names), one.key, one.filter, one.all) for one in peer.calls("EraseQueries")] == [
        (["queries/q1"] * 2, "", "", False),
        ([], "keys/k", "", False),
        ([], "", "verdict = right", False),
        ([], "", "", True),
    ]


def test_usage(client: Any, peer: Peer) -> None:
    peer.usage = server_service_pb2.GetUsageResponse(
        months=[
            key_service_pb2.MonthlyUsage(month="2027-02", identified_count=3, unknown_count=1),
            key_service_pb2.MonthlyUsage(month="2027-01", identified_count=2, unknown_count=0),
        ],
        keys=[server_service_pb2.KeyUsage(key="keys/k", identified_count=4)],
        landmarks=[server_service_pb2.IdentifiedLandmark(landmark="landmarks/a", identified_count=5)],
    )
    usage = client.usage("2027-02", max_landmarks=7)
    assert (peer.calls("GetUsage")[0].month, peer.calls("GetUsage")[0].max_landmarks) == ("2027-02", 7)
    assert usage.months[0] == MonthlyUsage("2027-02", 3, 1)
    assert (usage.identified, usage.unknown) == (5, 1)
    assert json.loads(json.dumps(usage.to_dict()))["keys"] == [{"key": "keys/k", "identified": 4, "unknown": 0}]
    with pytest.raises(InvalidArgumentError, match="max_landmarks must be 1 to 1000"):
        client.usage(max_landmarks=0)
