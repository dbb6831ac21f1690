"""Spatial verification against homographies that are known."""

import numpy as np
import pytest

from steeple.delf.homographies import about, middle, rotating, scaling, shifting, warped
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.lab.after import RERANKINGS
from steeple.lab.after.spatial import as_fraction
from steeple.lab.after.verifying import matched
from steeple.lab.features import LocalFeatures
from steeple.lab.protocols import Evidence
from steeple.lab.rankings import Ranking
from tests.lab.after.photos import SIZE, features, orb, seen
from tests.scenes import scene

VIEW = shifting(12, -7) @ about(middle(*SIZE), rotating(12) @ scaling(0.8, 0.8))


def ranked(*keys: int) -> Ranking:
    return Ranking(np.array(keys, np.int64), np.linspace(0.9, 0.1, len(keys), dtype=np.float32))


def reranked(query: LocalFeatures, gallery: list[LocalFeatures], ranking: Ranking, **parameters: object) -> Ranking:
    stage = RERANKINGS["spatial"].make(**parameters)
    stage.prepare([Evidence(local=each) for each in gallery], [""] * len(gallery))
    return stage.rerank(Evidence(local=query), ranking)


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("sampling", ["prosac", "ransac"])
def test_what_agrees_on_one_geometry_comes_first_with_its_inliers(binary: bool, sampling: str) -> None:
    gallery = [features(1, binary=binary), features(2, binary=binary), features(3, binary=binary)]
    query = seen(gallery[2], VIEW, 40)
    parameters = {"inlier_radius": 3.0, "reference_side": 0, "sampling": sampling}
    ranking = reranked(query, gallery, ranked(0, 1, 2), **parameters)
    assert ranking.keys[0] == 2
    assert 36 <= int(ranking.scores[0]) <= 41  # a few lie on one spot with another; one may agree by chance
    assert ranking.scores[1] < 8


def test_real_pictures_verify_and_others_do_not() -> None:
    pictures = [scene(seed) for seed in range(3)]
    query = orb(warped(pictures[2], VIEW, SIZE))
    ranking = reranked(query, [orb(each) for each in pictures], ranked(0, 1, 2))
    assert ranking.keys[0] == 2
    assert int(ranking.scores[0]) > 40 > 4 * int(ranking.scores[1])


def test_the_radius_follows_the_size_of_the_query() -> None:
    gallery = [features(1)]
    query = seen(gallery[0], VIEW, 40)
    noise = np.random.default_rng(3).normal(0, 4, query.positions.shape).astype(np.float32)
    query = LocalFeatures(query.positions + noise, *(getattr(query, each) for each in
        ("scales", "angles", "scores", "descriptors", "width", "height")))  # fmt: skip
    narrow, wide = (
        int(reranked(query, gallery, ranked(0), inlier_radius=3.0, reference_side=side).scores[0])
        for side in (SIZE[0], SIZE[0] // 5)
    )
    assert narrow < 30 < wide


def test_features_of_other_sizes_than_the_geometry_are_no_inliers() -> None:
    gallery = [features(1)]
    query = seen(gallery[0], VIEW, 40)
    query.scales[:] = np.random.default_rng(5).permutation(np.geomspace(0.1, 1000, len(query)))
    with_sizes, without = (
        int(reranked(query, gallery, ranked(0), inlier_radius=3.0, scales=scales).scores[0]) for scales in (True, False)
    )
    assert with_sizes < 25
    assert without >= 36


def test_only_the_first_candidates_are_verified_and_the_rest_keep_their_order() -> None:
    gallery = [features(1), features(2), features(3), features(4)]
    ranking = reranked(seen(gallery[2], VIEW, 50), gallery, ranked(3, 1, 0, 2), candidates=3, inlier_radius=3.0)
    assert ranking.keys.tolist() == [3, 1, 0, 2]
    assert ranking.scores[-1] < 1


def test_a_query_without_features_verifies_nothing() -> None:
    gallery = [features(1), features(2)]
    ranking = reranked(features(1, 0), gallery, ranked(1, 0))
    assert ranking.keys.tolist() == [1, 0]
    assert (ranking.scores < 1).all()
    assert (np.diff(ranking.scores) < 0).all()


def test_pairs_of_bits_are_mutual_and_the_nearest_come_first() -> None:
    query, reference = features(1, 30, True), features(2, 40, True)
    near = np.asarray(reference.descriptors[5], np.uint8).copy()
    near[0] ^= 0b11
    query.descriptors[7] = near
    pairs = matched(query, reference)
    distances = np.bitwise_count(
        np.asarray(query.descriptors, np.uint8)[:, None] ^ np.asarray(reference.descriptors, np.uint8)
    ).sum(axis=2)
    assert pairs[0].tolist() == [7, 5]
    assert (np.diff(distances[pairs[:, 0], pairs[:, 1]].astype(int)) >= 0).all()
    for one, other in pairs:
        assert distances[one, other] == distances[one].min() == distances[:, other].min()


def test_a_fraction_rises_with_scores_of_any_size() -> None:
    scores = np.array([-1e9, -2, -1, 0, 0.3, 0.31, 5, 1e9], np.float32)
    fractions = as_fraction(scores)
    assert (np.diff(fractions) > 0).all()
    assert fractions[0] > 0
    assert np.float32(1000) + np.float32(fractions[-1]) < 1001


def test_features_of_two_methods_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="different methods"):
        reranked(features(1, binary=True), [features(2)], ranked(0))


def test_a_system_without_local_features_is_told_so() -> None:
    stage = RERANKINGS["spatial"].make()
    with pytest.raises(InvalidArgumentError, match="works on local features"):
        stage.prepare([Evidence(np.ones(2, np.float32))], [""])
    with pytest.raises(FailedPreconditionError, match="prepare"):
        stage.rerank(Evidence(local=features(1)), ranked(0))


@pytest.mark.parametrize(
    "parameters",
    [{"candidates": 0}, {"inlier_radius": 0}, {"iterations": 0}, {"sampling": "all"}, {"reference_side": -1}],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(parameters))):
        RERANKINGS["spatial"].make(**parameters)
