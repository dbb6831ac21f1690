"""Kept queries are put together by what they show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import grpc
import pytest

from steeple.delf.features import FeatureSet
from steeple.server.review import groups
from steeple.v1 import review_service_pb2 as api
from tests.known_photos import seen_from
from tests.scenes import encoded, scene

from .conftest import Refused, Running, Start
from .test_keeping import ask, kept, review_of, stub

MakeFeatures = Callable[..., FeatureSet]
PICTURES = ("hall", "square", "hall, from the left", "hall, from the right")


@pytest.fixture
def database_url(catalogue_url: str) -> str:
    return catalogue_url


@pytest.fixture(scope="module")
def photos() -> dict[str, bytes]:
    """Three views of one thing, and one of another."""
    hall, square = (scene(seed, 520, 420) for seed in (700, 702))
    views = (hall, square, seen_from(hall, 2), seen_from(hall, -2))
    return {name: encoded(view[60:-60, 60:-60].copy(), ".jpg") for name, view in zip(PICTURES, views, strict=True)}


@pytest.fixture
async def keeping(start: Start) -> AsyncIterator[Running]:
    async with start(keep_queries="all", metrics_address=":0") as running:
        yield running


async def grouped(running: Running, **asked: object) -> api.GroupKeptQueriesResponse:
    (await review_of(running)).keeper.settle()
    found: api.GroupKeptQueriesResponse = await stub(running).GroupKeptQueries(
        api.GroupKeptQueriesRequest(**asked)  # type: ignore[arg-type]
    )
    return found


async def test_views_of_one_thing_are_one_group_and_go_when_they_are_erased(
    keeping: Running, photos: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MAX_NEW", 3)
    for photo in photos.values():
        await ask(keeping, photo)
    queries = {query.name: name for query, name in zip(await kept(keeping), PICTURES, strict=True)}
    first = await grouped(keeping)
    assert (first.compared_count, first.waiting_count, first.unusable_count, first.total_size) == (3, 1, 0, 4)
    found = await grouped(keeping)
    assert (found.compared_count, found.waiting_count) == (4, 0)
    (group,) = found.groups
    assert [queries[query.name] for query in group.kept_queries] == [PICTURES[3], PICTURES[2], PICTURES[0]]
    assert group.landmark == ""
    assert await grouped(keeping) == found, "again, out of memory"

    newest = await grouped(keeping, max_queries=2)
    assert (len(newest.groups), newest.compared_count, newest.total_size) == (1, 2, 4)
    assert (await grouped(keeping, filter="outcome = identified")).compared_count == 0

    grouper = (await keeping.server.ready()).query_groups
    assert grouper.remembered == 4
    await stub(keeping).EraseQueries(api.EraseQueriesRequest(names=[group.kept_queries[0].name]))
    assert grouper.remembered == 3, "what was erased is not in memory either"
    (left,) = (await grouped(keeping)).groups
    assert list(left.kept_queries) == list(group.kept_queries[1:])


async def test_queries_of_one_landmark_are_one_group(keeping: Running, make_features: MakeFeatures) -> None:
    await keeping.add("tower", make_features(1))
    await keeping.add_image("tower", make_features(2), "two")
    for number in (1, 2, 3):
        await ask(keeping, make_features(number))
    identified = await kept(keeping, filter="outcome = identified", order_by="id desc")
    (group,) = (await grouped(keeping)).groups
    assert (list(group.kept_queries), group.landmark) == (identified, "landmarks/tower")
    wrong = api.ReviewQueryRequest(name=identified[0].name, verdict=api.KeptQuery.VERDICT_WRONG)
    await stub(keeping).ReviewQuery(wrong)
    assert not (await grouped(keeping)).groups, "an answer that is wrong says nothing of what is shown"


async def test_what_cannot_be_compared_is_counted(
    keeping: Running, make_features: MakeFeatures, refused: Refused
) -> None:
    for number in (1, 1, 2):
        await ask(keeping, make_features(number))
    lost = (await kept(keeping))[2].name.removeprefix("queries/")
    (keeping.settings.data_dir / "queries" / lost).write_bytes(b"")
    found = await grouped(keeping)
    assert (len(found.groups), found.compared_count, found.unusable_count) == (1, 2, 1)
    for asked in ({"filter": "verdict = perhaps"}, {"max_queries": -1}):
        assert (await refused(grouped(keeping, **asked))).code is grpc.StatusCode.INVALID_ARGUMENT
