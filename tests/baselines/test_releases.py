from pathlib import Path

import numpy as np
import pytest

from steeple.baselines import releases
from steeple.errors import NotFoundError, ReleaseError


def _saved(folder: Path) -> releases.TrainedNetwork:
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3)
    return releases.save(folder / "tiny.npz", {"dense": [kernel, np.ones(3, np.float32)]}, {"paper": "none"})


def test_a_network_comes_back_with_its_facts(tmp_path: Path) -> None:
    written = _saved(tmp_path)
    read = releases.load("tiny", tmp_path)
    assert releases.names(tmp_path) == ["tiny"]
    assert read.name == written.name == "tiny"
    assert read.facts == {"paper": "none"}
    np.testing.assert_array_equal(read.weights["dense"][0], [[0, 1, 2], [3, 4, 5]])
    assert read.weights["dense"][1].dtype == np.float32


def test_weights_that_are_not_those_of_the_facts_are_refused(tmp_path: Path) -> None:
    _saved(tmp_path)
    before = (tmp_path / "tiny.npz").read_bytes()
    releases.save(tmp_path / "other.npz", {"dense": [np.zeros((2, 3), np.float32)]}, {})
    (tmp_path / "tiny.npz").write_bytes((tmp_path / "other.npz").read_bytes())
    with pytest.raises(ReleaseError, match="not the file"):
        releases.load("tiny", tmp_path)
    (tmp_path / "tiny.npz").write_bytes(before)
    releases.load("tiny", tmp_path)


def test_facts_that_are_missing_or_no_json_are_named(tmp_path: Path) -> None:
    _saved(tmp_path)
    (tmp_path / "tiny.json").write_text("[]")
    with pytest.raises(ReleaseError, match=r"tiny\.json"):
        releases.load("tiny", tmp_path)
    (tmp_path / "tiny.json").unlink()
    with pytest.raises(ReleaseError, match=r"tiny\.json"):
        releases.load("tiny", tmp_path)


def test_a_network_that_is_not_there_says_which_are(tmp_path: Path) -> None:
    _saved(tmp_path)
    with pytest.raises(NotFoundError, match="there are: tiny"):
        releases.load("other", tmp_path)
