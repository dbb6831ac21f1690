"""Diffusion against a dense solution, and on a manifold."""

import numpy as np
import pytest
from numpy.typing import NDArray

from steeple.errors import InvalidArgumentError
from steeple.lab.after.diffusion import Diffusion
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking
from tests.lab.after.photos import clusters, evidences, unit

GALLERY = clusters(5, 5, 6, dimensions=8, spread=0.8)
QUERY = unit(GALLERY[8] + 0.3 * GALLERY[21])


def diffused(
    gallery: NDArray[np.float32], query: NDArray[np.float32], ranking: Ranking, **parameters: float
) -> Ranking:
    stage = Diffusion(**parameters)  # type: ignore[arg-type]  # numbers of either kind
    stage.prepare(evidences(gallery), [""] * len(gallery))
    return stage.rerank(Evidence(query), ranking)


@pytest.mark.parametrize("truncation", [1000, 12])
def test_the_dense_solution(truncation: int) -> None:
    neighbours, start, alpha = 5, 3, 0.95
    products = GALLERY.astype(float) @ GALLERY.T.astype(float)
    np.fill_diagonal(products, -1)
    near = np.argsort(-products, axis=1)[:, :neighbours]
    among = np.zeros(products.shape, bool)
    np.put_along_axis(among, near, True, axis=1)
    weights = np.where(among & among.T, np.maximum(products, 0) ** 3, 0)
    found = GALLERY.astype(float) @ QUERY
    part = np.argsort(-found)[:truncation]
    weights = weights[np.ix_(part, part)]
    degrees = np.maximum(weights.sum(axis=1), 1e-12)  # some have no neighbour left
    transitions = weights / np.sqrt(degrees[:, None] * degrees[None])
    asked = np.zeros(len(part))
    asked[:start] = found[part[:start]] ** 3
    flow = np.linalg.solve(np.eye(len(part)) - alpha * transitions, (1 - alpha) * asked)

    ranking = diffused(
        GALLERY, QUERY, Ranking.of(GALLERY @ QUERY),
        neighbours=neighbours, query_neighbours=start, alpha=alpha, truncation=truncation,
    )  # fmt: skip
    reached = ranking.scores > 0
    wanted = np.zeros(len(GALLERY))
    wanted[part] = flow
    np.testing.assert_allclose(wanted[ranking.keys[reached]], ranking.scores[reached], rtol=1e-4, atol=1e-7)
    assert reached.sum() == (flow > 1e-8 * flow.max()).sum() > 5
    assert len(ranking) == len(GALLERY)


def test_it_goes_around_a_bend_where_similarity_jumps_across() -> None:
    # Photos on an arc of 150 degrees in steps of 5, and one that is nearer to the start than the end of the arc.
    angles = np.radians(np.arange(0, 151, 5))
    arc = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=1)
    aside = np.array([[np.cos(1.2), 0, np.sin(1.2)]])
    gallery = unit(np.concatenate([arc, aside]))
    query = gallery[0]
    before = Ranking.of(gallery @ query)
    after = diffused(gallery, query, before, neighbours=3, query_neighbours=2)
    end, other = len(arc) - 1, len(arc)
    places = [{key: place for place, key in enumerate(ranking.keys.tolist())} for ranking in (before, after)]
    assert places[0][other] < places[0][end]
    assert places[1][end] < places[1][other]
    assert after.keys[-1] == other
    assert after.scores[-1] < 0 < after.scores[-2]


@pytest.mark.parametrize(
    "parameters", [{"neighbours": 0}, {"query_neighbours": 0}, {"gamma": 0.0}, {"alpha": 1.0}, {"truncation": 0}]
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(parameters))):
        Diffusion(**parameters)  # type: ignore[arg-type]  # numbers of either kind
