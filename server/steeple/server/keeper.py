"""What keeps an index in step with the catalogue, whatever the index is made by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from steeple.delf.release import ModelRelease
from steeple.recognition.neighbours import DescriptorSearch
from steeple.server.index import IndexStats


class Activity(StrEnum):
    """What upkeep does."""

    IDLE = "idle"
    SAVING = "saving"
    REBUILDING = "rebuilding"


@dataclass(frozen=True)
class UpkeepState:
    """What upkeep does now.

    Attributes:
        activity: Idle, or what.
        images_done: Of a new index that is being made; 0 while its codebook is trained.
        images_total: That it will have; 0 if none is being made.
    """

    activity: Activity = Activity.IDLE
    images_done: int = 0
    images_total: int = 0


@dataclass(frozen=True)
class IndexInfo:
    """The index that serves.

    Attributes:
        factory: FAISS factory string of its codebook, or Milvus's kind of index and its parameters.
        device: What searches it: ``CPU``, ``GPU 0``, or both; ``Milvus`` and its version.
        faiss_version: Of the library, which other parts of the server use in any case.
        batching: Whether queries that come at once share a call.
        probes: Inverted lists visited per descriptor.
        neighbours: Fetched per descriptor.
        images: In it.
        descriptors: Of these images.
        live_descriptors: Descriptors in memory that no file has yet.
        dead_descriptors: Of removed images, that lists still hold.
        bytes_per_descriptor: Of a code and its number; of a shared index, an estimate.
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


class Stop(Protocol):
    """What interrupts the making of an index; an event is one."""

    def is_set(self) -> bool:
        """Whether it is to be interrupted."""
        ...


class ServedIndex(DescriptorSearch, Protocol):
    """What answers searches."""

    def __contains__(self, image_key: int) -> bool:
        """Whether it has an image."""
        ...

    def stats(self) -> IndexStats:
        """What it holds."""
        ...


class Keeper(Protocol):
    """Keeps the index of one model release in step with the catalogue, which alone is the truth. Thread safe."""

    @property
    def index(self) -> ServedIndex:
        """The index that is kept."""
        ...

    @property
    def sequence(self) -> int:
        """Sequence number of the last change of the catalogue that searches heed."""
        ...

    @property
    def upkeep_state(self) -> UpkeepState:
        """What upkeep does now."""
        ...

    @property
    def waiting_for(self) -> str:
        """What has to happen before the index is of the kind that is wanted; empty if nothing has to."""
        ...

    @property
    def batch_sizes(self) -> Mapping[int, int] | None:
        """Number of calls by how many searches shared them; None: none share any."""
        ...

    def info(self) -> IndexInfo:
        """What there is to know of the index."""
        ...

    def catch_up(self) -> None:
        """Has searches heed all changes that the catalogue has committed.

        Whoever calls this after a commit finds that commit in the index when it returns.

        Raises:
            UnavailableError: If it failed; the changes are in the catalogue and reach the index later.
        """
        ...

    def catch_up_if_behind(self) -> None:
        """Tries again, now and then, after :meth:`catch_up` has failed; a further failure is only logged."""
        ...

    def saved(self) -> AbstractContextManager[tuple[str, Sequence[Path]]]:
        """Name of the model release, and the files of the index as it is now, which stay until the block is left.

        None if the index lies elsewhere.

        Raises:
            OSError: If it cannot be written.
        """
        ...

    def upkeep(self, stopped: Callable[[], bool]) -> None:
        """Does what is due: saves the index, or makes it anew. Changes and searches go on.

        Args:
            stopped: Asked now and then whether to give up; what was done of a new index is then kept for the next call.

        Raises:
            CancelledError: If it was stopped.
            OSError: If something cannot be written.
            SteepleError: If the catalogue, or the index, cannot be reached.
        """
        ...

    def growing(self) -> AbstractContextManager[None]:
        """Puts off making the index anew for as long as the block lasts, in which very many images are added."""
        ...

    def retire(self) -> None:
        """Frees what the index needs beyond its files: it is not searched any more."""
        ...

    def close(self) -> None:
        """Saves the index for the last time, and frees what it needs.

        Raises:
            OSError: If it cannot be written.
        """
        ...


class Keepers(Protocol):
    """Opens the indexes of model releases."""

    def open(self, release: ModelRelease, stopping: Stop, *, patient: bool = False) -> Keeper:
        """The index of a release, once it is current.

        Args:
            release: Whose.
            stopping: Interrupts it.
            patient: Whether to wait for what keeps the index, if that is elsewhere and cannot be reached.

        Raises:
            CancelledError: If it was interrupted.
            SteepleError: If the index, or the catalogue, cannot be reached.
        """
        ...

    def delete(self, model: str) -> None:
        """Deletes the index of a release that is not served any more.

        Raises:
            SteepleError: If it cannot be reached.
        """
        ...

    def forget(self, model: str) -> None:
        """Deletes what this server alone has of the index of a release that it does not serve any more."""
        ...

    def close(self) -> None:
        """Frees what all of them share."""
        ...
