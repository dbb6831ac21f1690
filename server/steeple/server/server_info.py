"""What a server tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import faiss

from steeple.server.index_keeper import UpkeepState

_VERSION: Final = ("MAJOR", "MINOR", "PATCH")  # as FAISS names its parts


def faiss_version() -> str:
    """Version of the library."""
    return ".".join(str(getattr(faiss, f"FAISS_VERSION_{part}")) for part in _VERSION)


@dataclass(frozen=True)
class IndexInfo:
    """The index that serves.

    Attributes:
        factory: FAISS factory string of its codebook.
        device: What searches it: ``CPU``, ``GPU 0``, or both.
        faiss_version: Of the library.
        batching: Whether queries that come at once share a call.
        probes: Inverted lists visited per descriptor.
        neighbours: Fetched per descriptor.
        images: In it.
        descriptors: Of these images.
        live_descriptors: Descriptors in memory that no file has yet.
        dead_descriptors: Of removed images, that lists still hold.
        bytes_per_descriptor: Of a code and its number.
        sequence: Number of the last change of the catalogue that it has.
        catalogue_sequence: Number of the catalogue's last change.
    """

    factory: str
    device: str
    faiss_version: str
    batching: bool
    probes: int
    neighbours: int
    images: int
    descriptors: int
    live_descriptors: int
    dead_descriptors: int
    bytes_per_descriptor: float
    sequence: int
    catalogue_sequence: int


@dataclass(frozen=True)
class ServerInfo:
    """A server.

    Attributes:
        version: Of Steeple.
        start_time: When it was started, UTC.
        uptime_seconds: Since then.
        models: Names of the model releases served, the default first.
        index: The index that serves.
        upkeep: What is done to the index meanwhile.
        waiting_for: What has to happen before the index is of the kind that the settings name; empty if nothing has to.
    """

    version: str
    start_time: datetime
    uptime_seconds: float
    models: tuple[str, ...]
    index: IndexInfo
    upkeep: UpkeepState
    waiting_for: str
