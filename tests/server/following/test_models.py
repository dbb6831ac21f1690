"""Another model release through one replica, while others serve, and add photos."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from steeple.server.batch_ingest import PreparedImage
from steeple.server.catalogue import LandmarkDraft, ReferenceImage
from steeple.server.catalogue.served_releases import PreparedModel
from steeple.server.engine import Engine
from steeple.server.operations import OperationState, Run
from tests.server.conftest import MakePhoto
from tests.server.following.conftest import OpenReplica, until

pytestmark = pytest.mark.engines

OLD, NEW = "delf-lite2-v1", "delf-lite0-v1"
METHOD = "steeple.v1.ModelService/Something"
PATIENCE = 120.0


def is_current(engine: Engine) -> bool:
    return set(engine.serving.sequences) == {engine.catalogue.sequence()}


def models(engine: Engine) -> list[str]:
    return [release.name for release in engine.models()]


def test_an_upgrade_through_one_replica_reaches_the_others_and_misses_no_photo(
    open_replica: OpenReplica, make_photo: MakePhoto
) -> None:
    one, two = open_replica("one", model=OLD), open_replica("two", model=OLD)
    one.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
    for number in range(3):
        one.ingest.create_image("a", make_photo(number), image_id=f"before-{number}")
    done, added = threading.Event(), list[ReferenceImage]()

    def add() -> None:
        """Through the other replica, for as long as the upgrade takes, and once more."""
        last = False
        while not last:
            last = done.is_set()
            number = len(added)
            added.append(two.ingest.create_image("a", make_photo(100 + number), image_id=f"meanwhile-{number}"))

    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(add)
        operation = one.upgrades.upgrade(NEW)
        finished = two.operations.wait(operation.id, PATIENCE)
        done.set()
        adding.result(PATIENCE)
    assert finished.state is OperationState.SUCCEEDED, finished.error_message
    until(lambda: models(one) == models(two) == [NEW, OLD], PATIENCE)
    assert one.catalogue.count_without(NEW) == 0
    assert one.catalogue.count_without(OLD) == 0
    keys = [image.key for image in added]
    for engine in (one, two):
        until(partial(is_current, engine))
        for served in engine.serving.all:
            assert served.keeper.index.stats().images == 3 + len(added)
    assert one.catalogue.features(keys, NEW).keys() == set(keys)
    # And out of service again, through the other one.
    retired = two.operations.wait(two.upgrades.retire(OLD).id, PATIENCE)
    assert retired.state is OperationState.SUCCEEDED, retired.error_message
    until(lambda: models(one) == models(two) == [NEW])
    image = one.ingest.create_image("a", make_photo(7), image_id="afterwards")
    assert image.model == NEW
    assert not one.catalogue.has_features(OLD)


def test_a_replica_that_has_not_heard_of_a_release_extracts_with_it_all_the_same(
    open_replica: OpenReplica, make_photo: MakePhoto
) -> None:
    one, two = open_replica("one", model=OLD), open_replica("two", model=OLD)
    two.followers.close()  # it hears of nothing
    one.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")

    def prepare(run: Run) -> Mapping[str, str]:
        until(run.stopped, PATIENCE)
        run.check()
        return {}

    for engine in (one, two):
        engine.operations.register(METHOD, prepare)
    preparing = one.operations.begin(METHOD, {})
    one.catalogue.prepare_model(PreparedModel(NEW, NEW), preparing.id)
    image = two.ingest.create_image("a", make_photo(1))
    ready = two.ingest.batches.prepare("a", make_photo(2))
    assert isinstance(ready, PreparedImage)
    (outcome,) = two.ingest.batches.create([ready], photo=lambda _: make_photo(2))
    assert outcome.image is not None
    assert two.catalogue.features([image.key, outcome.image.key], NEW).keys() == {image.key, outcome.image.key}
    # What prepares it has ended: it is not asked for any more.
    two.operations.cancel(preparing.id)
    assert one.operations.wait(preparing.id, PATIENCE).state is OperationState.CANCELLED
    assert one.catalogue.releases().prepared == ()
    later = one.ingest.create_image("a", make_photo(3))
    assert one.catalogue.features([later.key], NEW) == {}
