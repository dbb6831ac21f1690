"""What calls a large catalogue is asked, and how long each takes, from request to response."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import grpc

from steeple.client import Client
from steeple.server.scale.catalogue_rows import LARGEST
from steeple.v1.catalog_service_pb2 import (
    GetLandmarkRequest,
    ListLandmarkClustersRequest,
    ListLandmarksRequest,
    ListReferenceImagesRequest,
)
from steeple.v1.catalog_service_pb2_grpc import CatalogServiceStub
from steeple.v1.landmark_pb2 import LatLng

_WALKED_AT_ONCE: Final = 1000
_DEADLINE: Final = 60.0  # seconds, of each call
_CHANGED: Final = 1000

LANDMARK_FILTERS: Final = (
    *("", "church", '"saint mary"', "eloi", "zzz", "b", "77", "NOT church", "names:bel"),
    *("labels:church", "labels:ruin", "NOT labels:church", "labels:*", "labels:church labels:tower"),
    *("metadata:city", "metadata.wikidata = Q777", "metadata.wikidata != Q777", "metadata.source = synthetic"),
    *("active = true", "active = false", "reference_image_count < 5", "reference_image_count >= 9"),
    *("create_time >= 2025-12-01", "create_time < 2025-01-01", "update_time >= 2024-01-01"),
    *("id = synthetic-77", 'display_name = "Tower of Saint Mary, Rome 1"', "display_name != x"),
    "labels:church active = true reference_image_count < 8 create_time > 2024-06-01",
    "church OR labels:ruin OR metadata.wikidata = Q777",
)
LANDMARK_ORDERS: Final = (
    *("", "id desc", "display_name", "display_name desc", "reference_image_count", "reference_image_count desc"),
    *("create_time", "create_time desc", "update_time", "update_time desc", "reference_image_count desc, display_name"),
)
FILTERED_ORDERS: Final = (
    *(("church", "create_time desc"), ("labels:church", "update_time desc"), ("labels:ruin", "reference_image_count")),
    *(("reference_image_count < 5", "display_name"), ("active = true", "reference_image_count desc")),
    *(('"saint mary"', "reference_image_count desc"), ("reference_image_count > 30", "create_time desc")),
)
IMAGE_FILTERS: Final = (
    *("", "quality_grade < 3", "metadata.photographer = p3", "metadata:photographer", "identify_count > 50"),
    *("media_type = image/png", "feature_count < 100", "create_time >= 2025-06-01", "model = models/synthetic-rows"),
)
IMAGE_ORDERS: Final = (
    *("", "id desc", "create_time", "create_time desc", "feature_count desc", "identify_count", "identify_count desc"),
)

_T = TypeVar("_T")


@dataclass(frozen=True)
class MeasuredCall:
    """A call and how long it took.

    Attributes:
        kind: What is called.
        asked: With what.
        median_ms: Of all runs.
        slowest_ms: Of all runs.
        total: Items that there are of what is asked for; None: that is not told.
        bound: Whether it is one of those that a person waits for.
    """

    kind: str
    asked: str
    median_ms: float
    slowest_ms: float
    total: int | None = None
    bound: bool = True


class CatalogueCalls:
    """Asks a server that has a synthetic catalogue.

    Args:
        address: ``HOST:PORT``.
        runs: Of each call.
    """

    def __init__(self, address: str, runs: int) -> None:
        self._runs = runs
        self._channel = grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)])
        self._catalog = CatalogServiceStub(self._channel)

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()

    def reads(self) -> Iterator[MeasuredCall]:
        """What lists, filters, orders, searches and maps."""
        for text in LANDMARK_FILTERS:
            yield self._landmarks_list("filter", text or "(all)", filter=text)
        for order in LANDMARK_ORDERS:
            yield self._landmarks_list("order", order or "(by id)", order_by=order)
        for text, order in FILTERED_ORDERS:
            yield self._landmarks_list("filter, order", f"{text}, {order}", filter=text, order_by=order)
        yield self._landmarks_list("deleted too", "create_time desc", order_by="create_time desc", show_deleted=True)
        yield self._landmarks_list("page of 1000", "(all)", page_size=1000)
        for order in LANDMARK_ORDERS:
            yield self._deep_landmarks("", order)
        for text, order in FILTERED_ORDERS:
            yield self._deep_landmarks(text, order)
        for text in IMAGE_FILTERS:
            yield self._images_list("images, filter", text or "(all)", filter=text)
        for order in IMAGE_ORDERS:
            yield self._images_list("images, order", order or "(by id)", order_by=order)
        for order in IMAGE_ORDERS:
            yield self._deep_images(order)
        yield self._timed(
            "one landmark", LARGEST, lambda: self._catalog.GetLandmark(GetLandmarkRequest(name=f"landmarks/{LARGEST}"))
        )
        yield from self._maps()

    def writes(self, client: Client) -> Iterator[MeasuredCall]:
        """What changes landmarks; what it adds, it deletes."""
        made: list[str] = []
        add = self._timed("write", "CreateLandmark", lambda: made.append(client.create_landmark("Measured").name))
        yield self._unbound(add)
        change = self._timed(
            "write", "UpdateLandmark", lambda: client.update_landmark(made[0], description=f"at {time.monotonic_ns()}")
        )
        yield self._unbound(change)
        remove = iter(made)
        yield self._unbound(self._timed("write", "DeleteLandmark", lambda: client.delete_landmark(next(remove))))
        page = self._catalog.ListLandmarks(ListLandmarksRequest(page_size=_CHANGED))
        names = [landmark.name for landmark in page.landmarks]
        turns = iter(range(2 * self._runs))

        def label() -> None:
            adding = next(turns) % 2 == 0
            client.batch_update_landmarks(
                names, add_labels=["measured"] if adding else (), remove_labels=() if adding else ["measured"]
            )

        yield self._unbound(self._timed("write", f"BatchUpdateLandmarks of {len(names)}", label))
        client.batch_update_landmarks(names, remove_labels=["measured"])

    def _landmarks_list(self, kind: str, asked: str, **given: object) -> MeasuredCall:
        request = ListLandmarksRequest(**given)  # type: ignore[arg-type]  # fields of it
        return self._timed(kind, asked, lambda: self._catalog.ListLandmarks(request, timeout=_DEADLINE))

    def _images_list(self, kind: str, asked: str, **given: object) -> MeasuredCall:
        request = ListReferenceImagesRequest(parent=f"landmarks/{LARGEST}", **given)  # type: ignore[arg-type]
        return self._timed(kind, asked, lambda: self._catalog.ListReferenceImages(request, timeout=_DEADLINE))

    def _deep_landmarks(self, text: str, order: str) -> MeasuredCall:
        request = ListLandmarksRequest(page_size=_WALKED_AT_ONCE, filter=text, order_by=order)
        left = None
        while left is None or left > 0:
            page = self._catalog.ListLandmarks(request, timeout=_DEADLINE)
            left = (page.total_size // 2 if left is None else left) - len(page.landmarks)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        request.page_size = 0
        asked = ", ".join(each for each in (text, order or "(by id)") if each)
        return self._timed("page in the middle", asked, lambda: self._catalog.ListLandmarks(request, timeout=_DEADLINE))

    def _deep_images(self, order: str) -> MeasuredCall:
        request = ListReferenceImagesRequest(parent=f"landmarks/{LARGEST}", page_size=_WALKED_AT_ONCE, order_by=order)
        left = None
        while left is None or left > 0:
            page = self._catalog.ListReferenceImages(request, timeout=_DEADLINE)
            left = (page.total_size // 2 if left is None else left) - len(page.reference_images)
            if not page.next_page_token:
                break
            request.page_token = page.next_page_token
        request.page_size = 0
        return self._timed(
            "images, page in the middle",
            order or "(by id)",
            lambda: self._catalog.ListReferenceImages(request, timeout=_DEADLINE),
        )

    def _maps(self) -> Iterator[MeasuredCall]:
        for zoom, text, part in (
            (0, "", False),
            (4, "", False),
            (4, "labels:church", False),
            (4, "church", False),
            (8, "", True),
            (8, "active = true reference_image_count < 5", True),
        ):
            request = ListLandmarkClustersRequest(zoom=zoom, filter=text)
            if part:
                request.southwest.CopyFrom(LatLng(latitude=40, longitude=-10))
                request.northeast.CopyFrom(LatLng(latitude=60, longitude=30))
            where = "a continent" if part else "the earth"
            call = partial(self._catalog.ListLandmarkClusters, request, timeout=_DEADLINE)
            yield self._timed("map", ", ".join(each for each in (f"zoom {zoom}", where, text) if each), call)

    def _timed(self, kind: str, asked: str, call: Callable[[], _T]) -> MeasuredCall:
        milliseconds = []
        answer: object = None
        for _ in range(self._runs):
            began = time.perf_counter()
            answer = call()
            milliseconds.append(1000 * (time.perf_counter() - began))
        total = getattr(answer, "total_size", getattr(answer, "landmark_count", None))
        return MeasuredCall(kind, asked, statistics.median(milliseconds), max(milliseconds), total)

    def _unbound(self, call: MeasuredCall) -> MeasuredCall:
        return MeasuredCall(call.kind, call.asked, call.median_ms, call.slowest_ms, bound=False)
