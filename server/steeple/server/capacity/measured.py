"""What was measured of engines: figures as ``steeple benchmark engines --json`` prints them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any, Final, TypeVar

from steeple.errors import InvalidArgumentError

FORMAT: Final = 1

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class IndexPoint:
    """Searches of one kind.

    Attributes:
        engine: ``faiss``, ``gpu`` (FAISS on one) or ``milvus``.
        descriptors: In the index.
        lists: Inverted lists; of Milvus, of a segment.
        graph: Whether lists are found along a graph; else each is compared with.
        code_size: Bytes.
        probes: Lists visited for each descriptor of a query.
        query_descriptors: Of one query.
        at_once: Queries of one call.
        codes: That each descriptor of a query is compared with, mean; of Milvus, in a segment.
        wall_ms: Of one query, on all cores, median.
        cpu_ms: The same, in time of processors; None if nobody could tell.
        device_ms: The part of ``wall_ms`` that a GPU had to itself; None without one.
        client_ms: Time of processors of the process that asks, where that is another.
        parts: Segments of Milvus that a query searches.
    """

    engine: str
    descriptors: int
    lists: int
    graph: bool
    code_size: int
    probes: int
    query_descriptors: int
    at_once: int
    codes: float
    wall_ms: float
    cpu_ms: float | None = None
    device_ms: float | None = None
    client_ms: float = 0.0
    parts: int = 1


@dataclass(frozen=True)
class IndexSize:
    """What an index takes.

    Attributes:
        engine: As of :class:`IndexPoint`.
        descriptors: In it.
        code_size: Bytes.
        resident_bytes: That the process has more of once it has searched; of a GPU, of its memory.
        file_bytes: On the disk; 0 where that is not known.
    """

    engine: str
    descriptors: int
    code_size: int
    resident_bytes: int
    file_bytes: int = 0


@dataclass(frozen=True)
class CatalogueCost:
    """What rows of reference images with features cost.

    Attributes:
        engine: ``sqlite`` or ``postgresql``.
        images: In the catalogue.
        features: Of each.
        bytes_per_image: Of tables and indexes, features included.
        read_images: That are read for one query, with their features.
        read_ms: All of them, median.
        read_cpu_ms: Of the process that reads.
        server_cpu_ms: Of the database's own processes; None if nobody could tell, 0 if it has none.
        write_ms: Adding one image in a transaction of its own, median.
    """

    engine: str
    images: int
    features: int
    bytes_per_image: float
    read_images: int
    read_ms: float
    read_cpu_ms: float
    server_cpu_ms: float | None
    write_ms: float


@dataclass(frozen=True)
class ImageCost:
    """What photos cost.

    Attributes:
        store: ``folder`` or ``s3``, or another protocol.
        photo_bytes: Of each.
        put_ms: Storing a new one, median.
        get_ms: Reading it, median.
    """

    store: str
    photo_bytes: int
    put_ms: float
    get_ms: float


@dataclass(frozen=True)
class QueryBytes:
    """A query on the network.

    Attributes:
        max_bytes: Its budget; 0: whole.
        message_bytes: Of its message.
        descriptors: In it.
        decode_ms: Time of a processor to read it.
    """

    max_bytes: int
    message_bytes: int
    descriptors: int
    decode_ms: float


@dataclass(frozen=True)
class VerificationCost:
    """All of a query that follows the search, but for reading the images' features.

    Attributes:
        query_descriptors: Of the query.
        images: That are verified.
        cpu_ms: Median.
    """

    query_descriptors: int
    images: int
    cpu_ms: float


@dataclass(frozen=True)
class Run:
    """What one machine measured.

    Attributes:
        date: Such as ``2026-01-31``.
        processor: Its name.
        cores: That the operating system sees.
        gpu: Name of the GPU; empty without one.
        remark: What speaks against the figures.
        model: Name of the release.
        index: Searches.
        sizes: Of indexes.
        catalogue: Databases.
        images: Stores of photos.
        query_bytes: By budget.
        verification: By the size of the query.
        call_cpu_ms: A call that does nothing, client included; 0: not measured.
        extract_cpu_ms: Features of a photo of 640x480; 0: not measured.
    """

    date: str
    processor: str
    cores: int
    gpu: str
    remark: str
    model: str
    index: tuple[IndexPoint, ...] = ()
    sizes: tuple[IndexSize, ...] = ()
    catalogue: tuple[CatalogueCost, ...] = ()
    images: tuple[ImageCost, ...] = ()
    query_bytes: tuple[QueryBytes, ...] = ()
    verification: tuple[VerificationCost, ...] = ()
    call_cpu_ms: float = 0.0
    extract_cpu_ms: float = 0.0

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {"format": FORMAT, **asdict(self)}

    @property
    def machine(self) -> str:
        """In words."""
        cores = f"{self.cores} core{'s' if self.cores != 1 else ''}"
        return f"{cores}, {self.processor}" + (f", {self.gpu}" if self.gpu else "")


_PARTS: Final[Mapping[str, type]] = {
    "index": IndexPoint,
    "sizes": IndexSize,
    "catalogue": CatalogueCost,
    "images": ImageCost,
    "query_bytes": QueryBytes,
    "verification": VerificationCost,
}


@dataclass(frozen=True)
class Measured:
    """All runs that a plan rests on. What several have, the first one's counts.

    Attributes:
        runs: At least one.
    """

    runs: tuple[Run, ...]

    def index(self, engine: str) -> tuple[IndexPoint, ...]:
        """Searches of an engine; none if it was not measured."""
        return self._first(lambda run: tuple(point for point in run.index if point.engine == engine))

    def sizes(self, engine: str) -> tuple[IndexSize, ...]:
        """Of indexes of an engine."""
        return self._first(lambda run: tuple(size for size in run.sizes if size.engine == engine))

    def catalogue(self, engine: str) -> CatalogueCost | None:
        """Of a kind of database."""
        found = self._first(lambda run: tuple(cost for cost in run.catalogue if cost.engine == engine))
        return found[0] if found else None

    def images(self) -> tuple[ImageCost, ...]:
        """Stores of photos, each kind once."""
        return tuple({cost.store: cost for run in reversed(self.runs) for cost in run.images}.values())

    def query_bytes(self) -> tuple[QueryBytes, ...]:
        """By rising size of the message."""
        return tuple(sorted(self._first(lambda run: run.query_bytes), key=lambda each: each.message_bytes))

    def verification(self) -> tuple[VerificationCost, ...]:
        """By the size of the query."""
        return self._first(lambda run: run.verification)

    @property
    def call_cpu_ms(self) -> float:
        """See :class:`Run`."""
        return next((run.call_cpu_ms for run in self.runs if run.call_cpu_ms), 0.0)

    @property
    def extract_cpu_ms(self) -> float:
        """See :class:`Run`."""
        return next((run.extract_cpu_ms for run in self.runs if run.extract_cpu_ms), 0.0)

    def _first(self, part: Callable[[Run], tuple[_Part, ...]]) -> tuple[_Part, ...]:
        return next((found for run in self.runs if (found := part(run))), ())


def packaged() -> Measured:
    """What the project has measured: the files in ``measured`` beside this module, in the order of their names."""
    folder = resources.files(__package__) / "measured"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".json")), key=lambda file: file.name)
    return Measured(tuple(_read(file.read_text("utf-8"), file.name) for file in files))


def load(paths: Iterable[Path]) -> Measured:
    """Runs from files, each of which ``steeple benchmark engines --json`` has written.

    Raises:
        InvalidArgumentError: If one cannot be read or is not such a file.
    """
    runs = []
    for path in paths:
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(f"{path} cannot be read: {error}") from error
        runs.append(_read(text, str(path)))
    return Measured(tuple(runs))


def _read(text: str, name: str) -> Run:
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise ValueError(f"its format is not {FORMAT}")
        facts = {each.name: document[each.name] for each in fields(Run) if each.name in document}
        for part, kind in _PARTS.items():
            facts[part] = tuple(kind(**row) for row in facts.get(part, ()))
        return Run(**facts)
    except (TypeError, ValueError, KeyError) as error:
        raise InvalidArgumentError(
            f"{name} does not hold measured figures ({error}); steeple benchmark engines --json makes such a file"
        ) from error
