"""Metrics of rankings, as the benchmarks define them.

All are functions of where the photos that are right stand in a ranking, :class:`RightPhotos`: a benchmark's ignored
photos (junk) are taken out of the ranking first, as if the gallery did not have them.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class RightPhotos:
    """Where the right photos of one query stand in its ranking.

    Attributes:
        ranks: intp[R]; rising, the first place being 0; ignored photos hold no place.
        total: How many the gallery has; those without a rank were not found.
    """

    ranks: NDArray[np.intp]
    total: int

    @staticmethod
    def of(keys: NDArray[np.int64], right: Collection[int], ignored: Collection[int] = ()) -> RightPhotos:
        """Of a ranking.

        Args:
            keys: int64[K]; what was found, the best first, each once.
            right: Keys of the photos that are right.
            ignored: Keys of those that are neither right nor wrong; what is both is right.
        """
        is_right = np.isin(keys, np.fromiter(right, np.int64, len(right)))
        is_ignored = np.isin(keys, np.fromiter(ignored, np.int64, len(ignored))) & ~is_right
        return RightPhotos(np.flatnonzero(is_right[~is_ignored]), len(right))


def trapezoidal_average_precision(photos: RightPhotos) -> float:
    """Area under precision over recall, by trapezoids: AP of Oxford5k and Paris6k, Holidays, and the revisited two.

    At each right photo recall steps up, and precision counts half as it was a place before (1 before the first
    place) and half as it is there. Oxford's program goes over all places that way (Philbin et al., CVPR 2007,
    compute_ap), Holidays' (Jégou et al., ECCV 2008) and that of Revisited Oxford and Paris (Radenović et al., CVPR
    2018) over the right photos alone; recall stands still in between, so that the sums are the same.

    Returns:
        0 to 1; NaN for a query without right photos, which the benchmarks leave out.
    """
    if not photos.total:
        return math.nan
    found = np.arange(len(photos.ranks))
    before = np.where(photos.ranks == 0, 1.0, found / np.maximum(photos.ranks, 1))
    here = (found + 1) / (photos.ranks + 1)
    return float((before + here).sum() / (2 * photos.total))


def average_precision(photos: RightPhotos, limit: int | None = None) -> float:
    """Mean, over the right photos, of the precision at the place of each; 0 for what was not found.

    Args:
        photos: Of one query.
        limit: Only so many places count, and no more right photos than that are expected. 100: AP@100 of Google
            Landmarks, retrieval (Weyand et al., CVPR 2020, section 3.3). None: all, TREC's AP.

    Returns:
        0 to 1; NaN for a query without right photos.
    """
    if not photos.total:
        return math.nan
    ranks = photos.ranks if limit is None else photos.ranks[photos.ranks < limit]
    expected = photos.total if limit is None else min(photos.total, limit)
    return float(((np.arange(len(ranks)) + 1) / (ranks + 1)).sum() / expected)


def precision_at(photos: RightPhotos, places: int) -> float:
    """Share of the first places that is right: P@k of Revisited Oxford and Paris (Radenović et al., CVPR 2018).

    Behind the last right photo nothing can be right, so that, where it stands before place k, its own place is the
    k. Their program ranks the whole gallery; here, what was not found stands behind all places.

    Args:
        photos: Of one query.
        places: k, at least 1.

    Returns:
        0 to 1; NaN for a query without right photos, which the benchmark leaves out.
    """
    if not photos.total:
        return math.nan
    if len(photos.ranks) == photos.total:
        places = min(places, int(photos.ranks[-1]) + 1)
    return float((photos.ranks < places).sum() / places)


def found_within(photos: RightPhotos, places: int) -> float:
    """Whether any of the first places is right, 1 or 0: its mean over queries is recall@k of place recognition.

    As in Arandjelović et al., CVPR 2016, section 5: not the share of all right photos, of which there may be more
    than k.

    Args:
        photos: Of one query.
        places: k, at least 1.

    Returns:
        NaN for a query without right photos.
    """
    return float(photos.ranks[:1].min(initial=places) < places) if photos.total else math.nan


def n_s_score(photos: RightPhotos) -> float:
    """How many of the first four places are right, 0 to 4 (Nistér and Stewénius, CVPR 2006, section 6).

    UKBench has four photos of each object, and the query itself is among what is searched and counts.
    """
    return float((photos.ranks < 4).sum()) if photos.total else math.nan
