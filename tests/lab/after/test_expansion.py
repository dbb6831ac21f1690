"""Query expansion against its formula, and what it does to queries without an answer."""

import numpy as np
import pytest

from steeple.errors import InvalidArgumentError
from steeple.lab.after import RERANKINGS
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking
from tests.lab.after.photos import clusters, evidences, features, unit

GALLERY = clusters(7, 6, 5)
QUERY = unit(GALLERY[3] + 0.2 * GALLERY[20])


def searched(query: np.ndarray, limit: int = 12) -> Ranking:
    return Ranking.of(GALLERY @ query, limit)


def expanded(name: str, query: np.ndarray, ranking: Ranking, **parameters: object) -> Ranking:
    stage = RERANKINGS[name].make(**parameters)
    stage.prepare(evidences(GALLERY), [""] * len(GALLERY))
    return stage.rerank(Evidence(query), ranking)


@pytest.mark.parametrize(("name", "alpha"), [("average-qe", 0), ("alpha-qe", 3)])
def test_the_formula(name: str, alpha: int) -> None:
    ranking = searched(QUERY)
    total = QUERY.astype(float).copy()
    for key in ranking.keys[:4]:
        total += max(float(GALLERY[key] @ QUERY), 0.0) ** alpha * GALLERY[key]
    wanted = GALLERY @ (total / np.sqrt((total**2).sum()))
    found = expanded(name, QUERY, ranking, neighbours=4)
    assert found.keys.tolist() == np.argsort(-wanted, kind="stable").tolist()
    np.testing.assert_allclose(found.scores, wanted[found.keys], atol=1e-6)


def test_photos_of_the_landmark_come_before_others_that_look_like_the_query() -> None:
    query = unit(GALLERY[3] + 1.05 * GALLERY[20] * 0.9)
    before, after = searched(query, 30), expanded("alpha-qe", query, searched(query, 30), neighbours=3)
    group = before.keys[0] // 5
    assert (after.keys[:5] // 5 == group).sum() > (before.keys[:5] // 5 == group).sum() or (
        after.keys[:5] // 5 == group
    ).all()


def test_only_what_verification_confirmed_takes_part() -> None:
    # As after spatial verification: inliers and a fraction.
    ranking = Ranking(np.array([20, 21, 3, 4], np.int64), np.array([31.4, 20.2, 19.9, 0.8], np.float32))
    found = expanded("average-qe", QUERY, ranking, least_score=20)
    total = QUERY + GALLERY[20] + GALLERY[21]
    np.testing.assert_allclose(found.scores, np.sort(GALLERY @ unit(total))[::-1], atol=1e-6)


@pytest.mark.parametrize("ranking", [searched(QUERY, 0), searched(QUERY)])
def test_without_neighbours_the_query_asks_alone(ranking: Ranking) -> None:
    found = expanded("average-qe", QUERY, ranking, least_score=2.0)
    whole = searched(QUERY, len(GALLERY))
    assert found.keys.tolist() == whole.keys.tolist()
    np.testing.assert_allclose(found.scores, whole.scores, atol=1e-6)


def test_a_stranger_scores_higher_for_the_neighbours_it_has_not_unless_told_otherwise() -> None:
    strangers = clusters(99, 40, 1)
    rises, remedied = [], []
    for stranger in strangers:
        ranking = searched(stranger)
        rises.append(expanded("average-qe", stranger, ranking, neighbours=5).scores[0] - ranking.scores[0])
        asked = expanded("average-qe", stranger, ranking, neighbours=5, scores="asked")
        assert asked.scores[0] == pytest.approx(float(GALLERY[asked.keys[0]] @ stranger), abs=1e-6)
        assert asked.keys.tolist() == expanded("average-qe", stranger, ranking, neighbours=5).keys.tolist()
        remedied.append(asked.scores[0] - ranking.scores[0])
    assert min(rises) > 0.1
    assert max(remedied) < 1e-6


def test_a_system_without_global_descriptors_is_told_so() -> None:
    with pytest.raises(InvalidArgumentError, match="works on global descriptors"):
        RERANKINGS["average-qe"].make().prepare([Evidence(local=features(1))], [""])


@pytest.mark.parametrize("parameters", [{"neighbours": 0}, {"alpha": -1.0}, {"scores": "best"}])
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(parameters))):
        RERANKINGS["alpha-qe"].make(**parameters)
