"""Tuples of a query, a photo that matches and photos that do not though the network thinks so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from steeple.baselines.training.global_photos import Collection

_OF_ONE: Final = 0.25
_BLOCK: Final = 256


@dataclass(frozen=True)
class HardNegatives:
    """How negatives are chosen.

    Attributes:
        count: A tuple has so many.
        among: They are drawn from so many hardest; equal to ``count`` takes the hardest.
        one_a_landmark: Whether a landmark gives one at most, so that they are varied (Radenovic et al., section 3.1).
    """

    count: int
    among: int
    one_a_landmark: bool


def draw_tuples(
    photos: Collection, vectors: NDArray[np.float32], wanted: HardNegatives, rng: np.random.Generator
) -> list[tuple[int, ...]]:
    """One tuple for every photo with a match, and some whose match is another view of the query itself.

    Args:
        photos: To train on.
        vectors: float32[N, D], unit; what the network makes of them now.
        wanted: How negatives are chosen.
        rng: All randomness.

    Returns:
        Numbers of the query, its match (the query itself: another view) and the negatives; in random order.
    """
    paired = sorted(photos.matches)
    others = np.setdiff1d(np.arange(len(photos.paths)), paired)
    alone = min(len(others), max(1, round(_OF_ONE * len(paired))) if paired else len(others))
    queries = np.concatenate([np.array(paired, np.int64), rng.choice(others, alone, replace=False)])
    queries = queries[rng.permutation(len(queries))]
    drawn = []
    for first in range(0, len(queries), _BLOCK):
        block = queries[first : first + _BLOCK]
        for query, likeness in zip(map(int, block), vectors[block] @ vectors.T, strict=True):
            found = hardest(likeness, photos.labels, query, wanted.among, one_a_landmark=wanted.one_a_landmark)
            if len(found) < wanted.count:
                continue
            chosen = rng.choice(len(found), wanted.count, replace=False) if len(found) > wanted.count else slice(None)
            positives = photos.matches.get(query, (query,))
            drawn.append((query, positives[int(rng.integers(len(positives)))], *map(int, np.array(found)[chosen])))
    return drawn


def hardest(
    likeness: NDArray[np.float32], labels: NDArray[np.int64], query: int, count: int, *, one_a_landmark: bool
) -> Sequence[int]:
    """The photos most like a query that show another landmark or none.

    Photos of the query's landmark are no negatives, verified or not. Of a query of no landmark only landmarks are:
    photos without a label may well show one scene.

    Args:
        likeness: float32[N]; of the query and every photo.
        labels: int64[N]; -1 for none.
        query: Its number.
        count: So many at most.
        one_a_landmark: Whether a landmark gives one at most.

    Returns:
        Their numbers, the most alike first.
    """
    own = int(labels[query])
    found: list[int] = []
    seen: set[int] = set()
    for number in map(int, np.argsort(-likeness, kind="stable")):
        label = int(labels[number])
        if number == query or label == own or (one_a_landmark and label in seen):
            continue
        if label >= 0:
            seen.add(label)
        found.append(number)
        if len(found) == count:
            break
    return found


def leave_one_out(vectors: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average precision of each labelled photo as a query among all others.

    Args:
        vectors: float32[N, D], unit.
        labels: int64[N]; -1 for photos of no landmark, which are in the gallery and never asked for.

    Returns:
        float64[Q], by number of the photo; of those that have another photo of their landmark.
    """
    likeness = vectors @ vectors.T
    found = []
    for query in np.flatnonzero(labels >= 0):
        order = np.argsort(-likeness[query], kind="stable")
        right = labels[order[order != query]] == labels[query]
        ranks = np.flatnonzero(right) + 1
        if len(ranks):
            found.append(float(np.mean(np.arange(1, len(ranks) + 1) / ranks)))
    return np.array(found)
