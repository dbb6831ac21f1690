"""What a query costs besides its search: bytes on the network, decoding, verification, the call itself, extraction."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Final

import cv2
import grpc
import numpy as np
from threadpoolctl import threadpool_limits

from steeple.delf import FeatureSet, ModelRelease, compact, wire
from steeple.delf.extractor import Extractor
from steeple.recognition import GalleryImage, Recogniser
from steeple.recognition.neighbours import Neighbours
from steeple.server.capacity.measured import QueryBytes, VerificationCost
from steeple.server.index.exact import ExactIndex
from steeple.server.scale.photos import QUERY_IMAGES, SyntheticPhotos
from steeple.server.scale.synthetic import SyntheticCatalogue, key_of
from steeple.server.scale.whole_queries import landmark_of
from steeple.v1 import features_pb2

BUDGETS: Final = (0, 4096, 1024)
"""Bytes; 0: a whole query."""

SHARES: Final = (0.3, 0.6, 1.0)
"""Of the features of a query, that it is verified with."""

_SIZE: Final = (480, 640)  # rows and columns of a photo
_METHOD: Final = "/steeple.benchmark/Echo"
_CALLS: Final = 200


def extracted(release: ModelRelease, runs: int) -> tuple[FeatureSet, float]:
    """Features of a photo of noise, of 640x480, and the median seconds of a processor that they took."""
    noise = np.random.default_rng(1).integers(0, 256, (*_SIZE, 3)).astype(np.uint8)
    photo = cv2.imencode(".jpg", cv2.GaussianBlur(noise, (0, 0), 2))[1].tobytes()
    extractor, times = Extractor(release), []
    features = extractor.extract(photo)
    for _ in range(runs):
        began = time.process_time()
        extractor.extract(photo)
        times.append(time.process_time() - began)
    return features, statistics.median(times)


def measure_bytes(features: FeatureSet, release: ModelRelease, runs: int) -> list[QueryBytes]:
    """Packs a query into each of :data:`BUDGETS`, and reads it as a server does."""
    found = []
    for budget in BUDGETS:
        read: Callable[[bytes], FeatureSet]
        if budget:
            short = compact.pack(features, release, budget)
            sent, read = short.SerializeToString(), partial(_read_short, release)
        else:
            sent, read = wire.pack(features).SerializeToString(), _read_whole
        decode = _median(partial(read, sent), runs)
        found.append(QueryBytes(budget, len(sent), len(read(sent)), round(1e3 * decode, 3)))
    return found


def _read_short(release: ModelRelease, sent: bytes) -> FeatureSet:
    return compact.unpack(features_pb2.CompactFeatureSet.FromString(sent), release)


def _read_whole(sent: bytes) -> FeatureSet:
    return wire.unpack(features_pb2.FeatureSet.FromString(sent))


def measure_verification(
    release: ModelRelease, runs: int, advance: Callable[[], None] = lambda: None
) -> list[VerificationCost]:
    """Verifies queries that show one of 20 images, by an exact search among them; galleries are in memory.

    Args:
        release: Of the features.
        runs: Queries of each size.
        advance: Told of each.
    """
    catalogue = SyntheticCatalogue(release)
    photos = SyntheticPhotos(release.name, catalogue.image, QUERY_IMAGES)
    index = ExactIndex(release.name)
    gallery = {}
    for number in range(QUERY_IMAGES):
        index.add(key_of(number), catalogue.image(number))
        gallery[key_of(number)] = GalleryImage(landmark_of(number), photos.photo(number))

    def images(keys: Sequence[int]) -> dict[int, GalleryImage]:
        return {int(key): gallery[key] for key in keys}

    recogniser = Recogniser(release, index, images)
    with threadpool_limits(limits=1):  # threads that wait for each other would count as busy
        return [_verified(recogniser, index, photos, share, runs, advance) for share in SHARES]


def _verified(
    recogniser: Recogniser,
    index: ExactIndex,
    photos: SyntheticPhotos,
    share: float,
    runs: int,
    advance: Callable[[], None],
) -> VerificationCost:
    times, count = [], 0
    for number in range(runs + 1):
        features = _part(photos.query(number, planted=number % 2 == 0).features, share)
        neighbours: Neighbours = index.search(features.unit_descriptors(), recogniser.release.index.neighbours)
        began = time.process_time()
        recogniser.recognise(features, neighbours)
        if number:  # the first warms up
            times.append(time.process_time() - began)
            advance()
        count = len(features)
    return VerificationCost(count, QUERY_IMAGES, round(1e3 * statistics.median(times), 3))


def _part(features: FeatureSet, share: float) -> FeatureSet:
    count = round(share * len(features))
    return replace(
        features,
        descriptors=features.descriptors[:count],
        keypoints=features.keypoints[:count],
        scales=features.scales[:count],
        scores=features.scores[:count],
    )


def measure_call(message_bytes: int) -> float:
    """Seconds of a processor of a call over a connection that carries so much and does nothing, client included."""
    payload = bytes(message_bytes)

    class Echo(grpc.GenericRpcHandler):
        def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
            def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
                return request[:2000]

            return grpc.unary_unary_rpc_method_handler(answer) if handler_call_details.method == _METHOD else None

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Echo()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = channel.unary_unary(_METHOD)
            call(payload)
            began = time.process_time()
            for _ in range(_CALLS):
                call(payload)
            return (time.process_time() - began) / _CALLS
    finally:
        server.stop(None).wait()


def _median(work: Callable[[], object], runs: int) -> float:
    work()
    times = []
    for _ in range(runs):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return statistics.median(times)
