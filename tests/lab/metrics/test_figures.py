"""The figures of each benchmark, by hand, on a gallery of eight photos."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from steeple.errors import InvalidArgumentError
from steeple.lab.metrics import evaluate_rankings, title_of
from steeple.lab.photos import Benchmark, Grade, LabDataset, LabPhoto, LabQuery
from steeple.lab.rankings import Ranking
from steeple.server.evaluation import Outcome, measure

E, H, J = Grade.EASY, Grade.HARD, Grade.JUNK


def dataset(benchmark: Benchmark, *grades: Mapping[int, Grade], tiers: Sequence[str] = ()) -> LabDataset:
    queries = tuple(
        LabQuery(
            LabPhoto(f"query-{place}", Path("query")),
            "landmark" if each else "",
            tiers[place] if tiers else "",
            each,
        )
        for place, each in enumerate(grades)
    )
    gallery = tuple(LabPhoto(str(key), Path(str(key))) for key in range(8))
    return LabDataset("eight", gallery, ("",) * 8, queries, (), benchmark)


def ranking(*keys: int, best: float = 1.0) -> Ranking:
    return Ranking(np.array(keys, np.int64), (best - np.arange(len(keys)) / 10).astype(np.float32))


def test_the_three_setups_of_the_revisited_benchmarks() -> None:
    asked = dataset(Benchmark.REVISITED, {0: E, 1: E, 2: H, 3: J}, {4: E, 5: J})
    figures = evaluate_rankings(asked, [ranking(3, 0, 6, 2, 1, 7), ranking(5, 6, 4)])
    # Query 1. Easy: 3 and 2 are ignored, 0 6 1: (1 + 7/12) / 2 = 19/24. Hard: 3, 0 and 1 are ignored, 6 2: 1/4.
    # Medium: 3 is ignored, 0 6 2 1: 1, (1/2 + 2/3) / 2 and (2/3 + 3/4) / 2, by three: (1 + 7/12 + 17/24) / 3 = 55/72.
    # Query 2. Easy and medium: 5 is ignored, 6 4: 1/4; it has nothing hard.
    assert figures.values["map_easy"] == pytest.approx((19 / 24 + 1 / 4) / 2)
    assert figures.values["map_medium"] == pytest.approx((55 / 72 + 1 / 4) / 2)
    assert figures.values["map_hard"] == pytest.approx(1 / 4)
    assert figures.by_query["map_hard"].tolist() == pytest.approx([1 / 4, math.nan], nan_ok=True)
    # The last right photo of query 1 in medium stands at place 4, that of query 2 at place 2.
    assert figures.values["mp_at_1_medium"] == pytest.approx((1 + 0) / 2)
    assert figures.values["mp_at_5_medium"] == pytest.approx((3 / 4 + 1 / 2) / 2)
    assert figures.values["mp_at_10_hard"] == pytest.approx(1 / 2)
    assert len(figures.values) == 3 * (1 + 3)


def test_a_query_that_finds_itself_is_passed_over() -> None:
    asked = dataset(Benchmark.RETRIEVAL, {0: J, 1: E})
    assert evaluate_rankings(asked, [ranking(0, 1, 2)]).values == {"map": 1.0}


def test_four_photos_of_an_object() -> None:
    group = dict.fromkeys(range(4), E)
    asked = dataset(Benchmark.UKBENCH, group, group)
    figures = evaluate_rankings(asked, [ranking(0, 1, 2, 3), ranking(1, 7, 0, 6, 2)])
    assert figures.values == {"n_s_score": 3.0}
    assert figures.by_query["n_s_score"].tolist() == [4, 2]


def test_at_100_counts_queries_with_right_photos() -> None:
    asked = dataset(Benchmark.MAP_AT_100, {0: E, 1: E}, {2: E}, {})
    figures = evaluate_rankings(asked, [ranking(0, 5, 1), ranking(), ranking(5)])
    assert figures.values == {"map_at_100": pytest.approx((5 / 6 + 0) / 2)}


def test_recognition_of_landmarks_among_strangers() -> None:
    asked = dataset(Benchmark.RECOGNITION, {0: E, 1: E}, {2: E}, {}, {3: E}, tiers=("easy", "hard", "hard", "hard"))
    rankings = [ranking(0, 6, 1, best=5), ranking(7, 2, best=3), ranking(7, best=4), ranking(best=1)]
    figures = evaluate_rankings(asked, rankings)
    assert figures.primary == "micro_ap"
    # Ranked by score: right (5), stranger (4), wrong (3), found nothing. Three queries are known.
    assert figures.values["micro_ap"] == pytest.approx(1 / 3)
    assert figures.values["tpr_at_1pct_fpr"] == pytest.approx(1 / 3)
    assert figures.values["recall_at_1"] == pytest.approx(1 / 3)
    assert figures.values["recall_at_5"] == pytest.approx(2 / 3)
    assert figures.values["recall_at_1_easy"] == 1.0
    assert figures.values["recall_at_1_hard"] == 0.0
    assert figures.values["map"] == pytest.approx((5 / 6 + 1 / 2 + 0) / 3)
    assert figures.by_query["recall_at_1_hard"].tolist() == pytest.approx([math.nan, 0, math.nan, 0], nan_ok=True)


def test_negative_scores_are_scores() -> None:
    asked = dataset(Benchmark.MICRO_AP, {0: E}, {})
    figures = evaluate_rankings(asked, [ranking(0, best=-2), ranking(5, best=-3)])
    assert figures.values == {"recall_at_1": 1, "micro_ap": 1, "tpr_at_1pct_fpr": 1}
    without = evaluate_rankings(asked, [ranking(0, best=-2), ranking()])
    assert without.values["micro_ap"] == 1, "a stranger that finds nothing is kept out"


def test_without_strangers_there_is_no_rate_of_them() -> None:
    figures = evaluate_rankings(dataset(Benchmark.MICRO_AP, {0: E}), [ranking(0)])
    assert math.isnan(figures.values["tpr_at_1pct_fpr"])


def test_the_server_s_evaluation_has_the_same_figures() -> None:
    random = np.random.default_rng(2)
    grades = [
        {int(key): E} if known else {}
        for key, known in zip(random.integers(8, size=200), random.random(200) < 0.6, strict=True)
    ]
    asked = dataset(Benchmark.RECOGNITION, *grades)
    rankings = [ranking(*random.permutation(8).tolist(), best=random.random()) for _ in grades]
    outcomes = [
        Outcome(bool(each), int(found.keys[0]) in each, float(found.scores[0]), identified=False)
        for each, found in zip(grades, rankings, strict=True)
    ]
    figures, measured = evaluate_rankings(asked, rankings).values, measure(outcomes)
    for name in ("recall_at_1", "micro_ap", "tpr_at_1pct_fpr"):
        assert figures[name] == getattr(measured, name) > 0


@pytest.mark.parametrize("benchmark", Benchmark)
def test_every_benchmark_has_its_primary_figure(benchmark: Benchmark) -> None:
    figures = evaluate_rankings(dataset(benchmark, {0: E, 1: H}), [ranking(0, 1)])
    assert figures.values[figures.primary] == (2 if benchmark is Benchmark.UKBENCH else 1)
    assert set(figures.by_query) <= set(figures.values)
    assert all(title_of(name) != name for name in figures.values)


def test_titles_are_the_fields() -> None:
    names = ("map", "map_at_100", "map_hard", "mp_at_10_medium", "recall_at_1_hard", "micro_ap", "other")
    titles = ["mAP", "mAP@100", "mAP, hard", "mP@10, medium", "recall@1, hard", "micro-AP", "other"]
    assert [title_of(name) for name in names] == titles


@pytest.mark.parametrize(
    ("rankings", "message"),
    [
        ([], "0 rankings for 1 queries"),
        ([ranking(0, 8)], "query-0 names a photo that the gallery has not"),
        ([ranking(-1)], "query-0 names a photo that the gallery has not"),
        ([ranking(0, 1, 0)], "query-0 names a photo twice"),
    ],
)
def test_rankings_of_something_else_are_refused(rankings: list[Ranking], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        evaluate_rankings(dataset(Benchmark.RETRIEVAL, {0: E}), rankings)
