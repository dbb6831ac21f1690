"""What is asked of a system, and what is taken for granted beside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BUSY: Final = 0.7
"""Share of the time that processors, GPUs and networks may be busy: beyond it, queues grow fast."""

FULL: Final = 0.8
"""Share of a memory that may be taken."""

SPREAD: Final = 0.5
"""Standard deviation of the time of a step over its mean, of one query and another."""

MONTH_HOURS: Final = 730.0
MONTH_SECONDS: Final = 3600 * MONTH_HOURS

ANSWER_BYTES: Final = 2000
"""Of an answer without thumbnails."""

NETWORK_SECONDS: Final = 0.0005
"""Between two machines of one place, there and back."""

PROCESS_BYTES: Final = 1.5e9
"""Of a server without its index."""

THREAD_BYTES: Final = 131e6
"""Of what extracts features on a thread."""

CONNECTIONS: Final = 1000
"""Of one large PostgreSQL (max_connections), without a pooler in front."""

REPLICA_CONNECTIONS: Final = 14
"""Of a replica: as many as stay open, and those that listen."""

DATABASE_BYTES: Final = 16e12
"""Of one PostgreSQL: what managed ones take, and what can be restored within a day."""

SEGMENTS: Final = 10_000
"""Of a collection of Milvus, before its coordinators need to be tried with so many."""


@dataclass(frozen=True)
class Workload:
    """What is asked.

    Attributes:
        images: In the catalogue.
        descriptors_per_image: Of each.
        qps: Queries a second, when most come.
        query_bytes: Of one.
        p99_ms: That 99 of 100 queries shall be answered in, on the server's side.
        growth: Images that are added a day.
        share: Of the catalogue that a query is limited to by its region.
        burst: Mean of how many queries come at once.
        spare: Machines of each kind that may fail.
        photo_bytes: Of a stored photo.
    """

    images: int
    descriptors_per_image: float
    qps: float
    query_bytes: float
    p99_ms: float = 500.0
    growth: float = 0.0
    share: float = 1.0
    burst: float = 1.0
    spare: int = 1
    photo_bytes: float = 500_000.0

    @property
    def descriptors(self) -> float:
        """Of all images."""
        return self.images * self.descriptors_per_image
