"""Requests of every method: valid ones to begin with, and what is made of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from steeple.delf import compact, wire
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.server.api.lifecycle import SERVICES
from steeple.v1 import audit_service_pb2 as audit
from steeple.v1 import catalog_service_pb2 as catalog
from steeple.v1 import explain_service_pb2, key_service_pb2
from steeple.v1 import feedback_service_pb2 as feedback
from steeple.v1 import visual_search_service_pb2 as search
from steeple.v1.features_pb2 import CompactFeatureSet, FeatureSet
from steeple.v1.landmark_pb2 import AliasNames, Landmark, LatLng, ReferenceImage
from steeple.v1.review_service_pb2 import Feedback, KeptQuery
from tests.fuzz.catalogue import features
from tests.fuzz.job_requests import LANDMARK, job_requests
from tests.fuzz.known import Known
from tests.fuzz.mutations import Random, damaged, disturb
from tests.fuzz.people_requests import people_requests
from tests.fuzz.photos import tiny_photos

IMAGE = f"{LANDMARK}/images/one"
LATER = Timestamp(seconds=4_000_000_000)
UUID = "0e8f5b1c-0f6c-4b4e-9d1e-9a5c4f0f3c{:02x}"


def methods() -> dict[str, MethodDescriptor]:
    """Every method of the contract, by ``{service}/{method}``."""
    pool = descriptor_pool.Default()
    return {f"{name}/{one.name}": one for name in SERVICES for one in pool.FindServiceByName(name).methods}


def request_class(method: str) -> type[Message]:
    """The class of a method's requests."""
    return message_factory.GetMessageClass(methods()[method].input_type)


@functools.cache
def feature_message() -> FeatureSet:
    """Twenty features."""
    return wire.pack(features(20))


@functools.cache
def compact_message() -> CompactFeatureSet:
    """One of them, coded shortly."""
    return compact.pack(features(1), ModelRelease.load(DEFAULT_RELEASE), 256)


def landmark(**more: Any) -> Landmark:
    """With every field that is read."""
    given: dict[str, Any] = {
        "display_name": "Tower",
        "description": "It stands.",
        "location": LatLng(latitude=48.8, longitude=2.3),
        "metadata": {"wikidata": "Q243"},
        "aliases": {"fr": AliasNames(names=["Tour"])},
        "labels": ["tower"],
        "active": True,
    }
    return Landmark(**{**given, **more})


def query(**source: Any) -> search.Query:
    """With every option."""
    near = search.Restriction(near=LatLng(latitude=1, longitude=2), radius_meters=1000, metadata={"wikidata": "Q243"})
    return search.Query(max_candidates=3, include_matches=True, restriction=near, **source)


def valid_requests(known: Known) -> dict[str, list[Message]]:
    """Of each method; of those with several sources, one for each.

    Args:
        known: What there is.
    """
    sources: list[dict[str, Any]] = [
        {"features": feature_message()},
        {"compact_features": compact_message()},
        {"image": tiny_photos()[0]},
    ]
    listing: dict[str, Any] = {
        "page_size": 2,
        "filter": "id = tower",
        "order_by": "create_time desc",
        "show_deleted": True,
    }
    key = key_service_pb2.Key(
        display_name="A phone",
        scope=key_service_pb2.Key.SCOPE_DEVICE,
        expire_time=LATER,
        limits=key_service_pb2.KeyLimits(requests_per_second=5, burst=9, monthly_identifications=100),
    )
    changed = key_service_pb2.Key()
    changed.CopyFrom(key)
    changed.name = known.key
    made: dict[str, Sequence[Message]] = {
        "VisualSearchService/Identify": [search.IdentifyRequest(query=query(**one)) for one in sources],
        "VisualSearchService/IdentifyStream": [
            search.IdentifyStreamRequest(frame_id=1, query=query(**one), more=False) for one in sources
        ],
        "VisualSearchService/GetModel": [search.GetModelRequest(name=f"models/{DEFAULT_RELEASE}")],
        "VisualSearchService/ListModels": [search.ListModelsRequest()],
        "ExplainService/ExplainIdentify": [
            explain_service_pb2.ExplainIdentifyRequest(query=query(**one)) for one in sources
        ],
        "FeedbackService/SendFeedback": [
            feedback.SendFeedbackRequest(
                query=query(**one),
                feedback=Feedback(
                    verdict=KeptQuery.VERDICT_LANDMARK,
                    landmark=LANDMARK,
                    shown_landmark="landmarks/none",
                    suggested_name="Tower",
                    note="It leans.",
                    location=LatLng(latitude=1, longitude=2),
                ),
                request_id=UUID.format(80 + number),
            )
            for number, one in enumerate(sources)
        ],
        "FeedbackService/ProposePhoto": [
            feedback.ProposePhotoRequest(
                image=tiny_photos()[0],
                suggested_name="Tower",
                note="It leans.",
                location=LatLng(latitude=1, longitude=2),
                request_id=UUID.format(83),
            )
        ],
        "CatalogService/CreateLandmark": [
            catalog.CreateLandmarkRequest(landmark=landmark(), request_id=UUID.format(1))
        ],
        "CatalogService/BatchCreateLandmarks": [
            catalog.BatchCreateLandmarksRequest(
                requests=[catalog.CreateLandmarkRequest(landmark=landmark())] * 2, request_id=UUID.format(2)
            )
        ],
        "CatalogService/GetLandmark": [catalog.GetLandmarkRequest(name=LANDMARK)],
        "CatalogService/GetCoverage": [catalog.GetCoverageRequest(name=LANDMARK)],
        "CatalogService/ListLandmarks": [catalog.ListLandmarksRequest(**listing)],
        "CatalogService/UpdateLandmark": [
            catalog.UpdateLandmarkRequest(
                landmark=landmark(name=LANDMARK),
                update_mask=FieldMask(
                    paths=["display_name", "description", "location", "metadata", "aliases", "labels", "active"]
                ),
            ),
            catalog.UpdateLandmarkRequest(landmark=landmark(name=LANDMARK), request_id=UUID.format(3)),
        ],
        "CatalogService/DeleteLandmark": [
            catalog.DeleteLandmarkRequest(name=LANDMARK, etag="other", request_id=UUID.format(4))
        ],
        "CatalogService/UndeleteLandmark": [catalog.UndeleteLandmarkRequest(name=LANDMARK, request_id=UUID.format(5))],
        "CatalogService/CreateReferenceImage": [
            catalog.CreateReferenceImageRequest(
                parent=LANDMARK,
                reference_image=ReferenceImage(metadata={"photographer": "Ada"}),
                duplicate_policy=catalog.DUPLICATE_POLICY_REFUSE,
                request_id=UUID.format(16 + number),
                **source,
            )
            for number, source in enumerate((sources[0], sources[2]))
        ],
        "CatalogService/GetReferenceImage": [catalog.GetReferenceImageRequest(name=IMAGE)],
        "CatalogService/ListReferenceImages": [
            catalog.ListReferenceImagesRequest(
                parent=LANDMARK, page_size=2, filter="quality_grade < 3", order_by="identify_count", show_deleted=True
            )
        ],
        "CatalogService/UpdateReferenceImage": [
            catalog.UpdateReferenceImageRequest(
                reference_image=ReferenceImage(
                    name=IMAGE,
                    metadata={"photographer": "Ada"},
                    capture_location=LatLng(latitude=1, longitude=2),
                    capture_time="2024-05-01T12:30:00",
                ),
                update_mask=FieldMask(paths=["metadata", "capture_location", "capture_time"]),
                request_id=UUID.format(6),
            )
        ],
        "CatalogService/DeleteReferenceImage": [
            catalog.DeleteReferenceImageRequest(name=IMAGE, etag="other", request_id=UUID.format(7))
        ],
        "CatalogService/BatchDeleteReferenceImages": [
            catalog.BatchDeleteReferenceImagesRequest(names=[f"{LANDMARK}/images/none"], request_id=UUID.format(8))
        ],
        "CatalogService/BatchUpdateLandmarks": [
            catalog.BatchUpdateLandmarksRequest(
                names=[LANDMARK],
                add_labels=["tall"],
                remove_labels=["small"],
                set_metadata={"wikidata": "Q243"},
                remove_metadata=["photographer"],
                active=True,
                description="It stands.",
                request_id=UUID.format(90),
            )
        ],
        "CatalogService/BatchDeleteLandmarks": [
            catalog.BatchDeleteLandmarksRequest(names=["landmarks/none"], force=True, request_id=UUID.format(91))
        ],
        "CatalogService/ListLandmarkClusters": [
            catalog.ListLandmarkClustersRequest(
                filter="labels:tower",
                southwest=LatLng(latitude=40, longitude=-10),
                northeast=LatLng(latitude=60, longitude=30),
                zoom=3,
            )
        ],
        "CatalogService/UndeleteReferenceImage": [
            catalog.UndeleteReferenceImageRequest(name=IMAGE, request_id=UUID.format(9))
        ],
        "CatalogService/DownloadReferenceImage": [catalog.DownloadReferenceImageRequest(name=IMAGE, original=True)],
        "CatalogService/GetReferenceImageThumbnail": [catalog.GetReferenceImageThumbnailRequest(name=IMAGE)],
        "CatalogService/UndoChange": [
            catalog.UndoChangeRequest(name=known.event, request_id=UUID.format(10)),
        ],
        "KeyService/CreateKey": [key_service_pb2.CreateKeyRequest(key=key)],
        "KeyService/GetKey": [key_service_pb2.GetKeyRequest(name=known.key)],
        "KeyService/ListKeys": [key_service_pb2.ListKeysRequest(page_size=2)],
        "KeyService/UpdateKey": [
            key_service_pb2.UpdateKeyRequest(key=changed, update_mask=FieldMask(paths=["display_name", "limits"])),
            key_service_pb2.UpdateKeyRequest(key=changed),
        ],
        "KeyService/RevokeKey": [key_service_pb2.RevokeKeyRequest(name="keys/none")],
        "KeyService/RotateKey": [
            key_service_pb2.RotateKeyRequest(name=known.key, old_expire_time=LATER, new_expire_time=LATER)
        ],
        "AuditService/ListAuditEvents": [
            audit.ListAuditEventsRequest(
                page_size=2,
                resource=LANDMARK,
                actor="open",
                method="steeple.v1.CatalogService/",
                outcomes=["OK", "ABORTED"],
                batch=known.event,
                start_time=Timestamp(seconds=1),
                end_time=LATER,
            )
        ],
        **job_requests(known, landmark, UUID),
        **people_requests(known),
    }
    found = {f"steeple.v1.{method}": list(each) for method, each in made.items()}
    return {**{method: [request_class(method)()] for method in methods()}, **found}


@dataclass(frozen=True)
class FuzzedRequest:
    """What is sent.

    Attributes:
        method: ``{service}/{method}``.
        messages: Encoded; one, or of a stream several.
        metadata: Beside the key.
    """

    method: str
    messages: tuple[bytes, ...]
    metadata: tuple[tuple[str, str | bytes], ...]


def fuzzed_requests(random: Random, texts: Sequence[str], known: Known) -> Iterator[FuzzedRequest]:
    """Requests without end: valid ones with fields set anew, with bytes damaged, and noise.

    Args:
        random: Chooses.
        texts: Names, tokens and the like that mean something to the server asked.
        known: What there is, and may come to harm.
    """
    valid, files = (
        valid_requests(known),
        [*tiny_photos(), feature_message().descriptors, feature_message().geometry, b""],
    )
    streams = {method for method, descriptor in methods().items() if descriptor.client_streaming}
    names = sorted(valid)
    while True:
        method = random.choice(names)
        count = random.randint(1, 4) if method in streams else 1
        messages = tuple(_fuzzed(valid[method], random, texts, files) for _ in range(count))
        yield FuzzedRequest(method, messages, _metadata(random))


def _fuzzed(valid: Sequence[Message], random: Random, texts: Sequence[str], files: Sequence[bytes]) -> bytes:
    base = random.choice(valid)
    message = type(base)()
    message.CopyFrom(base)
    how = random.random()
    if how < 0.4 and "request_id" in message.DESCRIPTOR.fields_by_name:
        message.ClearField("request_id")  # or it is refused for having been used with other content
    if message.DESCRIPTOR.fields and how < 0.75:
        disturb(message, random, texts, files)
    encoded = message.SerializeToString()
    if how > 0.95:
        return random.randbytes(random.randrange(200))
    return damaged(encoded, random, files) if how > 0.7 else encoded


def _metadata(random: Random) -> tuple[tuple[str, str | bytes], ...]:
    if random.random() < 0.8:
        return ()
    printable = "".join(chr(random.randrange(0x20, 0x7F)) for _ in range(random.choice((1, 20, 300))))
    return random.choice(
        (
            (("x-request-id", printable),),
            (("traceparent", random.choice(("00-" + "0" * 32 + "-" + "0" * 16 + "-01", printable))),),
            (("x-bytes-bin", random.randbytes(50)),),
            (("grpc-accept-encoding", "gzip"), ("user-agent", printable)),
            (("authorization", "Bearer stp_k2_" + printable),),
            (("authorization", printable),),
        )
    )
