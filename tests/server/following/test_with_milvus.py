"""What one replica has changed, another finds in the Milvus that both share."""

from __future__ import annotations

import logging
import statistics
import time
from functools import partial

import pytest

from steeple.server.catalogue import LandmarkDraft
from tests.server.conftest import MakeFeatures
from tests.server.following.conftest import OpenReplica, finds, misses, until

pytestmark = pytest.mark.engines

log = logging.getLogger(__name__)


def test_an_image_is_found_and_then_not_through_another_replica(
    open_replica: OpenReplica, make_features: MakeFeatures, milvus_uri: str, milvus_prefix: str
) -> None:
    one, two = (open_replica(name, milvus_uri=milvus_uri, milvus_prefix=milvus_prefix) for name in ("one", "two"))
    one.catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
    took, added, removed = [], [], []
    for number in range(7):
        features = make_features(number)
        began = time.monotonic()
        one.ingest.create_image("tower", features, image_id=f"image-{number}")
        took.append(time.monotonic() - began)
        assert finds(one, features), "at once, where it was added"
        added.append(until(partial(finds, two, features)))
        one.ingest.delete_image("tower", f"image-{number}")
        assert misses(one, features)
        removed.append(until(partial(misses, two, features)))
    medians = [statistics.median(times) for times in (took, added, removed)]
    log.info("median %.3f s to add, %.3f s until found elsewhere, %.3f s until not", *medians)
