"""An engine in memory that servers share, exact, and that can be away: it does what a real one promises."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from steeple.delf.release import ModelRelease
from steeple.errors import SteepleError, UnavailableError
from steeple.recognition.neighbours import Neighbours
from steeple.server.index import ExactIndex, IndexStats
from steeple.server.shared_index import Generation, Generations, IndexedImage


class Stored:
    """A generation, as the engine has it.

    Attributes:
        index: What it has.
        facts: Landmark's key and labels of each image.
        puts: Keys in the order in which they were added.
    """

    def __init__(self, model: str, descriptors: int) -> None:
        self.index = ExactIndex(model)
        self.facts: dict[int, tuple[int, tuple[str, ...]]] = {}
        self.puts: list[int] = []
        self.made_for = descriptors


class StandIn:
    """The engine. Its clock tells how many writes it has seen.

    Attributes:
        stored: Generations by model and number.
        aliases: Number that serves, by model.
        away: Whether nobody reaches it.
        refusal: What it answers to all that reaches it, instead of doing it; None: it does it.
        put_refusal: The same of images that are put into it.
        written: What its clock was when a generation was written to last, by model and number.
        puts_until_away: It goes away after so many more images; None: it does not.
    """

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], Stored] = {}
        self.aliases: dict[str, int] = {}
        self.away = False
        self.refusal: SteepleError | None = None
        self.put_refusal: SteepleError | None = None
        self.puts_until_away: int | None = None
        self.clock = 0
        self.written: dict[tuple[str, int], int] = {}
        self.lock = threading.RLock()

    def check(self) -> None:
        """Fails while it is away."""
        if self.away:
            raise UnavailableError("the stand-in is away")
        if self.refusal is not None:
            raise self.refusal

    def generations(self, release: ModelRelease) -> Generations:
        """See :class:`SharedEngine`."""
        return StoredGenerations(self, release.name)

    def delete(self, model: str) -> None:
        """See :class:`SharedEngine`."""
        self.check()
        self.aliases.pop(model, None)
        for key in [key for key in self.stored if key[0] == model]:
            del self.stored[key]

    def close(self) -> None:
        """See :class:`SharedEngine`."""


class StoredGeneration:
    """Of a stand-in."""

    def __init__(self, engine: StandIn, model: str, number: int) -> None:
        self._engine = engine
        self._key = (model, number)
        self._stored = engine.stored[model, number]
        self.clock = 0

    def put(self, images: Mapping[int, IndexedImage]) -> None:
        for key, image in images.items():
            with self._engine.lock:
                self._engine.check()
                if self._engine.put_refusal is not None:
                    raise self._engine.put_refusal
                if self._engine.puts_until_away is not None:
                    self._engine.puts_until_away -= 1
                    self._engine.away = self._engine.puts_until_away < 0
                    self._engine.check()
                self._stored.index.add(key, image.features.unit_descriptors())
                self._stored.facts[key] = (image.landmark_key, tuple(image.labels))
                self._stored.puts.append(key)
                self._wrote()

    def remove(self, keys: Collection[int]) -> None:
        for key in keys:
            with self._engine.lock:
                self._engine.check()
                self._stored.index.remove(key)
                self._stored.facts.pop(key, None)
                self._wrote()

    def settle(self) -> bool:
        self._engine.check()
        return True

    def counts(self) -> tuple[int, int]:
        self._engine.check()
        stats = self._stored.index.stats()
        return stats.images, stats.descriptors

    def _wrote(self) -> None:
        self._engine.clock += 1
        self.clock = self._engine.written[self._key] = self._engine.clock


class StoredGenerations:
    """Of a stand-in."""

    def __init__(self, engine: StandIn, model: str) -> None:
        self._engine = engine
        self._model = model
        self.index = ServingIndex(engine, model)
        self.awaited = 0

    def await_clock(self, clock: int) -> None:
        self.awaited = max(self.awaited, clock)

    def serving(self) -> int:
        self._engine.check()
        return self._engine.aliases.get(self._model, 0)

    def numbers(self) -> Sequence[int]:
        self._engine.check()
        return [number for model, number in self._engine.stored if model == self._model]

    def lists_for(self, descriptors: int) -> int:
        return 1 << (max(1, descriptors).bit_length() // 2)

    def make(self, number: int, descriptors: int) -> None:
        self._engine.check()
        self._engine.stored[self._model, number] = Stored(self._model, descriptors)

    def open(self, number: int, clock: int = 0, *, certain: bool = False) -> Generation:
        if certain:
            assert clock == self._engine.written.get((self._model, number), 0), "nothing else was written"
        self._engine.check()
        if (self._model, number) not in self._engine.stored:
            raise UnavailableError(f"generation {number} is gone")
        return StoredGeneration(self._engine, self._model, number)

    def serve(self, number: int) -> None:
        self._engine.check()
        self._engine.aliases[self._model] = number

    def drop(self, number: int) -> None:
        self._engine.check()
        self._engine.stored.pop((self._model, number), None)


class ServingIndex:
    """What serves, of a stand-in."""

    def __init__(self, engine: StandIn, model: str) -> None:
        self._engine = engine
        self._model = model

    def __contains__(self, image_key: int) -> bool:
        return image_key in self._index

    def stats(self) -> IndexStats:
        return self._index.stats()

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        return self._index.search(queries, neighbours, within=within)

    @property
    def _index(self) -> ExactIndex:
        self._engine.check()
        number = self._engine.aliases.get(self._model, 0)
        if (self._model, number) not in self._engine.stored:
            raise UnavailableError("no generation serves")
        return self._engine.stored[self._model, number].index
