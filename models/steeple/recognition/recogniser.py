"""Recognition: search, votes, verification, evidence, confidence (DELF, section 4.4)."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import FeatureSet, ModelRelease, pyramid
from steeple.errors import FeatureSetError, ModelMismatchError
from steeple.recognition.accumulated import Accumulated
from steeple.recognition.evidence import ImageEvidence, confidence, landmark_evidence
from steeple.recognition.explanation import ExplainedImage, Judged, VotedImage, explained
from steeple.recognition.homography import refine_homography
from steeple.recognition.matching import mutual_nearest_neighbours
from steeple.recognition.neighbours import DescriptorSearch, Neighbours
from steeple.recognition.overlays import overlay_features
from steeple.recognition.records import Candidate, Gallery, GalleryImage, Recognition
from steeple.recognition.stages import stage
from steeple.recognition.verification import Verification, apart, inliers_of, outline, verify, verify_sorted
from steeple.recognition.votes import matches_of, most_voted

_ROUND: Final = 10  # images verified before asking whether the answer is certain
_OVERLAYS: Final = 3  # times that verification starts again without what turned out to be none of the scene
_CERTAIN_INLIERS: Final = 60
_CERTAIN_LEAD: Final = 3.0  # times the inliers of the best image of any other landmark


@dataclass(frozen=True)
class _Verified:
    key: int
    image: GalleryImage
    pairs: NDArray[np.intp]
    verification: Verification
    distinct: float = 0.0
    exact: NDArray[np.intp] | None = None  # pairs of exact matches that agree with the geometry, of finalists

    @property
    def evidence(self) -> ImageEvidence:
        width, height = self.image.features.width, self.image.features.height
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        frame = corners @ self.verification.affine[:, :2].T + self.verification.affine[:, 2]
        return ImageEvidence(self.image.landmark_id, self.verification.count, len(self.pairs), self.distinct, frame)


def inlier_radius(release: ModelRelease, width: int, height: int) -> float:
    """Reprojection error of an inlier, at most, in pixels of a query as submitted; a release states it at working size.

    Args:
        release: The release.
        width: Of the query, pixels.
        height: Of the query, pixels.
    """
    return release.verification.inlier_radius * pyramid.working_scale(width, height, release.extraction)


def _scale_ratios(query: FeatureSet, reference: FeatureSet, pairs: NDArray[np.intp]) -> NDArray[np.float32]:
    """float32[M]: of each match, the scale of the query's feature over that of the reference image's."""
    ratios: NDArray[np.float32] = query.scales[pairs[:, 0]] / reference.scales[pairs[:, 1]]
    return ratios


def _certain(found: Sequence[_Verified]) -> bool:
    """Whether no image of fewer votes could change the answer: one landmark is far ahead of all others."""
    best = max(found, key=lambda entry: entry.verification.count, default=None)
    if best is None or best.verification.count < _CERTAIN_INLIERS:
        return False
    others = (entry.verification.count for entry in found if entry.image.landmark_id != best.image.landmark_id)
    return best.verification.count >= _CERTAIN_LEAD * max(others, default=0)


class Recogniser:
    """Names the landmark in a photo. Thread safe; the same query on the same catalogue gets the same answer.

    Args:
        release: The model release of index and queries.
        index: Descriptors of the reference images.
        gallery: The reference images themselves.
    """

    def __init__(self, release: ModelRelease, index: DescriptorSearch, gallery: Gallery) -> None:
        self.release = release
        self._index = index
        self._gallery = gallery

    def identify(
        self,
        features: FeatureSet,
        *,
        max_candidates: int = 5,
        within: Collection[int] | None = None,
        so_far: Accumulated | None = None,
    ) -> Recognition:
        """Answers one query.

        Args:
            features: Of the photo; with ``so_far``, those that are new.
            max_candidates: In the answer, at most.
            within: Keys of the images to look in; None: all.
            so_far: What is known of the same query already; the new features become part of it.

        Raises:
            FeatureSetError: If there are no features, or they do not go together with those before.
            ModelMismatchError: If the features are of another model release.
        """
        if features.model != self.release.name:
            raise ModelMismatchError(
                f"the features were made with model release {features.model!r}; this server serves "
                f"{self.release.name!r}: extract with that release, or send the image itself",
                model=f"models/{features.model}",
                served=f"models/{self.release.name}",
            )
        if not len(features):
            raise FeatureSetError("the query has no features; the photo shows too little to recognise it by")
        start = time.perf_counter()
        with stage("search"):
            neighbours = self._index.search(features.unit_descriptors(), self.release.index.neighbours, within=within)
        seconds = time.perf_counter() - start
        if so_far is not None:
            features, neighbours = so_far.extend(features, neighbours)
        with stage("verify"):
            recognition = self.recognise(features, neighbours, max_candidates=max_candidates)
        return replace(recognition, search_seconds=seconds)

    def recognise(self, features: FeatureSet, neighbours: Neighbours, *, max_candidates: int = 5) -> Recognition:
        """Answers one query whose neighbours are known: all that follows the search.

        Args:
            features: Of the photo, of this release.
            neighbours: Of its descriptors, row by row.
            max_candidates: In the answer, at most.

        Returns:
            The answer; its search took no time.
        """
        start = time.perf_counter()
        finalists = self._rematched(features, *self._verified(features, neighbours))
        candidates = self._candidates(features, finalists, max_candidates)
        return Recognition(
            identified=bool(candidates) and candidates[0].confidence >= self.release.calibration.threshold,
            candidates=tuple(candidates),
            feature_count=len(features),
            search_seconds=0.0,
            verify_seconds=time.perf_counter() - start,
        )

    def explain(
        self, features: FeatureSet, *, within: Collection[int] | None = None
    ) -> tuple[Recognition, tuple[ExplainedImage, ...]]:
        """The answer to a query with all candidates, and what decided about each image that was voted for.

        Args:
            features: Of the photo.
            within: Keys of the images to look in; None: all.

        Raises:
            FeatureSetError: If there are no features.
            ModelMismatchError: If the features are of another model release.
        """
        so_far, limit = Accumulated(), self.release.verification.candidates
        answer = self.identify(features, max_candidates=limit, within=within, so_far=so_far)
        neighbours = so_far.neighbours
        if neighbours is None:  # never: identify has extended it
            return answer, ()
        found = {entry.key: entry for entry in self._rematched(features, *self._verified(features, neighbours))}
        keys = most_voted(neighbours, limit)
        images = self._gallery(keys)
        ends = (
            end
            for end in range(_ROUND, len(keys), _ROUND)
            if _certain([found[key] for key in keys[:end] if key in found])
        )
        tried = next(ends, len(keys))
        voted = []
        for place, key in enumerate(keys):
            if key not in images:
                continue
            pairs, entry, reference = matches_of(neighbours, key), found.get(key), images[key].features
            votes, pairs = len(pairs), pairs[pairs[:, 1] < len(reference)]
            agree = pairs[:0] if entry is None else entry.pairs[entry.verification.inliers]
            voted.append(
                VotedImage(
                    image_key=key,
                    landmark_id=images[key].landmark_id,
                    tried=place < tried,
                    votes=votes,
                    matches=len(pairs),
                    distinct=0.0 if entry is None else entry.distinct,
                    query_points=features.keypoints[agree[:, 0]],
                    reference_points=reference.keypoints[agree[:, 1]],
                )
            )
        judged = [Judged(each.image_key, each.confidence, each.evidence, each.outline) for each in answer.candidates]
        return answer, explained(voted, judged, self.release.calibration)

    def _verified(self, features: FeatureSet, neighbours: Neighbours) -> tuple[list[_Verified], NDArray[np.bool_]]:
        """The most voted images whose matches, as the index returned them, agree on a geometry; best first.

        And which of the query's features show its scene, bool[N].

        What one image reveals as an overlay of the query is no evidence for any: all are tried again without it.
        """
        images = self._gallery(keys := most_voted(neighbours, self.release.verification.candidates))
        matches = {key: self._matches(neighbours, key, images[key]) for key in keys if key in images}
        scene = np.ones(len(features), np.bool_)
        for _ in range(1 + _OVERLAYS):
            found = self._agreeing(features, images, matches, scene)
            overlay = np.zeros(len(features), np.bool_)
            scenes = []
            for entry in found:
                shown = overlay_features(
                    features, entry.image.features, entry.pairs, entry.verification, self._radius(features)
                )
                if shown is None:
                    scenes.append(entry)
                else:
                    overlay |= shown
            if not overlay.any():
                break
            scene &= ~overlay
        return sorted(scenes, key=lambda entry: (-entry.verification.count, entry.key)), scene

    def _matches(self, neighbours: Neighbours, key: int, image: GalleryImage) -> NDArray[np.intp]:
        pairs = matches_of(neighbours, key)
        # An image that was replaced since the search may have fewer features now.
        return pairs[pairs[:, 1] < len(image.features)]

    def _agreeing(
        self,
        features: FeatureSet,
        images: Mapping[int, GalleryImage],
        matches: Mapping[int, NDArray[np.intp]],
        scene: NDArray[np.bool_],
    ) -> list[_Verified]:
        """Those of ``matches``, by votes, that agree on a geometry, of the query's features in ``scene`` alone.

        Those of fewest votes are left out once the answer is certain.
        """
        found: list[_Verified] = []
        for number, (key, every) in enumerate(matches.items()):
            if number and number % _ROUND == 0 and _certain(found):
                break
            reference = images[key].features
            pairs = every[scene[every[:, 0]]]
            verification = verify(
                features.keypoints[pairs[:, 0]],
                reference.keypoints[pairs[:, 1]],
                inlier_radius=self._radius(features),
                iterations=self.release.verification.iterations,
                scale_ratios=_scale_ratios(features, reference, pairs),
            )
            if verification is not None:
                found.append(_Verified(key, images[key], pairs, verification))
        return found

    def _radius(self, features: FeatureSet) -> float:
        return inlier_radius(self.release, features.width, features.height)

    def _rematched(self, features: FeatureSet, verified: list[_Verified], scene: NDArray[np.bool_]) -> list[_Verified]:
        """``verified``, the finalists matched again: exactly, mutually, and only what shows the scene."""
        finalists = self.release.verification.finalists
        descriptors = features.unit_descriptors()
        return [self._exactly(features, descriptors, entry, scene) for entry in verified[:finalists]] + verified[
            finalists:
        ]

    def _exactly(
        self, features: FeatureSet, descriptors: NDArray[np.float32], entry: _Verified, scene: NDArray[np.bool_]
    ) -> _Verified:
        reference, radius = entry.image.features, self._radius(features)
        pairs, distinctiveness = mutual_nearest_neighbours(descriptors, reference.unit_descriptors())
        kept = scene[pairs[:, 0]]
        pairs, distinctiveness = pairs[kept], distinctiveness[kept]
        points, others = features.keypoints[pairs[:, 0]], reference.keypoints[pairs[:, 1]]
        ratios = _scale_ratios(features, reference, pairs)
        agree = inliers_of(entry.verification.affine, points, others, ratios, radius)
        found = verify_sorted(
            points,
            others,
            inlier_radius=radius,
            iterations=self.release.verification.iterations,
            scale_ratios=ratios,
        )
        if found is not None:
            better = inliers_of(found.affine, points, others, ratios, radius)
            first = (features.keypoints[entry.pairs[:, 0]], reference.keypoints[entry.pairs[:, 1]])
            inliers = inliers_of(found.affine, *first, _scale_ratios(features, reference, entry.pairs), radius)
            inliers = apart(inliers, *first, radius)
            # Both kinds of match have to prefer it: of two models, the one that more matches chose by chance is likely.
            if (
                distinctiveness[better].sum() > distinctiveness[agree].sum()
                and inliers.sum() >= entry.verification.count
            ):
                entry, agree = replace(entry, verification=Verification(found.affine, inliers)), better
        return replace(entry, distinct=float(distinctiveness[agree].sum()), exact=pairs[agree])

    def _homography(self, features: FeatureSet, entry: _Verified) -> NDArray[np.float64]:
        """The model of a candidate, from its exact matches where it has such."""
        pairs = entry.pairs[entry.verification.inliers] if entry.exact is None else entry.exact
        if len(pairs) < entry.verification.count:
            pairs = entry.pairs[entry.verification.inliers]
        reference, affine = entry.image.features, entry.verification.affine
        zoom = math.sqrt(abs(float(np.linalg.det(affine[:, :2]))))
        # A keypoint is the centre of a cell, and a cell is as wide as its level is coarse.
        widths = np.hypot(features.scales[pairs[:, 0]], zoom * reference.scales[pairs[:, 1]]).astype(np.float64)
        return refine_homography(
            affine,
            features.keypoints[pairs[:, 0]],
            reference.keypoints[pairs[:, 1]],
            self.release.extraction.stride * widths / math.sqrt(12.0),
        )

    def _candidates(self, features: FeatureSet, verified: Sequence[_Verified], limit: int) -> list[Candidate]:
        """The ``limit`` most likely landmarks, each with its image of most inliers."""
        evidence = [entry.evidence for entry in verified]
        best: dict[str, _Verified] = {}
        for entry in verified:
            standing = best.get(entry.image.landmark_id)
            if standing is None or entry.verification.count > standing.verification.count:
                best[entry.image.landmark_id] = entry
        judged = []
        for landmark_id, entry in best.items():
            speaks = landmark_evidence(evidence, landmark_id, len(features))
            judged.append((confidence(self.release.calibration, speaks), speaks, entry))
        judged.sort(key=lambda each: (-each[0], -each[2].verification.count))
        return [self._candidate(features, *each) for each in judged[:limit]]

    def _candidate(
        self, features: FeatureSet, probability: float, speaks: dict[str, float], entry: _Verified
    ) -> Candidate:
        inliers = entry.pairs[entry.verification.inliers]
        reference = entry.image.features.keypoints
        homography = self._homography(features, entry)
        return Candidate(
            landmark_id=entry.image.landmark_id,
            image_key=entry.key,
            confidence=probability,
            inliers=entry.verification.count,
            matches=len(entry.pairs),
            evidence=speaks,
            homography=homography,
            outline=outline(homography, reference[inliers[:, 1]], (features.width, features.height)),
            query_points=features.keypoints[inliers[:, 0]],
            reference_points=reference[inliers[:, 1]],
        )
