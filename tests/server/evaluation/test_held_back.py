"""What a training run held back, as a data set."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from steeple.delf.training.photos import TrainingPhotos
from steeple.errors import InvalidArgumentError
from steeple.server.evaluation import Role
from steeple.server.evaluation.held_back import held_back


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = {"tower": 100, "gate": 3, "bridge": 20, "single": 1, "_none": 80, ".hidden": 4}
    for name, count in photos.items():
        (tmp_path / name).mkdir()
        for number in range(count):
            (tmp_path / name / f"{number:03}.jpg").touch()
    return tmp_path


def test_roles_are_given_to_what_was_held_back(folder: Path) -> None:
    dataset = held_back(folder, ["tower", "gate"], 0.5)
    roles = Counter((photo.role, photo.landmark) for photo in dataset.photos)
    distractors = roles.pop((Role.DISTRACTOR, ""))
    assert roles == {
        (Role.REFERENCE, "tower"): 5,
        (Role.QUERY, "tower"): 60,
        (Role.REFERENCE, "gate"): 1,
        (Role.QUERY, "gate"): 2,
        (Role.FILLER, ""): 21,  # of bridge and single, which were trained on
    }
    assert 25 < distractors < 55
    assert len({photo.path for photo in dataset.photos}) == len(dataset.photos), "no photo has two roles"


def test_no_query_was_trained_on(folder: Path) -> None:
    trained = set(TrainingPhotos.below(folder, ["tower", "gate"], 0.5).all)
    for photo in held_back(folder, ["tower", "gate"], 0.5).photos:
        assert (photo.path in trained) == (photo.role is Role.FILLER)


@pytest.mark.parametrize(("landmarks", "share"), [([], 0.5), (["tower"], 0.0), (["single"], 0.5), ([], 0.0)])
def test_too_little_held_back_is_said_with_what_to_do(landmarks: list[str], share: float, folder: Path) -> None:
    with pytest.raises(InvalidArgumentError, match="give --calibration, or train with --hold-back LANDMARK"):
        held_back(folder, landmarks, share)
