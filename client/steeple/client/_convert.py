"""Protocol messages to the SDK's types, and resource names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from google.protobuf.duration_pb2 import Duration
from numpy.typing import NDArray

from steeple.client._requests import prefixed
from steeple.client._times import to_time
from steeple.client.explanation import Evidence, ExplainedImage, Explanation, Verdict
from steeple.client.resources import Duplicate, DuplicateKind, ImageState, Landmark, LatLng, Quality, ReferenceImage
from steeple.client.server_info import IndexInfo, ServerInfo, UpkeepActivity, UpkeepInfo
from steeple.client.types import Answer, Candidate, Model, Timings
from steeple.client.usage import LandmarkUsage
from steeple.errors import InvalidArgumentError
from steeple.v1 import (
    catalog_service_pb2,
    explain_service_pb2,
    landmark_pb2,
    model_pb2,
    server_service_pb2,
    visual_search_service_pb2,
)

_ACTIVITIES: Final = {
    server_service_pb2.Upkeep.ACTIVITY_IDLE: UpkeepActivity.IDLE,
    server_service_pb2.Upkeep.ACTIVITY_SAVING: UpkeepActivity.SAVING,
    server_service_pb2.Upkeep.ACTIVITY_REBUILDING: UpkeepActivity.REBUILDING,
}
_STATES: Final = {
    landmark_pb2.ReferenceImage.STATE_PROCESSING: ImageState.PROCESSING,
    landmark_pb2.ReferenceImage.STATE_ACTIVE: ImageState.ACTIVE,
    landmark_pb2.ReferenceImage.STATE_FAILED: ImageState.FAILED,
    # A server of before there were states has none but searchable ones.
    landmark_pb2.ReferenceImage.STATE_UNSPECIFIED: ImageState.ACTIVE,
}
_DUPLICATE_KINDS: Final = {
    catalog_service_pb2.Duplicate.KIND_SAME_PHOTO: DuplicateKind.SAME_PHOTO,
    catalog_service_pb2.Duplicate.KIND_NEAR_DUPLICATE: DuplicateKind.NEAR_DUPLICATE,
    catalog_service_pb2.Duplicate.KIND_OTHER_LANDMARK: DuplicateKind.OTHER_LANDMARK,
}


_VERDICTS: Final = {
    number: Verdict[name.removeprefix("VERDICT_")] for name, number in explain_service_pb2.Verdict.items() if number
}


def landmark_name(landmark: str | Landmark) -> str:
    """``landmarks/{id}`` of an id, a name or a landmark."""
    return landmark.name if isinstance(landmark, Landmark) else prefixed("landmarks/", landmark)


def model_name(model: str | Model) -> str:
    """``models/{id}`` of an id, a name or a model."""
    return model.name if isinstance(model, Model) else prefixed("models/", model)


def reference_image_name(image: str | ReferenceImage) -> str:
    """``landmarks/{landmark}/images/{id}`` of a name or a reference image.

    Raises:
        InvalidArgumentError: If it is not the whole name.
    """
    name = image.name if isinstance(image, ReferenceImage) else image
    parts = name.split("/")
    if len(parts) != 4 or (parts[0], parts[2]) != ("landmarks", "images"):
        raise InvalidArgumentError(f"a reference image is named landmarks/{{landmark}}/images/{{image}}, not {name!r}")
    return name


def landmark_message(
    *,
    name: str = "",
    display_name: str = "",
    description: str = "",
    location: LatLng | None = None,
    metadata: Mapping[str, str] | None = None,
    aliases: Mapping[str, Sequence[str]] | None = None,
    labels: Iterable[str] = (),
    active: bool | None = None,
    etag: str = "",
) -> landmark_pb2.Landmark:
    """The message of a landmark to create, or of the fields to update."""
    return landmark_pb2.Landmark(
        name=name,
        display_name=display_name,
        description=description,
        location=point_message(location),
        metadata=dict(metadata or {}),
        aliases={language: landmark_pb2.AliasNames(names=names) for language, names in (aliases or {}).items()},
        labels=labels,
        active=active,
        etag=etag,
    )


def draft_message(landmark: Landmark) -> landmark_pb2.Landmark:
    """The message of a landmark to create; the id that it is to have goes beside it."""
    return landmark_message(
        display_name=landmark.display_name,
        description=landmark.description,
        location=landmark.location,
        metadata=landmark.metadata,
        aliases=landmark.aliases,
        labels=landmark.labels,
        active=landmark.active,
    )


def point_message(point: LatLng | None) -> landmark_pb2.LatLng | None:
    """The message of a point; None for None."""
    return None if point is None else landmark_pb2.LatLng(**point.to_dict())


def to_landmark(message: landmark_pb2.Landmark) -> Landmark:
    """A landmark of the catalogue."""
    return Landmark(
        name=message.name,
        display_name=message.display_name,
        description=message.description,
        location=to_place(message.location) if message.HasField("location") else None,
        metadata=dict(message.metadata),
        reference_image_count=message.reference_image_count,
        create_time=to_time(message.create_time) if message.HasField("create_time") else None,
        update_time=to_time(message.update_time) if message.HasField("update_time") else None,
        etag=message.etag,
        aliases={language: tuple(of_language.names) for language, of_language in message.aliases.items()},
        labels=tuple(message.labels),
        active=message.active if message.HasField("active") else True,
        delete_time=to_time(message.delete_time) if message.HasField("delete_time") else None,
        expire_time=to_time(message.expire_time) if message.HasField("expire_time") else None,
        usage=tuple(LandmarkUsage(month.month, month.identified_count) for month in message.usage),
    )


def to_reference_image(
    message: landmark_pb2.ReferenceImage, duplicates: Iterable[catalog_service_pb2.Duplicate] = ()
) -> ReferenceImage:
    """A reference image of the catalogue."""
    return ReferenceImage(
        name=message.name,
        model=message.model,
        width=message.width,
        height=message.height,
        feature_count=message.feature_count,
        sha256=message.sha256,
        size_bytes=message.size_bytes,
        media_type=message.media_type,
        metadata=dict(message.metadata),
        create_time=to_time(message.create_time) if message.HasField("create_time") else None,
        etag=message.etag,
        state=_STATES.get(message.state, ImageState.OTHER),
        state_reason=message.state_reason,
        capture_location=to_place(message.capture_location) if message.HasField("capture_location") else None,
        capture_time=message.capture_time,
        quality=Quality(message.quality.grade, tuple(message.quality.reasons)) if message.HasField("quality") else None,
        identify_count=message.identify_count,
        delete_time=to_time(message.delete_time) if message.HasField("delete_time") else None,
        expire_time=to_time(message.expire_time) if message.HasField("expire_time") else None,
        duplicates=tuple(
            Duplicate(one.reference_image, _DUPLICATE_KINDS.get(one.kind, DuplicateKind.OTHER), one.inliers)
            for one in duplicates
        ),
    )


def to_model(message: model_pb2.Model) -> Model:
    """A model release that the server serves."""
    return Model(
        name=message.name,
        tflite_sha256=message.tflite_sha256,
        descriptor_dimensions=message.descriptor_dimensions,
        pyramid_scales=tuple(message.pyramid_scales),
        min_pixels=message.min_pixels,
        max_pixels=message.max_pixels,
        max_features=message.max_features,
        default=message.default,
    )


def to_server_info(message: server_service_pb2.ServerInfo) -> ServerInfo:
    """What a server tells of itself."""
    index, upkeep = message.index, message.upkeep
    return ServerInfo(
        version=message.version,
        start_time=to_time(message.start_time),
        uptime=_milliseconds(message.uptime) / 1e3,
        models=tuple(message.models),
        index=IndexInfo(
            factory=index.factory,
            device=index.device,
            faiss_version=index.faiss_version,
            batching=index.batching,
            probes=index.probes,
            neighbours=index.neighbours,
            images=index.image_count,
            descriptors=index.descriptor_count,
            live_descriptors=index.live_descriptor_count,
            dead_descriptors=index.dead_descriptor_count,
            bytes_per_descriptor=index.bytes_per_descriptor,
            sequence=index.sequence,
            catalogue_sequence=index.catalogue_sequence,
        ),
        upkeep=UpkeepInfo(
            activity=_ACTIVITIES.get(upkeep.activity, UpkeepActivity.OTHER),
            images_done=upkeep.images_done,
            images_total=upkeep.images_total,
            waiting_for=upkeep.waiting_for,
        ),
        max_message_bytes=message.limits.max_message_bytes,
        max_image_pixels=message.limits.max_image_pixels,
    )


def to_answer(
    message: visual_search_service_pb2.Answer,
    *,
    request_bytes: int,
    device_extract: float | None,
    round_trip: float | None,
) -> Answer:
    """An answer; the last three are measured here, times in milliseconds."""
    server = message.timings
    timings = Timings(
        extract=_milliseconds(server.extract) if server.HasField("extract") else None,
        search=_milliseconds(server.search) if server.HasField("search") else None,
        verify=_milliseconds(server.verify) if server.HasField("verify") else None,
        total=_milliseconds(server.total) if server.HasField("total") else None,
        device_extract=device_extract,
        round_trip=round_trip,
    )
    return Answer(
        identified=message.outcome == visual_search_service_pb2.OUTCOME_IDENTIFIED,
        candidates=tuple(_candidate(candidate) for candidate in message.candidates),
        model=message.model,
        width=message.image_width,
        height=message.image_height,
        feature_count=message.feature_count,
        timings=timings,
        request_bytes=request_bytes,
    )


def to_explanation(message: explain_service_pb2.Explanation) -> Explanation:
    """Why an answer is what it is."""
    return Explanation(
        identified=message.outcome == visual_search_service_pb2.OUTCOME_IDENTIFIED,
        model=message.model,
        width=message.image_width,
        height=message.image_height,
        feature_count=message.feature_count,
        bias=message.bias,
        threshold=message.threshold,
        images=tuple(_explained_image(image) for image in message.images),
    )


def _explained_image(message: explain_service_pb2.ExplainedImage) -> ExplainedImage:
    return ExplainedImage(
        reference_image=message.reference_image,
        landmark=to_landmark(message.landmark),
        verdict=_VERDICTS.get(message.verdict, Verdict.OTHER),
        votes=message.votes,
        matches=message.matches,
        inliers=message.inliers,
        distinct=message.distinct,
        evidence=tuple(Evidence(part.name, part.value, part.weight, part.contribution) for part in message.evidence),
        confidence=message.confidence if message.evidence else None,
        outline=_points(message.outline.points),
        query_points=_points(match.query for match in message.inlier_matches),
        reference_points=_points(match.reference for match in message.inlier_matches),
    )


def _candidate(message: visual_search_service_pb2.Candidate) -> Candidate:
    return Candidate(
        landmark=to_landmark(message.landmark),
        confidence=message.confidence,
        reference_image=message.reference_image,
        inliers=message.inliers,
        matches=message.matches,
        outline=_points(message.outline.points),
        query_points=_points(match.query for match in message.inlier_matches),
        reference_points=_points(match.reference for match in message.inlier_matches),
        reference_width=message.reference_width,
        reference_height=message.reference_height,
        thumbnail=message.thumbnail,
    )


def _points(points: Iterable[visual_search_service_pb2.Point]) -> NDArray[np.float32]:
    array = np.array([(point.x, point.y) for point in points], np.float32).reshape(-1, 2)
    array.flags.writeable = False
    return array


def to_place(point: landmark_pb2.LatLng) -> LatLng:
    """A point."""
    return LatLng(point.latitude, point.longitude)


def _milliseconds(duration: Duration) -> float:
    return duration.seconds * 1e3 + duration.nanos / 1e6
