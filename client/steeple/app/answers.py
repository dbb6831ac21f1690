"""Answers as JSON, and answers of packs in the form of a server's."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.app.damage import damage_told
from steeple.client import Answer, Candidate, Landmark, LatLng, Timings
from steeple.delf.features import FeatureSet
from steeple.delf.wire import MODEL_PREFIX
from steeple.packs import Pack, PackLandmark
from steeple.recognition import Candidate as PackCandidate
from steeple.recognition import Recognition

_TIMES: Final = ("create_time", "update_time", "delete_time", "expire_time")


def answer_to_json(answer: Answer) -> str:
    """An answer as JSON, without thumbnails."""
    bare = dataclasses.replace(answer, candidates=tuple(_without_thumbnail(each) for each in answer.candidates))
    return json.dumps(bare.to_dict(), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def answer_from_json(text: str, thumbnails: Mapping[str, bytes] | None = None) -> Answer:
    """The answer that :func:`answer_to_json` of this version or an earlier one wrote.

    Args:
        text: The JSON.
        thumbnails: JPEGs that its candidates had, by name of the landmark.

    Raises:
        DataLossError: If it is no such text.
    """
    with damage_told("an answer"):
        facts = json.loads(text)
        return Answer(
            identified=facts["identified"],
            candidates=tuple(_candidate(each, thumbnails or {}) for each in facts["candidates"]),
            model=facts["model"],
            width=facts["width"],
            height=facts["height"],
            feature_count=facts["feature_count"],
            timings=Timings(**_known(Timings, facts["timings"])),
            request_bytes=facts["request_bytes"],
        )


def thumbnails_of(answer: Answer) -> dict[str, bytes]:
    """The thumbnails (JPEG) of an answer's candidates, by name of the landmark; those that have one."""
    return {each.landmark.name: each.thumbnail for each in answer.candidates if each.thumbnail}


def answer_from_pack(
    pack: Pack, recognition: Recognition, features: FeatureSet, *, include_matches: bool, include_thumbnails: bool
) -> Answer:
    """What a server would have answered.

    Args:
        pack: That was asked.
        recognition: What it found.
        features: Of the photo.
        include_matches: Whether candidates carry their inlier matches.
        include_thumbnails: Whether they carry thumbnails of their reference images.
    """
    search, verify = recognition.search_seconds * 1e3, recognition.verify_seconds * 1e3
    return Answer(
        identified=recognition.identified,
        candidates=tuple(
            _of_pack(pack, each, include_matches=include_matches, include_thumbnails=include_thumbnails)
            for each in recognition.candidates
        ),
        model=MODEL_PREFIX + features.model,
        width=features.width,
        height=features.height,
        feature_count=recognition.feature_count,
        timings=Timings(search=search, verify=verify, total=search + verify),
        request_bytes=0,
    )


def _of_pack(pack: Pack, found: PackCandidate, *, include_matches: bool, include_thumbnails: bool) -> Candidate:
    image, none = pack.images[found.image_key], np.empty((0, 2), np.float32)
    # A thumbnail of another image of the landmark would be shown with the matches of this one.
    thumbnail = pack.thumbnail(found.landmark_id) if include_thumbnails and image.pictured else None
    return Candidate(
        landmark=landmark_of_pack(pack.landmarks[found.landmark_id]),
        confidence=found.confidence,
        reference_image=f"landmarks/{found.landmark_id}/images/{image.id}",
        inliers=found.inliers,
        matches=found.matches,
        outline=found.outline,
        query_points=found.query_points if include_matches else none,
        reference_points=found.reference_points if include_matches else none,
        reference_width=image.width,
        reference_height=image.height,
        thumbnail=thumbnail or b"",
    )


def landmark_of_pack(landmark: PackLandmark) -> Landmark:
    """A pack's landmark as a server would have told it."""
    place = landmark.location
    return Landmark(
        name=f"landmarks/{landmark.id}",
        display_name=landmark.display_name,
        description=landmark.description,
        location=None if place is None else LatLng(place.latitude, place.longitude),
        metadata=dict(landmark.metadata),
        aliases=dict(landmark.aliases),
        labels=landmark.labels,
    )


def _without_thumbnail(candidate: Candidate) -> Candidate:
    return dataclasses.replace(candidate, thumbnail=b"")


def _candidate(facts: Mapping[str, Any], thumbnails: Mapping[str, bytes]) -> Candidate:
    landmark = _landmark(facts["landmark"])
    points = {name: _points(facts[name]) for name in ("outline", "query_points", "reference_points")}
    others = {"landmark": landmark, "thumbnail": thumbnails.get(landmark.name, b"")}
    return Candidate(**_known(Candidate, facts) | points | others)


def _landmark(facts: Mapping[str, Any]) -> Landmark:
    given = _known(Landmark, facts)
    given |= {name: datetime.fromisoformat(given[name]) for name in _TIMES if given.get(name)}
    given |= {"location": LatLng(**given["location"]) if given["location"] else None}
    given |= {"aliases": {language: tuple(names) for language, names in given["aliases"].items()}}
    return Landmark(**given | {"labels": tuple(given["labels"]), "usage": ()})


def _known(cls: type, facts: Mapping[str, Any]) -> dict[str, Any]:
    # What a later version wrote beside it means nothing here.
    return {field.name: facts[field.name] for field in dataclasses.fields(cls) if field.name in facts}


def _points(points: list[list[float]]) -> NDArray[np.float32]:
    array = np.array(points, np.float32).reshape(-1, 2)
    array.flags.writeable = False
    return array
