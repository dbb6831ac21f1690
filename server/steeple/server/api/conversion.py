"""Between the messages of ``steeple.v1`` and the records of the server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
from google.protobuf import duration_pb2
from numpy.typing import NDArray

from steeple.delf import compact, wire
from steeple.delf.features import DIMENSIONS, FeatureSet
from steeple.delf.release import ModelRelease
from steeple.errors import FeatureSetError, InvalidArgumentError
from steeple.server import identification
from steeple.server.api.names import image_name, model_name
from steeple.server.api.resources import landmark_message
from steeple.server.api.status import FIELD
from steeple.server.catalogue import LandmarkDraft, LatLng, Restriction
from steeple.v1 import (
    features_pb2,
    feedback_service_pb2,
    key_service_pb2,
    landmark_pb2,
    model_pb2,
    person_service_pb2,
    review_service_pb2,
    view_service_pb2,
    visual_search_service_pb2,
)

DEFAULT_CANDIDATES: Final = 5
MAX_CANDIDATES: Final = 100
MAX_THUMBNAILS: Final = 10

LANDMARK_FIELDS: Final = ("display_name", "description", "location", "metadata", "aliases", "labels", "active")
"""Of a landmark, those that an application sets."""

IMAGE_FIELDS: Final = ("metadata", "capture_location", "capture_time")
"""Of a reference image, those that an application changes."""

KEY_FIELDS: Final = ("display_name", "expire_time", "limits")
"""Of a key, those that an application changes."""

PERSON_FIELDS: Final = ("display_name", "role", "disabled", "oidc_subject")
"""Of a person, those that an application changes."""

VIEW_FIELDS: Final = ("display_name", "filter", "order_by", "layout", "shared")
"""Of a saved view, those that an application changes."""

_UPDATABLE: Final = {
    landmark_pb2.Landmark: LANDMARK_FIELDS,
    landmark_pb2.ReferenceImage: IMAGE_FIELDS,
    key_service_pb2.Key: KEY_FIELDS,
    person_service_pb2.Person: PERSON_FIELDS,
    view_service_pb2.View: VIEW_FIELDS,
}


def read_source(
    message: visual_search_service_pb2.Query, release_of: Callable[[str], ModelRelease]
) -> FeatureSet | bytes:
    """What a query searches with: features, or an encoded photo.

    Args:
        message: The query.
        release_of: Finds the release that made compact features, by its name.

    Raises:
        InvalidArgumentError: If there is neither, or the features are malformed.
        ModelMismatchError: If compact features are of a release that is not served.
    """
    match message.WhichOneof("source"):
        case "features":
            return read_features(message.features, "query.features")
        case "compact_features":
            with _inside("query.compact_features"):
                release = release_of(wire.model_of(message.compact_features.model))
                return compact.unpack(message.compact_features, release)
        case "image":
            return message.image
    raise InvalidArgumentError(
        "a query needs a source: set features, compact_features or image", **{FIELD: "query.source"}
    )


def read_features(message: features_pb2.FeatureSet, field: str) -> FeatureSet:
    """The features in the request's ``field``.

    Raises:
        FeatureSetError: If they are malformed.
    """
    with _inside(field):
        return wire.unpack(message)


@contextmanager
def _inside(field: str) -> Iterator[None]:
    """Fields of features that errors name inside are those of the request's ``field``."""
    try:
        yield
    except FeatureSetError as error:
        inner = error.metadata.get(FIELD, "")
        error.metadata[FIELD] = f"{field}.{inner}" if inner else field
        raise


def read_max_candidates(message: visual_search_service_pb2.Query) -> int:
    """The number of candidates asked for.

    Raises:
        InvalidArgumentError: If it is out of range.
    """
    count = message.max_candidates
    if not 0 <= count <= MAX_CANDIDATES:
        raise InvalidArgumentError(
            f"max_candidates must be 1 to {MAX_CANDIDATES}, or 0 for {DEFAULT_CANDIDATES}, not {count}",
            **{FIELD: "query.max_candidates"},
        )
    return count or DEFAULT_CANDIDATES


def read_restriction(message: visual_search_service_pb2.Query) -> Restriction | None:
    """The landmarks that a query is limited to; None: all.

    Raises:
        InvalidArgumentError: If a value is out of range.
    """
    if not message.HasField("restriction"):
        return None
    asked = message.restriction
    near = LatLng(asked.near.latitude, asked.near.longitude) if asked.HasField("near") else None
    try:
        return Restriction(near, asked.radius_meters, dict(asked.metadata))
    except InvalidArgumentError as error:
        name = error.metadata[FIELD].replace("location.", "near.")
        error.metadata[FIELD] = f"query.restriction.{name}"
        raise


def read_landmark_draft(message: landmark_pb2.Landmark) -> LandmarkDraft:
    """What an application says about a new landmark; the catalogue checks it."""
    return LandmarkDraft(
        display_name=message.display_name,
        description=message.description,
        location=read_location(message),
        metadata=dict(message.metadata),
        aliases=read_aliases(message),
        labels=list(message.labels),
        active=read_active(message),
    )


def read_aliases(message: landmark_pb2.Landmark) -> dict[str, list[str]]:
    """Other names of a landmark by language."""
    return {language: list(of_language.names) for language, of_language in message.aliases.items()}


def read_active(message: landmark_pb2.Landmark) -> bool:
    """Whether searches shall find a landmark; they do if it is not said."""
    return message.active if message.HasField("active") else True


def read_location(
    message: landmark_pb2.Landmark | review_service_pb2.Feedback | feedback_service_pb2.ProposePhotoRequest,
) -> LatLng | None:
    """Where a landmark stands, or a photo was taken; None if it is not said."""
    if not message.HasField("location"):
        return None
    return LatLng(message.location.latitude, message.location.longitude)


def read_capture_location(message: landmark_pb2.ReferenceImage) -> LatLng | None:
    """Where a photo was taken; None if it is not said."""
    if not message.HasField("capture_location"):
        return None
    return LatLng(message.capture_location.latitude, message.capture_location.longitude)


def read_update_mask(
    message: landmark_pb2.Landmark
    | landmark_pb2.ReferenceImage
    | key_service_pb2.Key
    | person_service_pb2.Person
    | view_service_pb2.View,
    paths: Iterable[str],
) -> frozenset[str]:
    """Names of the fields of a landmark, reference image, key, person or view to update.

    Args:
        message: That of the request.
        paths: Those of the field mask; if there are none, every field that is set in ``message``.

    Raises:
        InvalidArgumentError: If a path is not one of a field that can be updated, or there is nothing to do.
    """
    named, known = frozenset(paths), _UPDATABLE[type(message)]
    for path in sorted(named.difference(known)):
        raise InvalidArgumentError(
            f"update_mask cannot have {path!r}; it takes {', '.join(known)}", **{FIELD: "update_mask"}
        )
    if not named:
        set_fields = {descriptor.name for descriptor, _ in message.ListFields()}
        named = frozenset(set_fields.intersection(known))
    if not named:
        raise InvalidArgumentError(
            f"nothing to update: set one of {', '.join(known)}, or name in update_mask those to empty",
            **{FIELD: "update_mask"},
        )
    return named


@contextmanager
def within(message: str, fields: Collection[str] = LANDMARK_FIELDS) -> Iterator[None]:
    """``fields`` that errors name inside are those of the request's ``message``."""
    try:
        yield
    except InvalidArgumentError as error:
        root = error.metadata.get(FIELD, "").partition(".")[0]
        if root in fields:
            error.metadata[FIELD] = f"{message}.{error.metadata[FIELD]}"
        raise


def model_message(release: ModelRelease, *, default: bool) -> model_pb2.Model:
    """A model release as the API shows it."""
    return model_pb2.Model(
        name=model_name(release.name),
        tflite_sha256=release.tflite_sha256,
        descriptor_dimensions=DIMENSIONS,
        pyramid_scales=release.extraction.pyramid_scales,
        min_pixels=release.extraction.min_pixels,
        max_pixels=release.extraction.max_pixels,
        max_features=release.extraction.max_features,
        default=default,
    )


def answer_message(
    found: identification.Identification,
    *,
    include_matches: bool,
    total_seconds: float,
    thumbnails: Sequence[bytes] = (),
) -> visual_search_service_pb2.Answer:
    """An answer as the API shows it.

    Args:
        found: The answer.
        include_matches: Whether candidates carry their inlier matches.
        total_seconds: From the request's arrival to now.
        thumbnails: Of the reference images of the first candidates.
    """
    identified, unknown = visual_search_service_pb2.OUTCOME_IDENTIFIED, visual_search_service_pb2.OUTCOME_UNKNOWN
    timings = visual_search_service_pb2.ServerTimings(
        search=_duration(found.search_seconds),
        verify=_duration(found.verify_seconds),
        total=_duration(total_seconds),
    )
    if found.extract_seconds is not None:
        timings.extract.CopyFrom(_duration(found.extract_seconds))
    candidates = [_candidate_message(candidate, include_matches) for candidate in found.candidates]
    for candidate, thumbnail in zip(candidates, thumbnails, strict=False):  # the others go without
        candidate.thumbnail = thumbnail
    return visual_search_service_pb2.Answer(
        outcome=identified if found.identified else unknown,
        candidates=candidates,
        model=model_name(found.model),
        image_width=found.width,
        image_height=found.height,
        feature_count=found.feature_count,
        timings=timings,
    )


def _candidate_message(
    candidate: identification.Candidate, include_matches: bool
) -> visual_search_service_pb2.Candidate:
    recognised = candidate.recognised
    message = visual_search_service_pb2.Candidate(
        landmark=landmark_message(candidate.landmark),
        confidence=recognised.confidence,
        reference_image=image_name(candidate.image.landmark_id, candidate.image.id),
        inliers=recognised.inliers,
        matches=recognised.matches,
        outline=polygon_message(recognised.outline),
        reference_width=candidate.image.width,
        reference_height=candidate.image.height,
    )
    if include_matches:
        message.inlier_matches.extend(match_messages(recognised.query_points, recognised.reference_points))
    return message


def polygon_message(coordinates: NDArray[np.float32]) -> visual_search_service_pb2.Polygon:
    """float32[P, 2] pixels as the API shows them."""
    return visual_search_service_pb2.Polygon(points=_points(coordinates))


def match_messages(query: NDArray[np.float32], reference: NDArray[np.float32]) -> list[visual_search_service_pb2.Match]:
    """Matches as the API shows them, of float32[I, 2] pixels of the query and of the reference image."""
    pairs = zip(_points(query), _points(reference), strict=True)
    return [visual_search_service_pb2.Match(query=point, reference=other) for point, other in pairs]


def _points(coordinates: NDArray[np.float32]) -> list[visual_search_service_pb2.Point]:
    return [visual_search_service_pb2.Point(x=x, y=y) for x, y in coordinates.tolist()]


def _duration(seconds: float) -> duration_pb2.Duration:
    message = duration_pb2.Duration()
    message.FromNanoseconds(round(seconds * 1e9))
    return message
