"""The product as one of the systems answers as `steeple evaluate DIR` has it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steeple.delf import ModelRelease
from steeple.lab.answers import judged
from steeple.lab.cache import FeatureCache
from steeple.lab.datasets import open_dataset
from steeple.lab.photo_set import ShownDataset
from steeple.lab.product import answer_as_product
from steeple.lab.systems import Product
from steeple.server.evaluation import Dataset, answer_all, empty_index
from tests.known_photos import write_known_photos


def quiet(title: str, done: int, total: int) -> None:
    assert 0 <= done <= total


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_known_photos(tmp_path_factory.mktemp("product") / "known", strangers=2)
    rows = ["path,landmark,role,tier", "_strangers/00.jpg,,distractor,", "_strangers/01.jpg,,filler,"]
    for number in range(2):
        rows.append(f"landmark-{number}/0.jpg,landmark-{number},reference,")
        rows.append(f"landmark-{number}/2.jpg,landmark-{number},query,")
    (folder / "manifest.csv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def test_the_answers_are_those_of_the_evaluation(known: Path, tmp_path: Path) -> None:
    release = ModelRelease.load("delf-lite0-v1")
    with empty_index(release, exact=True) as (index, _):
        expected = answer_all(Dataset.open(known), release, index, quiet)
    shown = ShownDataset.of(open_dataset(known), 0, quiet)
    cache = FeatureCache(tmp_path)
    for _ in range(2):  # extracted, then from the cache
        answered = answer_as_product(Product(release.name, True), shown, cache, quiet)
        assert answered.confidence is not None
        assert answered.identified is not None
        for place, result in enumerate(expected):
            candidates = result.recognition.candidates
            assert answered.rankings[place].keys.tolist() == [each.image_key for each in candidates]
            assert answered.confidence[place] == pytest.approx(result.outcome.confidence, abs=1e-6)
            assert answered.identified[place] == result.recognition.identified
            assert answered.query_bytes[place] == result.query_bytes
    answers = judged(answered, shown, "fingerprint")
    assert answers.columns.figures()["recall_at_1"] == np.mean([r.outcome.right for r in expected if r.outcome.known])
    assert "map" not in answers.columns.by_query, "it names landmarks, by one photo of each"
    assert answered.index_bytes > 40 * answered.features * 0.9
    assert answered.stage_bytes > 46 * answered.features * 0.9
