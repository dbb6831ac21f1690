"""Fusion against its formula."""

import numpy as np
import pytest

from steeple.errors import InvalidArgumentError
from steeple.lab.after import RERANKINGS
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking
from tests.lab.after.photos import clusters, evidences, features, seen, unit
from tests.lab.after.test_spatial import VIEW

VECTORS = clusters(3, 4, 3)
LOCALS = [features(seed) for seed in range(len(VECTORS))]
QUERY = Evidence(unit(VECTORS[4] + 0.5 * VECTORS[9]), seen(LOCALS[9], VIEW, 40))
FOUND = VECTORS.astype(float) @ QUERY.vector.astype(float)  # type: ignore[union-attr]  # it has one
RANKING = Ranking.of(FOUND.astype(np.float32), 12)
PARAMETERS = {"inlier_radius": 3.0, "reference_side": 0}


def made(name: str, **parameters: object) -> Ranking:
    stage = RERANKINGS[name].make(**PARAMETERS, **parameters)
    stage.prepare(evidences(VECTORS, LOCALS), [""] * len(VECTORS))
    return stage.rerank(QUERY, RANKING)


def inliers() -> np.ndarray:
    ranking = made("spatial")
    counts = np.zeros(len(VECTORS))
    counts[ranking.keys] = np.floor(ranking.scores)
    return counts


def test_local_evidence_outweighs_what_only_looks_alike() -> None:
    assert RANKING.keys[0] == 4
    assert made("fusion").keys[0] == 9


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_the_formula(weight: float) -> None:
    counts, found = inliers(), np.maximum(FOUND, 0)
    wanted = weight * counts / (counts + 20) + (1 - weight) * found
    ranking = made("fusion", weight=weight)
    np.testing.assert_allclose(ranking.scores, wanted[ranking.keys], atol=1e-6)
    wanted = weight * counts / counts.max() + (1 - weight) * found / found.max()
    ranking = made("fusion", weight=weight, normalisation="query")
    np.testing.assert_allclose(ranking.scores, wanted[ranking.keys], atol=1e-6)


def test_only_the_first_of_either_kind_are_verified() -> None:
    ranking = made("fusion", candidates=1, weight=1.0)
    assert (ranking.scores[1:] == 0).all()
    assert ranking.keys[1:].tolist() == [key for key in np.argsort(-FOUND).tolist() if key != ranking.keys[0]]


def test_the_scores_of_a_ranking_need_no_vectors() -> None:
    stage = RERANKINGS["fusion"].make(**PARAMETERS, similarity="ranking")
    gallery, counts = [Evidence(local=each) for each in LOCALS], inliers()
    stage.prepare(gallery, [""] * len(LOCALS))
    ranking = Ranking(np.array([4, 9, 0], np.int64), np.array([0.3, 0.2, 0.1], np.float32))
    wanted = np.zeros(len(LOCALS))
    wanted[[4, 9, 0]] = 0.5 * counts[[4, 9, 0]] / (counts[[4, 9, 0]] + 20) + [0.15, 0.1, 0.05]
    found = stage.rerank(Evidence(local=QUERY.local), ranking)
    np.testing.assert_allclose(found.scores, wanted[found.keys], atol=1e-6)
    assert found.keys[0] == 9
    assert sorted(found.keys) == list(range(len(LOCALS)))
    without = stage.rerank(Evidence(local=QUERY.local), Ranking(ranking.keys[::2], ranking.scores[::2]))
    assert dict(zip(without.keys, without.scores, strict=True))[9] == 0, "not found, so not verified"
    with pytest.raises(InvalidArgumentError, match="global descriptors"):
        RERANKINGS["fusion"].make().prepare(gallery, [""] * len(LOCALS))


@pytest.mark.parametrize(
    "parameters",
    [
        {"candidates": 0},
        {"weight": 1.1},
        {"half": 0.0},
        {"normalisation": "rank"},
        {"similarity": "votes"},
        {"inlier_radius": 0.0},
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(parameters))):
        RERANKINGS["fusion"].make(**parameters)
