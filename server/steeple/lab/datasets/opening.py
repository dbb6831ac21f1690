"""Opening a data set of whatever format, and what must hold for any."""

from __future__ import annotations

import hashlib
import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from steeple.errors import InvalidArgumentError
from steeple.lab.datasets.files import training_photos
from steeple.lab.photos import LabDataset, LabPhoto


@dataclass(frozen=True)
class Format:
    """A format of data sets.

    Attributes:
        title: Of the data set, as a table shows it.
        paper: Where it is from: authors, venue, year; empty for the project's own.
        layout: Which files it has, in a line.
        recognises: Whether a folder holds it.
        read: Reads a folder; its keyword arguments are the format's options, all with defaults and of types that
            YAML has. Raises InvalidArgumentError if the folder does not fit.
    """

    title: str
    paper: str
    layout: str
    recognises: Callable[[Path], bool]
    read: Callable[..., LabDataset]

    @property
    def options(self) -> tuple[str, ...]:
        """Names of the format's options."""
        return tuple(list(inspect.signature(self.read).parameters)[1:])


def open_in(
    formats: Mapping[str, Format],
    path: Path,
    format: str | None = None,
    *,
    training: Path | str | None = None,
    training_limit: int | None = None,
    **options: object,
) -> LabDataset:
    """:func:`steeple.lab.datasets.open_dataset` among some formats."""
    if not path.is_dir():
        raise InvalidArgumentError(f"there is no folder {path}")
    name = format or _recognised(formats, path)
    if name not in formats:
        raise InvalidArgumentError(f"there is no format {name!r} of data sets; there are {', '.join(formats)}")
    chosen = formats[name]
    unknown = sorted(set(options) - set(chosen.options))
    if unknown:
        has = f"has the options {', '.join(chosen.options)}" if chosen.options else "has no options of its own"
        raise InvalidArgumentError(f"the format {name} has no option {unknown[0]!r}; it {has}")
    dataset = chosen.read(path, **options)
    if training is not None:
        dataset = replace(dataset, training=training_photos(Path(training), training_limit))
    check(dataset)
    return dataset


def _recognised(formats: Mapping[str, Format], path: Path) -> str:
    for name, each in formats.items():
        if each.recognises(path):
            return name
    layouts = "\n".join(f"  {name}: {each.layout}" for name, each in formats.items())
    raise InvalidArgumentError(f"{path} is no data set of a known layout. There are\n{layouts}")


def check(dataset: LabDataset) -> None:
    """That keys stand for one picture each, and that nothing is trained on that is asked or searched.

    Photos are compared by their bytes; only those of equal length are read.

    Raises:
        InvalidArgumentError: If it does not hold.
    """
    asked = tuple(query.photo for query in dataset.queries)
    by_key: dict[str, LabPhoto] = {}
    for photo in (*dataset.gallery, *asked, *dataset.training):
        if by_key.setdefault(photo.key, photo) != photo:
            raise InvalidArgumentError(f"two photos of {dataset.name} are called {photo.key}")
    if len({photo.key for photo in dataset.gallery}) < len(dataset.gallery):
        raise InvalidArgumentError(f"the gallery of {dataset.name} has a photo twice")
    shared = _same_files(
        {photo.path for photo in dataset.training}, {photo.path for photo in (*dataset.gallery, *asked)}
    )
    if shared:
        trained, other = shared[0]
        raise InvalidArgumentError(
            f"{len(shared)} training photos are also asked or searched: {trained} is {other}; take them out of the "
            "folder of training photos, or figures flatter every method that is fitted"
        )


def _same_files(some: Iterable[Path], others: Iterable[Path]) -> list[tuple[Path, Path]]:
    """Which of some files have the bytes of which of others, by path."""
    by_size: defaultdict[int, list[Path]] = defaultdict(list)
    for path in others:
        by_size[path.stat().st_size].append(path)
    digests: dict[Path, bytes] = {}

    def digest(path: Path) -> bytes:
        if path not in digests:
            with path.open("rb") as file:
                digests[path] = hashlib.file_digest(file, "sha256").digest()
        return digests[path]

    return [
        (path, other)
        for path in sorted(some)
        for other in sorted(by_size.get(path.stat().st_size, ()))
        if digest(path) == digest(other)
    ]
