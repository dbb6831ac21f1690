"""Experiments: what is compared, on which photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets import FORMATS, open_dataset
from steeple.lab.parts import Parts
from steeple.lab.photos import LabDataset
from steeple.lab.reading import Section, Value, read_yaml
from steeple.lab.systems import System, built_in_systems, chosen, read_systems

PHOTO_SIZE: Final = 800
"""Pixels of the longer side that every method is shown at most, if nothing else is said."""

TRAINING_PHOTOS: Final = 600
"""Photos that methods are fitted on at most, if nothing else is said."""

_ALL: Final = "all"


@dataclass(frozen=True)
class DatasetUse:
    """Which photos.

    Attributes:
        path: Folder of the data set.
        format: Its name in the table of formats; empty: what the folder looks like.
        options: Of the format.
        training: Folder of photos that methods are fitted on; None: methods that need some fail.
        training_photos: How many of them at most, evenly by path.
    """

    path: Path
    format: str = ""
    options: Mapping[str, Value] = field(default_factory=dict)
    training: Path | None = None
    training_photos: int = TRAINING_PHOTOS

    def open(self) -> LabDataset:
        """Reads it.

        Raises:
            InvalidArgumentError: If it cannot be read as it is said to be.
        """
        return open_dataset(
            self.path,
            self.format or None,
            training=self.training,
            training_limit=None if self.training is None else self.training_photos,
            **self.options,
        )


@dataclass(frozen=True)
class Experiment:
    """What is compared, on which photos.

    Attributes:
        name: For titles.
        dataset: Which photos.
        photo_size: Pixels of the longer side that every method is shown at most; 0: photos as they are.
        systems: The rows, in the table's order.
    """

    name: str
    dataset: DatasetUse
    photo_size: int
    systems: tuple[System, ...]

    @property
    def facts(self) -> dict[str, Any]:
        """All of it but the systems, as JSON."""
        dataset = self.dataset
        return {
            "name": self.name,
            "dataset": str(dataset.path),
            "format": dataset.format,
            "options": dict(dataset.options),
            "training": None if dataset.training is None else str(dataset.training),
            "photo_size": self.photo_size,
        }

    def only(self, names: Sequence[str]) -> Experiment:
        """The same with some of its systems.

        Raises:
            InvalidArgumentError: If it has none of a name.
        """
        return replace(self, systems=chosen(names, self.systems, "--only"))


def read_experiment(path: Path, parts: Parts) -> Experiment:
    """An experiment as a YAML file defines it; ``docs/lab/experiments.md`` has all keys.

    Paths in the file are relative to its folder. A file may name another as its ``base``, whose keys it has as well,
    but for those that it gives itself.

    Args:
        path: The file.
        parts: What systems may be made of.

    Raises:
        InvalidArgumentError: If anything in it makes no sense; the text names file and key, and what is allowed.
    """
    section = _with_base(path)
    dataset = _dataset(section)
    experiment = Experiment(
        section.text("name", path.stem),
        dataset,
        section.number("photo-size", PHOTO_SIZE, least=0),
        _systems(section, parts),
    )
    section.done()
    return experiment


def _with_base(path: Path) -> Section:
    chain: list[Path] = []
    values: dict[str, Any] = {}
    following: Path | None = path
    while following is not None:
        if following.resolve() in chain:
            raise InvalidArgumentError(f"{following}: base: this file is its own base, by {', '.join(map(str, chain))}")
        chain.append(following.resolve())
        section = read_yaml(following)
        base = section.text("base", "")
        here = section.rest()
        for key in ("dataset", "training"):  # relative to the file that says it
            if isinstance(inner := here.get(key), dict) and isinstance(inner.get("path"), str):
                here[key] = {**inner, "path": str(following.parent / inner["path"])}
        values = {**here, **values}
        following = following.parent / base if base else None
    return Section(values, str(path))


def _dataset(section: Section) -> DatasetUse:
    inner = section.section("dataset")
    folder = Path(inner.text("path"))
    format_name = inner.choice("format", tuple(FORMATS)) if "format" in inner else str(inner.get("format") or "")
    options = inner.section("options").rest() if "options" in inner else {}
    inner.get("options")
    inner.done()
    if not folder.is_dir():
        raise InvalidArgumentError(f"{inner.at('path')}: there is no folder {folder}")
    found = DatasetUse(folder, format_name, options)
    if "training" not in section:
        section.get("training")
        return found
    training = section.section("training")
    below = Path(training.text("path"))
    if not below.is_dir():
        raise InvalidArgumentError(f"{training.at('path')}: there is no folder {below}")
    found = replace(found, training=below, training_photos=training.number("photos", TRAINING_PHOTOS))
    training.done()
    return found


def _systems(section: Section, parts: Parts) -> tuple[System, ...]:
    where = section.at("systems")
    if section.get("systems") in (None, _ALL):
        return built_in_systems(parts)
    values = section.items("systems")
    if not values:
        raise InvalidArgumentError(f"{where} must be {_ALL}, or a list of systems and names of rows; it is empty")
    rows = built_in_systems(parts) if any(isinstance(value, str) for value in values) else ()
    return read_systems(values, parts, where, rows)
