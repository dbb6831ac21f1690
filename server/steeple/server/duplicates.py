"""Reference images that a new one repeats or contradicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf.features import FeatureSet
from steeple.errors import AlreadyExistsError
from steeple.recognition import Recogniser
from steeple.server.catalogue import Catalogue, Duplicate, DuplicateKind, ImageDraft, ReferenceImage

_CANDIDATES: Final = 10
# Extraction from a crop or a smaller copy lays other cells over the photo, so that far from all features come back: of
# photographs cropped to half their sides, 15 to 20 %. What tells them from other photos of the same place is that they
# are neither turned nor seen from elsewhere: measured, the linear part differs from a pure zoom by at most 0.025, and
# that of other photos by 0.096 and more.
_SHARE: Final = 0.1  # inliers of a near-duplicate, at least, of the features of the image that has fewer
_FEWEST: Final = 20  # inliers, below which a homography says little
_TURNED: Final = 0.04  # largest entry of the linear part's difference from a pure zoom


class DuplicatePolicy(StrEnum):
    """What becomes of a reference image that has duplicates."""

    REPORT = "report"
    """It is added, and told."""
    REFUSE = "refuse"
    """It is not added."""
    NONE = "none"
    """It is added. Only the same file is looked for, which costs next to nothing; the rest costs a query."""


class DuplicateCheck:
    """Looks for duplicates with what answers queries: the index and the verification. Thread safe.

    Args:
        catalogue: The reference images.
        recogniser_of: What searches them, by the name of the model release of the features.
    """

    def __init__(self, catalogue: Catalogue, recogniser_of: Callable[[str], Recogniser]) -> None:
        self._catalogue = catalogue
        self._recogniser_of = recogniser_of

    def of_photo(self, sha256: str) -> tuple[Duplicate, ...]:
        """Searchable images that were made from the file of that SHA-256 (hex)."""
        same = self._catalogue.images_of_photo(sha256)
        return tuple(Duplicate(image.landmark_id, image.id, DuplicateKind.SAME_PHOTO) for image in same)

    def of_features(self, landmark_id: str, features: FeatureSet) -> tuple[Duplicate, ...]:
        """Searchable images that features of a new image of a landmark agree with: of each landmark, the best one.

        Args:
            landmark_id: What the new image is said to show.
            features: Of a model release that is served.

        Raises:
            ModelMismatchError: If it is not.
        """
        recogniser = self._recogniser_of(features.model)
        candidates = recogniser.identify(features, max_candidates=_CANDIDATES).candidates
        images: Mapping[int, ReferenceImage] = self._catalogue.images([one.image_key for one in candidates])
        threshold = recogniser.release.calibration.threshold
        found = []
        for candidate in candidates:
            image = images.get(candidate.image_key)
            if image is None:
                continue
            if is_near_duplicate(candidate.inliers, len(features), image.feature_count, candidate.homography):
                kind = DuplicateKind.NEAR_DUPLICATE
            elif image.landmark_id != landmark_id and candidate.confidence >= threshold:
                kind = DuplicateKind.OTHER_LANDMARK
            else:
                continue
            found.append(Duplicate(image.landmark_id, image.id, kind, candidate.inliers))
        return tuple(found)

    def checked(self, landmark_id: str, draft: ImageDraft, policy: DuplicatePolicy) -> ImageDraft:
        """A new image with its duplicates.

        Raises:
            AlreadyExistsError: If it has some, and they are refused.
        """
        found = self.of_photo(draft.sha256) if draft.sha256 else ()
        if policy is not DuplicatePolicy.NONE:
            found = _merged(found, self.of_features(landmark_id, draft.features))
        if policy is DuplicatePolicy.REFUSE:
            _refuse(found)
        return replace(draft, duplicates=found)


def is_near_duplicate(inliers: int, features: int, others: int, homography: NDArray[np.float64]) -> bool:
    """Whether two photos are all but the same one: copies, crops and shots of a burst.

    Args:
        inliers: Matches between them that agree on one geometry.
        features: Local features of the one.
        others: Local features of the other.
        homography: float64[3, 3]; maps pixels of the one to those of the other.
    """
    return inliers >= max(_FEWEST, _SHARE * min(features, others)) and _is_zoom(homography)


def _is_zoom(homography: NDArray[np.float64]) -> bool:
    """Whether a mapping only enlarges, shrinks and moves."""
    linear = homography[:2, :2] / homography[2, 2]
    zoom = np.sqrt(abs(np.linalg.det(linear)))
    return bool(zoom > 0 and np.abs(linear / zoom - np.eye(2)).max() <= _TURNED)


def _merged(*found: Sequence[Duplicate]) -> tuple[Duplicate, ...]:
    """Each image once, by its first kind; the plainest case first, and within it most inliers."""
    unique: dict[tuple[str, str], Duplicate] = {}
    for duplicate in (one for some in found for one in some):
        unique.setdefault((duplicate.landmark_id, duplicate.image_id), duplicate)
    kinds = list(DuplicateKind)
    return tuple(sorted(unique.values(), key=lambda one: (kinds.index(one.kind), -one.inliers)))


def _refuse(duplicates: Sequence[Duplicate]) -> None:
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
