"""What holds for every stage after the search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steeple.lab.after import RERANKINGS
from steeple.lab.protocols import Evidence, Reranking
from steeple.lab.rankings import Ranking
from tests.lab.after.photos import clusters, evidences, features, unit

GROUPS, EACH = 6, 4
VECTORS = clusters(11, GROUPS, EACH)
LOCALS = [features(seed, 30) for seed in range(len(VECTORS))]
GALLERY = evidences(VECTORS, LOCALS)
LANDMARKS = [f"landmark {number // EACH}" if number < (GROUPS - 1) * EACH else "" for number in range(len(GALLERY))]
ALL = sorted(RERANKINGS)


# As published, these follow the neighbourhood so far that the middle of it may come before the photo itself.
CLOSER: dict[str, dict[str, object]] = {"average-qe": {"neighbours": EACH - 1}, "diffusion": {"alpha": 0.5}}


def prepared(name: str, **parameters: object) -> Reranking:
    stage = RERANKINGS[name].make(**parameters)
    stage.prepare(GALLERY, LANDMARKS)
    return stage


STAGES = {name: prepared(name) for name in ALL}


def searched(query: Evidence, limit: int) -> Ranking:
    assert query.vector is not None
    return Ranking.of(VECTORS @ query.vector, limit)


@pytest.mark.parametrize("name", ALL)
@given(seed=st.integers(0, 10_000), limit=st.integers(0, len(GALLERY)))
@settings(max_examples=12, deadline=None)
def test_keys_are_unique_positions_and_scores_never_rise(name: str, seed: int, limit: int) -> None:
    query = Evidence(unit(np.random.default_rng(seed).normal(size=16)), features(seed, 20))
    before = searched(query, limit)
    after = STAGES[name].rerank(query, before)
    assert after.keys.dtype == np.int64
    assert after.scores.dtype == np.float32
    assert len(after.keys) == len(after.scores) == len(set(after.keys.tolist()))
    assert set(before.keys.tolist()) <= set(after.keys.tolist()) <= set(range(len(GALLERY)))
    assert (np.diff(after.scores) <= 0).all()
    assert np.isfinite(after.scores).all()


@pytest.mark.parametrize("name", ALL)
def test_a_photo_of_the_gallery_finds_itself_first(name: str) -> None:
    stage = prepared(name, **CLOSER.get(name, {}))
    for key in range(0, len(GALLERY), EACH + 1):
        assert stage.rerank(GALLERY[key], searched(GALLERY[key], 20)).keys[0] == key


@pytest.mark.parametrize("name", ALL)
def test_as_published_a_photo_of_the_gallery_finds_its_landmark_first(name: str) -> None:
    for key in range(0, len(GALLERY), EACH + 1):
        assert STAGES[name].rerank(GALLERY[key], searched(GALLERY[key], 20)).keys[0] // EACH == key // EACH


@pytest.mark.parametrize("name", ALL)
def test_another_one_made_alike_says_the_same(name: str) -> None:
    query = Evidence(unit(VECTORS[5] + VECTORS[9]), LOCALS[7])
    one, other = (stage.rerank(query, searched(query, 12)) for stage in (STAGES[name], prepared(name)))
    assert one.keys.tobytes() == other.keys.tobytes()
    assert one.scores.tobytes() == other.scores.tobytes()


@pytest.mark.parametrize("name", ALL)
def test_the_ranking_that_comes_in_stays_as_it_is(name: str) -> None:
    before = searched(GALLERY[2], 12)
    keys, scores = before.keys.copy(), before.scores.copy()
    STAGES[name].rerank(GALLERY[2], before)
    assert before.keys.tolist() == keys.tolist()
    assert before.scores.tolist() == scores.tolist()


@pytest.mark.parametrize("name", ALL)
def test_nothing_found_stays_nothing_or_becomes_what_the_stage_finds(name: str) -> None:
    found = STAGES[name].rerank(GALLERY[3], searched(GALLERY[3], 0))
    if name in {"spatial", "posterior"}:
        assert len(found) == 0
    else:
        assert found.keys[0] // EACH == 0


@pytest.mark.parametrize("name", sorted(set(ALL) - {"posterior"}))
def test_an_empty_gallery_has_nothing(name: str) -> None:
    stage = RERANKINGS[name].make()
    stage.prepare([], [])
    assert len(stage.rerank(GALLERY[0], searched(GALLERY[0], 0))) == 0


@pytest.mark.parametrize("name", ALL)
def test_what_a_table_says_of_it_is_there(name: str) -> None:
    kind = RERANKINGS[name]
    assert kind.title
    assert len(kind.choices) > 40
    assert kind.paper or name == "posterior"


def test_stages_follow_each_other() -> None:
    """What inliers confirm is asked with again, and then both kinds of evidence are added up."""
    narrow: dict[str, object] = {"inlier_radius": 3.0, "reference_side": 0, "candidates": len(GALLERY)}
    query = Evidence(unit(VECTORS[4] + 0.4 * VECTORS[12]), LOCALS[4])
    stages: list[tuple[str, dict[str, object]]] = [
        ("spatial", narrow),
        ("average-qe", {"least_score": 20.0}),
        ("fusion", {"similarity": "ranking"} | narrow),
    ]
    rankings = [searched(query, len(GALLERY))]
    for name, parameters in stages:
        stage = RERANKINGS[name].make(**parameters)
        stage.prepare(GALLERY, LANDMARKS)
        rankings.append(stage.rerank(query, rankings[-1]))
    inliers = np.zeros(len(GALLERY))
    inliers[rankings[1].keys] = np.floor(rankings[1].scores)
    assert np.flatnonzero(inliers >= 20).tolist() == [4]
    similarities = VECTORS @ unit(query.vector + VECTORS[4])
    wanted = 0.5 * inliers / (inliers + 20) + 0.5 * np.maximum(similarities, 0)
    np.testing.assert_allclose(rankings[-1].scores, wanted[rankings[-1].keys], atol=1e-6)
    assert rankings[-1].keys[0] == 4
