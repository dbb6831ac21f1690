"""What an engine does that servers share: indexes in generations, of which one serves."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from steeple.delf.features import FeatureSet
from steeple.delf.release import ModelRelease
from steeple.server.catalogue import LatLng
from steeple.server.keeper import ServedIndex


@dataclass(frozen=True, eq=False)
class IndexedImage:
    """An image as an index has it.

    Attributes:
        features: By the index's model release.
        landmark_key: Number of its landmark.
        labels: Of the landmark.
        location: Of the landmark.
    """

    features: FeatureSet
    landmark_key: int
    labels: Sequence[str]
    location: LatLng | None


class Generation(Protocol):
    """An index that is filled. Its errors are those of :mod:`steeple.errors`."""

    def put(self, images: Mapping[int, IndexedImage]) -> None:
        """Adds images by their keys; those that are there are replaced."""
        ...

    def remove(self, keys: Collection[int]) -> None:
        """Removes images by their keys; those that are not there do no harm."""
        ...

    @property
    def clock(self) -> int:
        """The engine's, from which on searches see what was done here."""
        ...

    def settle(self) -> bool:
        """Has the engine finish what makes searches quick, and store all; whether that is done."""
        ...

    def counts(self) -> tuple[int, int]:
        """Numbers of images and of descriptors, with all that was done to it."""
        ...


class Generations(Protocol):
    """The generations of one model release's index. Thread safe."""

    @property
    def index(self) -> ServedIndex:
        """Searches the generation that serves, also after it has changed."""
        ...

    def await_clock(self, clock: int) -> None:
        """From now on, searches see what was done up to then."""
        ...

    def serving(self) -> int:
        """Number of the one that serves; 0: none."""
        ...

    def numbers(self) -> Sequence[int]:
        """All that there are."""
        ...

    def lists_for(self, descriptors: int) -> int:
        """Inverted lists that suit as many descriptors."""
        ...

    def make(self, number: int, descriptors: int) -> None:
        """Makes a new one, empty, for as many descriptors."""
        ...

    def open(self, number: int, clock: int = 0, *, certain: bool = False) -> Generation:
        """One that is there.

        Args:
            number: Its number.
            clock: Of its last change that is known of.
            certain: Whether there were no others.
        """
        ...

    def serve(self, number: int) -> None:
        """Has one serve instead of another, for all servers at once."""
        ...

    def drop(self, number: int) -> None:
        """Deletes one, if it is there."""
        ...


class SharedEngine(Protocol):
    """Makes indexes that servers share."""

    def generations(self, release: ModelRelease) -> Generations:
        """Of a model release."""
        ...

    def delete(self, model: str) -> None:
        """Deletes all that there is of a release."""
        ...

    def close(self) -> None:
        """Frees what it needs."""
        ...
