"""Reference images that a new one repeats or contradicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from steeple.delf.features import FeatureSet
from steeple.errors import AlreadyExistsError
from steeple.server.catalogue import Catalogue, Duplicate, DuplicateKind, ReferenceImage
from steeple.server.recognition import Recogniser

_CANDIDATES: Final = 10
NEARLY_ALL: Final = 0.45
"""Inliers of a near-duplicate, at least, as a share of the features of the image that has fewer: measured, the same
photo encoded anew, resized or cropped reaches more, and another photo of the landmark from nearby less."""


class DuplicatePolicy(StrEnum):
    """What becomes of a reference image that has duplicates."""

    REPORT = "report"
    REFUSE = "refuse"


class DuplicateCheck:
    """Looks for duplicates with what answers queries: the index and the verification. Thread safe.

    Args:
        catalogue: The reference images.
        recogniser: Searches them.
    """

    def __init__(self, catalogue: Catalogue, recogniser: Recogniser) -> None:
        self._catalogue = catalogue
        self._recogniser = recogniser

    def of_photo(self, sha256: str) -> tuple[Duplicate, ...]:
        """Searchable images that were made from the file of that SHA-256 (hex)."""
        same = self._catalogue.images_of_photo(sha256)
        return tuple(Duplicate(image.landmark_id, image.id, DuplicateKind.SAME_PHOTO) for image in same)

    def of_features(self, landmark_id: str, features: FeatureSet) -> tuple[Duplicate, ...]:
        """Searchable images that features of a new image of a landmark agree with: of each landmark, the best one.

        Args:
            landmark_id: What the new image is said to show.
            features: Of the model release that is searched.
        """
        candidates = self._recogniser.identify(features, max_candidates=_CANDIDATES).candidates
        images: Mapping[int, ReferenceImage] = self._catalogue.images([one.image_key for one in candidates])
        threshold = self._recogniser.release.calibration.threshold
        found = []
        for candidate in candidates:
            image = images.get(candidate.image_key)
            if image is None:
                continue
            if candidate.inliers >= NEARLY_ALL * min(len(features), image.feature_count):
                kind = DuplicateKind.NEAR_DUPLICATE
            elif image.landmark_id != landmark_id and candidate.confidence >= threshold:
                kind = DuplicateKind.OTHER_LANDMARK
            else:
                continue
            found.append(Duplicate(image.landmark_id, image.id, kind, candidate.inliers))
        return tuple(found)


def merged(*found: Sequence[Duplicate]) -> tuple[Duplicate, ...]:
    """Each image once, by its first kind; the plainest case first, and within it most inliers."""
    unique: dict[tuple[str, str], Duplicate] = {}
    for duplicate in (one for some in found for one in some):
        unique.setdefault((duplicate.landmark_id, duplicate.image_id), duplicate)
    kinds = list(DuplicateKind)
    return tuple(sorted(unique.values(), key=lambda one: (kinds.index(one.kind), -one.inliers)))


def refuse(duplicates: Sequence[Duplicate]) -> None:
    """Refuses an image that has duplicates.

    Raises:
        AlreadyExistsError: If it has.
    """
    if duplicates:
        first = duplicates[0]
        name = f"landmarks/{first.landmark_id}/images/{first.image_id}"
        what = {
            DuplicateKind.SAME_PHOTO: "the photo is there already, as",
            DuplicateKind.NEAR_DUPLICATE: "the photo is a near-duplicate of",
            DuplicateKind.OTHER_LANDMARK: "the photo shows what another landmark's does:",
        }[first.kind]
        raise AlreadyExistsError(
            f"{what} {name}; take another photo, or let duplicates be reported instead of refused",
            resource=name,
            kind=first.kind.value,
            inliers=str(first.inliers),
        )
