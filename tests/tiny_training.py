"""A training run of a few steps, on pictures made on the spot: all that a long one goes through."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tests.known_photos import write_known_photos

NEEDS_TENSORFLOW: Final = [
    pytest.mark.train,
    # Both warn about ways of their own that they are about to leave.
    pytest.mark.filterwarnings("ignore::UserWarning:tensorflow"),
    pytest.mark.filterwarnings("ignore::UserWarning:keras"),
]
"""Marks of a module of tests."""

RECIPE: Final[dict[str, Any]] = {
    "seed": 2,
    "held_back": ["landmark-3", "landmark-4", "landmark-5"],
    "held_back_share": 0.5,
    "network": {"last_block": 7, "fusion": True, "learned_attention": True, "global_dimensions": 32},
    "views": {"side": 96},
    "descriptors": {"steps": 6, "pairs": 4, "labelled": 4, "mined": 0.5, "rounds": 2, "rate": 1e-3},
    "attention": {"steps": 4, "pairs": 4, "labelled": 4, "rate": 3e-4},
}
"""Of 6 landmarks, 3 are trained on. With this seed, attention begins positive nearly everywhere."""
INDEX: Final = "IVF16,PQ20x4np"
"""So few lists and centroids need no more descriptors than a dozen pictures have; np: FAISS sorts no centroids for
polysemous search, which takes a minute and which nothing uses."""


def part(name: str) -> Any:
    """A module below ``steeple.delf``, imported late: without TensorFlow tests can be collected and deselected."""
    return importlib.import_module(f"steeple.delf.{name}")


def quiet(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def write_training_photos(folder: Path) -> Path:
    """6 landmarks of 3 views each and 12 strangers, of the size that a release works at."""
    return write_known_photos(folder, strangers=12, width=640, height=480)


def write_recipe(file: Path, **changes: Any) -> Path:
    """:data:`RECIPE` with some of its parts replaced, as a file."""
    file.write_text(json.dumps({**RECIPE, **changes}), encoding="utf-8")
    return file
