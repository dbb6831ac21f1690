"""What one query, one image and one day ask of each kind of machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steeple.errors import FailedPreconditionError
from steeple.server.capacity.costs import Costs
from steeple.server.capacity.layout import Layout, ReleaseFacts, lay_out
from steeple.server.capacity.workload import ANSWER_BYTES, Workload

_DAY: Final = 86_400.0


@dataclass(frozen=True)
class Demands:
    """In seconds of one core, or of one GPU, and in bytes; of the machine that was measured.

    Attributes:
        layout: Of the index.
        front: Of a replica, for a query: its call and decoding.
        search: Of a core of whoever searches, for a query in all parts that it searches.
        gpu: Of a GPU, the same; 0 without.
        fetch: Of a replica, to read the images' features.
        verify: Of a replica, for all that follows.
        database: Of the database's processors, for a query; 0 where it is in the replica's process.
        database_bytes: That the database sends, for a query.
        write: That others wait while one image is written.
        adding: Of a replica: cores that extract the images of a day, all day long.
        row_bytes: In the database, of an image.
    """

    layout: Layout
    front: float
    search: float
    gpu: float
    fetch: float
    verify: float
    database: float
    database_bytes: float
    write: float
    adding: float
    row_bytes: float

    @property
    def replica(self) -> float:
        """Of a replica's cores, for a query."""
        own = self.front + self.fetch + self.verify
        return own + self.search if self.layout.embedded else own


def demands_of(work: Workload, engine: str, costs: Costs, facts: ReleaseFacts, *, alone: bool = False) -> Demands:
    """What a workload asks on an engine.

    Args:
        work: The workload.
        engine: One of :data:`~steeple.server.capacity.layout.ENGINES`.
        costs: As measured.
        facts: Of the model release.
        alone: Whether one machine does all, with SQLite.

    Raises:
        FailedPreconditionError: If the engine, or a database, was not measured.
    """
    query = costs.descriptors_of(work.query_bytes)
    layout = lay_out(engine, work.descriptors, query, facts, costs, work.share)
    kind = "sqlite" if alone else "postgresql"
    row = costs.measured.catalogue(kind)
    if row is None:
        raise FailedPreconditionError(
            f"{kind} was not measured: run steeple benchmark engines --json --database-url URL, and give its output "
            "to steeple plan --measured"
        )
    measured = engine.removeprefix("milvus-") if layout.on_gpu else engine
    search = costs.processor(measured)(layout.search)
    gpu = costs.device("gpu")(layout.search) if layout.on_gpu else 0.0
    # A GPU is given its lists by the processor; that was measured beside, of the lists of one index.
    server = row.server_cpu_ms if row.server_cpu_ms is not None else row.read_ms - row.read_cpu_ms
    images = row.read_images * work.descriptors_per_image / row.features  # as large as those that were read
    return Demands(
        layout=layout,
        front=costs.call() + costs.decode(work.query_bytes) + costs.client(engine, query),
        search=search,
        gpu=gpu,
        fetch=1e-3 * row.read_cpu_ms * work.descriptors_per_image / row.features,
        verify=costs.verify(query),
        database=0.0 if alone else 1e-3 * max(server, 0.0) * work.descriptors_per_image / row.features,
        database_bytes=0.0 if alone else images * _features_bytes(row.features, costs),
        write=1e-3 * row.write_ms,
        adding=work.growth / _DAY * 1e-3 * costs.measured.extract_cpu_ms,
        row_bytes=row.bytes_per_image * work.descriptors_per_image / row.features,
    )


def _features_bytes(features: int, costs: Costs) -> float:
    whole = costs.measured.query_bytes()[-1]
    return features * whole.message_bytes / whole.descriptors


def sent_to_clients(work: Workload, month_seconds: float) -> float:
    """Bytes of answers of a month, if as many queries came all the time."""
    return work.qps * month_seconds * ANSWER_BYTES
