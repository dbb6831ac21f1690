"""Milvus as an engine that servers share: a collection for each generation, and an alias for the one that serves."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from pydantic import SecretStr

from steeple.delf.release import ModelRelease
from steeple.errors import FailedPreconditionError, UnavailableError
from steeple.server.index.milvus import ImageFacts, MilvusConnection, MilvusIndex, listing
from steeple.server.index.milvus.collections import Collections, alias_of, lists_for
from steeple.server.index.milvus.listing import StoredCollection
from steeple.server.index_factory import IndexFactory
from steeple.server.logs import facts
from steeple.server.shared_index.engine import Generation, Generations, IndexedImage

log = logging.getLogger(__name__)

_SETTLE_FROM: Final = 1 << 16  # descriptors: fewer are searched quickly as they are, and Milvus takes minutes for them
_FINISHED: Final = 3  # common.IndexState
_FAILED: Final = 4


class MilvusEngine:
    """The indexes that a Milvus keeps of a catalogue.

    Names of its collections begin with the prefix, by which people recognise them, and the identity, which no other
    catalogue has: ``PREFIX_IDENTITY_RELEASE_1``. So none takes another's for its own, whatever the prefixes are.

    Args:
        uri: Of Milvus.
        token: ``user:password`` or an API key; empty: none.
        prefix: Of the names of collections.
        identity: Of the catalogue; empty: of none, to look at all that there are.
        kind: ``IVF_PQ`` or ``GPU_IVF_PQ``; of collections that this makes.

    Raises:
        InvalidArgumentError: If the URI or the prefix is none.
        FailedPreconditionError: If the package pymilvus is not installed.
    """

    def __init__(self, uri: str, token: SecretStr, *, prefix: str, identity: str, kind: str) -> None:
        self._connection = MilvusConnection(uri, token)
        self._prefix = prefix
        self._own = f"{prefix}_{identity}"
        self._kind = kind

    def generations(self, release: ModelRelease) -> Generations:
        """See :class:`SharedEngine`."""
        return MilvusGenerations(self._connection, release, prefix=self._own, kind=self._kind)

    def delete(self, model: str) -> None:
        """See :class:`SharedEngine`."""
        collections, alias = Collections(self._connection), alias_of(self._own, model)
        collections.drop_alias(alias)
        for name in _numbered(collections, alias).values():
            collections.drop(name)

    def others(self) -> list[StoredCollection]:
        """Collections of Steeple's whose names begin with the prefix and that are not of this catalogue.

        Raises:
            SteepleError: If Milvus cannot tell.
        """
        return [one for one in listing.stored(self._connection, self._prefix) if not self.owns(one)]

    def owns(self, collection: StoredCollection) -> bool:
        """Whether a collection is of this catalogue."""
        return collection.prefix == self._own

    def collection(self, name: str) -> StoredCollection:
        """A collection of any catalogue.

        Raises:
            NotFoundError: If there is none of that name.
            FailedPreconditionError: If Steeple has not made it.
            SteepleError: If Milvus cannot tell.
        """
        return listing.named(self._connection, name)

    def drop(self, collection: StoredCollection) -> None:
        """Drops a collection of any catalogue, with what stands for it."""
        listing.drop(self._connection, collection)

    def version(self) -> str:
        """Of Milvus.

        Raises:
            UnavailableError: If it cannot be reached.
        """
        return self._connection.version()

    def close(self) -> None:
        """See :class:`SharedEngine`."""
        self._connection.close()


class MilvusGenerations:
    """Of one model release.

    Args:
        connection: To Milvus.
        release: The release.
        prefix: Of the names of collections.
        kind: Of the index of collections that this makes.
    """

    def __init__(self, connection: MilvusConnection, release: ModelRelease, *, prefix: str, kind: str) -> None:
        self._connection = connection
        self._release = release
        self._prefix = prefix
        self._kind = kind
        self._collections = Collections(connection)
        self._alias = alias_of(prefix, release.name)
        self._lock = threading.Lock()
        self._last: _Numbered | None = None  # that was written to
        self._fits = 0  # generation that was made with this very release
        self.index = _Serving(connection, release, prefix=prefix, kind=kind)

    def await_clock(self, clock: int) -> None:
        """See :class:`Generations`."""
        self.index.await_timestamp(clock)

    def serving(self) -> int:
        """See :class:`Generations`. One that was made with another network of the same name serves nothing."""
        number = self.index.generation
        if number and number != self._fits:
            try:
                self.index.check()
            except UnavailableError:
                raise
            except FailedPreconditionError as error:
                log.warning("what Milvus has is not used", extra=facts(reason=error.message))
                return 0
            self._fits = number
        return number

    def numbers(self) -> Sequence[int]:
        """See :class:`Generations`."""
        return sorted(_numbered(self._collections, self._alias))

    def lists_for(self, descriptors: int) -> int:
        """See :class:`Generations`."""
        return lists_for(IndexFactory.parse(self._release.index.factory), descriptors)

    def make(self, number: int, descriptors: int) -> None:
        """See :class:`Generations`."""
        self._numbered(number).make(descriptors)

    def open(self, number: int, clock: int = 0, *, certain: bool = False) -> Generation:
        """See :class:`Generations`. Where all is certain, what this process wrote lately need not be asked for."""
        with self._lock:
            index = self._last if self._last is not None and self._last.number == number and certain else None
            index = self._last = index or self._numbered(number)
        index.await_timestamp(clock)
        return _MilvusGeneration(index, self._collections, f"{self._alias}_{number}")

    def serve(self, number: int) -> None:
        """See :class:`Generations`."""
        self._collections.point(self._alias, f"{self._alias}_{number}")

    def drop(self, number: int) -> None:
        """See :class:`Generations`."""
        self._collections.drop(f"{self._alias}_{number}")

    def _numbered(self, number: int) -> _Numbered:
        return _Numbered(self._connection, self._release, number, prefix=self._prefix, kind=self._kind)


class _MilvusGeneration:
    """A collection as a generation."""

    def __init__(self, index: _Numbered, collections: Collections, name: str) -> None:
        self._index = index
        self._collections = collections
        self._name = name
        self._flushed = False

    def put(self, images: Mapping[int, IndexedImage]) -> None:
        """See :class:`Generation`."""
        self._index.add_many(
            {key: image.features.unit_descriptors() for key, image in images.items()},
            {
                key: ImageFacts(
                    image.landmark_key, image.labels, image.location, image.features.keypoints, image.features.scales
                )
                for key, image in images.items()
            },
        )

    def remove(self, keys: Collection[int]) -> None:
        """See :class:`Generation`."""
        self._index.remove_many(keys)

    @property
    def clock(self) -> int:
        """See :class:`Generation`."""
        return self._index.timestamp

    def settle(self) -> bool:
        """See :class:`Generation`."""
        if not self._flushed:
            if self.counts()[1] < _SETTLE_FROM:
                return True
            self._collections.flush(self._name)
            self._flushed = True
        state = self._collections.index_state(self._name)
        if state.state == _FAILED:
            raise UnavailableError(f"Milvus failed to index {self._name}: {state.index_state_fail_reason}")
        return bool(state.state == _FINISHED and not state.pending_index_rows)

    def counts(self) -> tuple[int, int]:
        """See :class:`Generation`."""
        stats = self._index.stats()
        return stats.images, stats.descriptors


class _Serving(MilvusIndex):
    """What is behind the alias. A collection that is lost is not replaced by an empty one: it is built anew."""

    def _ensure(self) -> None:
        raise UnavailableError("the index is not in Milvus (any more); it is built from the catalogue, try again later")


class _Numbered(MilvusIndex):
    """One collection, whether it serves or not."""

    def __init__(
        self, connection: MilvusConnection, release: ModelRelease, number: int, *, prefix: str, kind: str
    ) -> None:
        super().__init__(connection, release, prefix=prefix, kind=kind)
        self.number = number
        self._name = f"{self._alias}_{number}"

    def make(self, descriptors: int) -> None:
        """Makes the collection."""
        self._create(self._name, descriptors)
        log.info("a collection was made in Milvus", extra=facts(collection=self._name))


def _numbered(collections: Collections, alias: str) -> dict[int, str]:
    """Names of the collections of an alias by their numbers."""
    found = (re.fullmatch(re.escape(alias) + r"_(\d+)", name, re.ASCII) for name in collections.names())
    return {int(match[1]): match[0] for match in found if match is not None}
