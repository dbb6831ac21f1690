"""The seed gives everything but the interleaving; damage is what it says; the command checks a file again."""

from __future__ import annotations

import itertools
import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.history import generator
from tests.history.__main__ import main
from tests.history.damage import SavedIndex
from tests.history.generator import Damage
from tests.history.operations import CHANGES, REPEAT, History
from tests.history.test_checker import ADDED, CREATED, found


def test_the_seed_gives_the_steps_and_the_lives() -> None:
    def first(seed: int, client: int) -> list[generator.Step]:
        return list(itertools.islice(generator.steps(seed, client), 500))

    assert first(3, 1) == first(3, 1)
    assert first(3, 1) != first(3, 2)
    assert first(3, 1) != first(4, 1)
    ids = [step.request_id for client in range(6) for step in first(3, client)]
    assert len(set(ids)) == len(ids)
    lives = list(itertools.islice(generator.lives(3), 200))
    assert lives == list(itertools.islice(generator.lives(3), 200))
    assert {life.damage for life in lives} == set(Damage)


def test_every_action_is_taken() -> None:
    actions = {step.action for step in itertools.islice(generator.steps(0, 0), 1000)}
    assert actions > CHANGES | {REPEAT, "Identify"}


def test_contents_are_like_no_other() -> None:
    contents = itertools.product(generator.LANDMARKS, generator.IMAGES, range(generator.VARIANTS))
    means = [generator.features(*content).unit_descriptors().mean(axis=0) for content in contents]
    assert len(np.unique(np.round(means, 4), axis=0)) == 48


@pytest.mark.parametrize("damage", list(Damage))
def test_damage_is_done(tmp_path: Path, damage: Damage) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    file = folder / "codebook"
    file.write_bytes(b"older")
    saved, chance = SavedIndex(folder, tmp_path / "copy"), random.Random(1)  # noqa: S311 - no secret
    while not (tmp_path / "copy").is_dir():
        assert saved.suffer(Damage.NONE, chance) == Damage.NONE
    file.write_bytes(b"newer!")
    assert saved.suffer(damage, chance).startswith(damage)
    after = file.read_bytes() if file.exists() else None
    if damage is Damage.TRUNCATE:
        assert after is not None
        assert len(after) < 6
    elif damage is Damage.FLIP:
        assert after is not None
        assert sum((a ^ b).bit_count() for a, b in zip(after, b"newer!", strict=True)) == 1
    else:
        expected = {Damage.NONE: b"newer!", Damage.DELETE: None}
        assert after == expected.get(damage, b"older")


def test_the_command_checks_a_file_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, there, code in (("good", True, 0), ("bad", False, 1)):
        History(12, True, (CREATED, ADDED, found(3.1, 3.2, there))).save(tmp_path / name)
        monkeypatch.setattr(sys, "argv", ["history", "check", str(tmp_path / name), "--json"])
        assert main() == code
        printed = capsys.readouterr()
        assert len(json.loads(printed.out)["violations"]) == code
        assert ("--seed 12" in printed.err) == bool(code)
