"""The posterior over landmarks against its formula."""

import numpy as np
import pytest

from steeple.errors import InvalidArgumentError
from steeple.lab.after.posterior import Posterior
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking
from tests.lab.after.photos import clusters, evidences, unit

VECTORS = clusters(3, 4, 3)
LANDMARKS = [*["arch"] * 3, *["bridge"] * 3, *["castle"] * 3, "", "", ""]
NOBODY = Evidence(VECTORS[0])


def stage(**parameters: float) -> Posterior:
    made = Posterior(**parameters)  # type: ignore[arg-type]  # numbers of either kind
    made.prepare(evidences(VECTORS), LANDMARKS)
    return made


def test_several_photos_of_a_landmark_outvote_one_that_is_a_little_more_similar() -> None:
    ranking = Ranking(np.array([0, 3, 4, 5, 9, 1]), np.array([0.80, 0.79, 0.78, 0.77, 0.5, 0.1], np.float32))
    after = stage(neighbours=5, temperature=0.1, background=0.6).rerank(NOBODY, ranking)
    votes = np.exp(np.array([0.80, 0.79, 0.78, 0.77, 0.5, 0.6], float) / 0.1)
    arch, bridge, stranger = votes[0], votes[1:4].sum(), votes[4]
    assert after.keys.tolist() == [3, 4, 5, 0, 1, 9]  # the last arch is no voter, and shares what its landmark has
    np.testing.assert_allclose(after.scores, np.array([bridge] * 3 + [arch] * 2 + [stranger]) / votes.sum(), rtol=1e-5)


def test_strangers_do_not_vote_for_each_other() -> None:
    ranking = Ranking(np.array([9, 10, 11, 0]), np.array([0.7, 0.7, 0.7, 0.7], np.float32))
    after = stage(temperature=0.1, background=0.7).rerank(NOBODY, ranking)
    np.testing.assert_allclose(after.scores, 0.2, rtol=1e-5)


def test_scores_say_whether_the_landmark_is_there() -> None:
    fitted = stage()
    known, stranger = unit(VECTORS[4] + 0.3 * VECTORS[7]), clusters(98, 1, 1)[0]
    scores = [fitted.rerank(Evidence(each), Ranking.of(VECTORS @ each)).scores[0] for each in (known, stranger)]
    assert scores[0] > 0.7
    assert scores[1] < 0.3


def test_what_is_fitted_is_what_photos_have_by_chance() -> None:
    chance = []
    for row, one in enumerate(LANDMARKS):
        others = [
            float(VECTORS[row].astype(float) @ VECTORS[column])
            for column, other in enumerate(LANDMARKS)
            if column != row and (other != one or not one)
        ]
        chance.append(max(others))
    ranking = Ranking.of(VECTORS @ VECTORS[1])
    given = stage(temperature=float(np.std(chance)), background=float(np.mean(chance))).rerank(NOBODY, ranking)
    fitted = stage().rerank(NOBODY, ranking)
    assert fitted.keys.tolist() == given.keys.tolist()
    np.testing.assert_allclose(fitted.scores, given.scores, rtol=1e-5)


def test_scores_of_any_size_do_not_overflow() -> None:
    ranking = Ranking(np.array([0, 3]), np.array([5000, 4000], np.float32))
    after = stage(temperature=0.5, background=20.0).rerank(NOBODY, ranking)
    assert after.scores.tolist() == [1.0, 0.0]


def test_a_gallery_that_shows_nothing_of_chance_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="give temperature and background"):
        Posterior().prepare(evidences(VECTORS[:3]), ["arch"] * 3)
    Posterior(temperature=0.1, background=0.5).prepare([], [])


@pytest.mark.parametrize("parameters", [{"neighbours": 0}, {"temperature": 0.0}])
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(parameters))):
        stage(**parameters)
