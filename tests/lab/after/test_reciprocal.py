"""k-reciprocal encoding against its definition, set by set."""

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.after.reciprocal import ReciprocalEncoding
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking
from tests.lab.after.photos import clusters, evidences, unit

GALLERY = clusters(5, 5, 6, dimensions=8, spread=0.9)
FIRST, HALF, SECOND, SHARE = 7, 4, 3, 0.3


def nearest(row: int, count: int) -> list[int]:
    products = GALLERY.astype(float) @ GALLERY[row].astype(float)
    products[row] = -np.inf
    return [int(key) for key in np.argsort(-products)[:count]]


def reciprocal(row: int, count: int) -> set[int]:
    return {row} | {other for other in nearest(row, count) if row in nearest(other, count)}


def encoding(members: set[int], asked: NDArray[np.float32]) -> NDArray[np.float64]:
    everybody = set(members)
    for member in members:
        theirs = reciprocal(member, HALF)
        if len(theirs & members) >= 2 / 3 * len(theirs):
            everybody |= theirs
    weights = np.zeros(len(GALLERY))
    for key in everybody:
        weights[key] = np.exp(-(1 - float(GALLERY[key] @ asked)))
    return np.asarray(weights / max(weights.sum(), 1e-12))


def test_the_definition() -> None:
    stage = ReciprocalEncoding(FIRST, SECOND, SHARE)
    stage.prepare(evidences(GALLERY), [""] * len(GALLERY))
    raw = [encoding(reciprocal(row, FIRST), GALLERY[row]) for row in range(len(GALLERY))]
    averaged = [np.mean([raw[key] for key in [row, *nearest(row, SECOND - 1)]], axis=0) for row in range(len(GALLERY))]
    for query in unit(GALLERY[::4] + 0.4 * GALLERY[::-4][: len(GALLERY[::4])]):
        found = GALLERY.astype(float) @ query
        order = np.argsort(-found)
        mine = set()
        for key in order[:FIRST].tolist():
            worst = float(GALLERY[key].astype(float) @ GALLERY[nearest(key, FIRST)[-1]])
            if found[key] >= worst:
                mine.add(key)
        own = np.mean([encoding(mine, query), *(raw[key] for key in order[: SECOND - 1])], axis=0)
        jaccard = [np.minimum(own, each).sum() / np.maximum(own, each).sum() for each in averaged]
        wanted = (1 - SHARE) * np.array(jaccard) + SHARE * found
        ranking = stage.rerank(Evidence(query), Ranking.of(found.astype(np.float32)))
        np.testing.assert_allclose(ranking.scores, wanted[ranking.keys], atol=1e-6)
        assert len(ranking) == len(GALLERY)
        assert max(jaccard) > 0.2


def test_a_photo_whose_neighbours_do_not_know_the_query_falls_behind() -> None:
    # A tight group of others lies a little nearer to the query than a photo with which it shares a neighbourhood.
    stage = ReciprocalEncoding(4, 1)
    query = unit(np.array([1.0, 0, 0, 0]))
    near = [[1, 0.25, 0, 0], [1, 0.2, 0.1, 0], [1, 0.3, 0, 0.1], [1, 0.45, 0, 0]]
    others = [[1, -0.43, 0.02 * turn, 0.02 * turn] for turn in range(-2, 4)]
    gallery = unit(np.array(near + others))
    stage.prepare(evidences(gallery), [""] * len(gallery))
    before = Ranking.of(gallery @ query)
    after = stage.rerank(Evidence(query), before)
    assert before.keys.tolist().index(3) > 3
    assert after.keys.tolist().index(3) == 3


@pytest.mark.parametrize("parameters", [{"neighbours": 1}, {"expansion": 0}, {"similarity_share": 1.5}])
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(parameters))):
        ReciprocalEncoding(**parameters)  # type: ignore[arg-type]  # numbers of either kind
