"""Whole evaluations through the real extractor, index and recogniser."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from steeple.delf import Extractor, ModelRelease, wire
from steeple.errors import ImageError
from steeple.server.evaluation import Dataset, QueryResult, Role, answer_all, measure
from steeple.server.index import ExactIndex, FaissIndex
from tests.known_photos import LANDMARKS, write_known_photos


@dataclass
class Steps:
    """Keeps what progress was told."""

    seen: list[tuple[str, int, int]] = field(default_factory=list)

    def __call__(self, stage: str, done: int, total: int) -> None:
        self.seen.append((stage, done, total))


@pytest.fixture(scope="module")
def release() -> ModelRelease:
    return ModelRelease.load()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder, fillers = write_known_photos(tmp_path_factory.mktemp("known")), tmp_path_factory.mktemp("fillers")
    for path in sorted((folder / "_strangers").iterdir())[::3]:
        path.rename(fillers / path.name)
    return Dataset.open(folder).with_fillers(fillers)


@pytest.fixture(scope="module")
def exact(dataset: Dataset, release: ModelRelease) -> list[QueryResult]:
    return answer_all(dataset, release, ExactIndex(release.name), Steps(), extractors=2)


def test_known_pictures_are_recognised_among_strangers(exact: list[QueryResult]) -> None:
    metrics = measure([result.outcome for result in exact])
    assert (metrics.queries, metrics.distractors) == (2 * LANDMARKS, 8)
    assert metrics.recall_at_1 == 1.0
    assert metrics.micro_ap > 0.95


def test_the_pq_index_recalls_what_exact_search_does(
    dataset: Dataset, release: ModelRelease, exact: list[QueryResult]
) -> None:
    index = FaissIndex(release)
    steps = Steps()
    results = answer_all(dataset, release, index, steps)
    assert index.stats().images == len(dataset.gallery)
    assert [result.photo for result in results] == list(dataset.queries)
    known = [number for number, photo in enumerate(dataset.queries) if photo.role is Role.QUERY]
    assert [results[number].outcome.right for number in known] == [exact[number].outcome.right for number in known]
    gallery, queries = len(dataset.gallery), len(dataset.queries)
    assert steps.seen == [
        *(("gallery", done, gallery) for done in range(gallery + 1)),
        *(("queries", done, queries) for done in range(queries + 1)),
        *(("answers", done, queries) for done in range(queries + 1)),
    ]


def test_the_number_of_extractors_changes_no_answer(dataset: Dataset, release: ModelRelease) -> None:
    few = Dataset(tuple(photo for photo in dataset.photos if photo.landmark in ("landmark-1", "landmark-4", "")))
    alone, together = (answer_all(few, release, FaissIndex(release), Steps(), extractors=count) for count in (1, 3))
    assert [result.outcome for result in alone] == [result.outcome for result in together]
    assert [result.query_bytes for result in alone] == [result.query_bytes for result in together]


def test_what_a_query_costs(exact: list[QueryResult], release: ModelRelease) -> None:
    for result in exact[:3]:
        message = wire.pack(Extractor(release).extract(result.photo.path))
        assert result.query_bytes == len(message.SerializeToString())
        assert result.query_bytes == pytest.approx(46 * result.recognition.feature_count, abs=64)
        assert result.extract_seconds > 0
        assert result.recognition.search_seconds > 0


def test_a_damaged_photo_is_named(tmp_path: Path, release: ModelRelease) -> None:
    folder = write_known_photos(tmp_path / "known", strangers=1)
    (folder / "landmark-3" / "2.jpg").write_bytes(b"\xff\xd8 not a photo")
    with pytest.raises(ImageError, match=r"landmark-3/2\.jpg: "):
        answer_all(Dataset.open(folder), release, ExactIndex(release.name), Steps(), extractors=2)
