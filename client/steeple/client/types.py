"""What the SDK answers with.

Everything here is immutable and independent of protocol messages. ``to_dict()`` gives what
``json.dumps`` takes: times as ISO 8601, arrays as lists, files in Base64. Names are resource names as in the contract,
such as ``landmarks/big-ben``; ``id`` is the last part of one.

Pixels are of the image after its EXIF orientation was applied; the centre of the top left pixel is
(0, 0), x runs right and y down.
"""

from __future__ import annotations

import base64
import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steeple.client.resources import Landmark, last_part


@dataclass(frozen=True)
class Model:
    """A model release that the server can search with.

    Attributes:
        name: ``models/{id}``.
        tflite_sha256: SHA-256 of its network, hex.
        descriptor_dimensions: Components of a descriptor.
        pyramid_scales: Pyramid levels as factors of the working size, largest first.
        min_pixels: An image of fewer pixels is enlarged to this many, but at most four times a side; 0 if none is.
        max_pixels: An image of more pixels is shrunk to this many before extraction.
        max_features: Features kept, the best by attention score.
        default: Whether uploaded photos are extracted with it.
    """

    name: str
    tflite_sha256: str
    descriptor_dimensions: int
    pyramid_scales: tuple[float, ...]
    min_pixels: int
    max_pixels: int
    max_features: int
    default: bool

    @property
    def id(self) -> str:
        """``{id}`` of the name."""
        return last_part(self.name)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"id": self.id} | dataclasses.asdict(self) | {"pyramid_scales": list(self.pyramid_scales)}


@dataclass(frozen=True)
class Timings:
    """Wall-clock milliseconds per stage; None for a stage that did not run.

    Attributes:
        extract: Server: decoding and extracting an uploaded photo.
        search: Server: nearest neighbours of all descriptors.
        verify: Server: votes, matching and RANSAC of the candidates.
        total: Server: from the request's arrival to the answer, waiting included.
        device_extract: Here: decoding and extracting the photo.
        round_trip: Here: from sending the request to having the answer.
    """

    extract: float | None = None
    search: float | None = None
    verify: float | None = None
    total: float | None = None
    device_extract: float | None = None
    round_trip: float | None = None

    def to_dict(self) -> dict[str, float | None]:
        """For JSON."""
        return {name: None if value is None else round(value, 3) for name, value in dataclasses.asdict(self).items()}


@dataclass(frozen=True, eq=False)
class Candidate:
    """A landmark that may be in the photo.

    Attributes:
        landmark: Which.
        confidence: Calibrated probability, 0 to 1, that it is in the photo.
        reference_image: Name of the reference image that supports it best.
        inliers: Matches of that image that agree with one geometric model.
        matches: Matches of that image that were tried.
        outline: float32[M, 2], clockwise: where the matched part of the reference image lies in the photo. M may be 0.
        query_points: float32[I, 2], pixels of the photo: the inlier matches, by falling attention score. I is 0 unless
            they were asked for.
        reference_points: float32[I, 2], pixels of the reference image: their other ends.
        reference_width: Of the reference image, pixels; 0 from a server of before it said so.
        reference_height: The same.
        thumbnail: The reference image made small, a JPEG of at most 256 pixels a side; empty unless it was asked for
            and there is one.
    """

    landmark: Landmark
    confidence: float
    reference_image: str
    inliers: int
    matches: int
    outline: NDArray[np.float32]
    query_points: NDArray[np.float32]
    reference_points: NDArray[np.float32]
    reference_width: int = 0
    reference_height: int = 0
    thumbnail: bytes = dataclasses.field(default=b"", repr=False)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "landmark": self.landmark.to_dict(),
            "confidence": round(self.confidence, 6),
            "reference_image": self.reference_image,
            "inliers": self.inliers,
            "matches": self.matches,
            "outline": pixels(self.outline),
            "query_points": pixels(self.query_points),
            "reference_points": pixels(self.reference_points),
            "reference_width": self.reference_width,
            "reference_height": self.reference_height,
            "thumbnail": base64.b64encode(self.thumbnail).decode("ascii"),
        }


@dataclass(frozen=True, eq=False)
class Answer:
    """What a photo shows.

    Attributes:
        identified: Whether the first candidate is an identification. If not, none of them is.
        candidates: At most one a landmark, by falling confidence.
        model: ``models/{model}``: the release that served the query.
        width: Of the photo, pixels.
        height: Of the photo, pixels.
        feature_count: Local features searched with.
        timings: Milliseconds per stage.
        request_bytes: Size of the request message.
    """

    identified: bool
    candidates: tuple[Candidate, ...]
    model: str
    width: int
    height: int
    feature_count: int
    timings: Timings
    request_bytes: int

    @property
    def best(self) -> Candidate | None:
        """The first candidate, an identification or not; None if there is no candidate."""
        return self.candidates[0] if self.candidates else None

    @property
    def landmark(self) -> Landmark | None:
        """The landmark in the photo; None when it is unknown."""
        return self.candidates[0].landmark if self.identified and self.candidates else None

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "identified": self.identified,
            "candidates": [candidate.to_dict() for candidate in self.candidates],
            "model": self.model,
            "width": self.width,
            "height": self.height,
            "feature_count": self.feature_count,
            "timings": self.timings.to_dict(),
            "request_bytes": self.request_bytes,
        }


@dataclass(frozen=True, eq=False)
class StreamAnswer:
    """The answer to one frame.

    Attributes:
        frame_id: Number of the frame, counted from 0.
        answer: What it shows.
        dropped_frames: Frames of this stream that newer ones have overtaken so far.
        provisional: Whether more features of this frame are on their way, and its answer may change.
    """

    frame_id: int
    answer: Answer
    dropped_frames: int
    provisional: bool = False

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "frame_id": self.frame_id,
            "answer": self.answer.to_dict(),
            "dropped_frames": self.dropped_frames,
            "provisional": self.provisional,
        }


def pixels(points: NDArray[np.float32]) -> list[list[float]]:
    """float32[N, 2] for JSON."""
    # A thousandth of a pixel: float32 in full would print digits that mean nothing.
    return [[round(float(x), 3), round(float(y), 3)] for x, y in points]
