"""The descriptor index in Milvus."""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from steeple.delf import ModelRelease
from steeple.errors import FailedPreconditionError, InvalidArgumentError
from steeple.recognition.neighbours import Neighbours
from steeple.server.index import protocol
from steeple.server.index.milvus import filters, rows, schema, searching
from steeple.server.index.milvus.collections import KINDS, Collections, IndexKind, alias_of, lists_for, partitions_for
from steeple.server.index.milvus.connection import MilvusConnection
from steeple.server.index.milvus.failures import MissingError
from steeple.server.index.milvus.rows import ImageFacts, ImageRows
from steeple.server.index.milvus.writing import Held, RecentWrites
from steeple.server.index.protocol import IndexStats
from steeple.server.index_factory import IndexFactory

_ROWS_AT_ONCE: Final = 20_000  # of a write: 5 MB
_IDS_AT_ONCE: Final = 5_000  # of an expression, or of a page; Milvus takes disproportionately long to read more
_COUNTED_SECONDS: Final = 60.0


class MilvusIndex:
    """A :class:`~steeple.server.index.protocol.DescriptorIndex` in Milvus. Thread safe; processes may share it.

    It serves from the collection behind an alias, ``PREFIX_RELEASE``; collections are called ``PREFIX_RELEASE_1`` and
    so on. The first is made when first needed.

    What is new Milvus searches as it is, exactly or by lists without codes; it seals and indexes segments on its own.

    Writes must come from one process at a time; who writes after another knows of its last write
    (:meth:`await_timestamp`).

    Args:
        connection: To Milvus.
        release: The model release whose descriptors are indexed.
        prefix: Of the names of its collections.
        kind: ``IVF_PQ``, or ``GPU_IVF_PQ`` for Milvus on nodes with GPUs; of collections that this makes.

    Raises:
        InvalidArgumentError: If there is no such kind, or Milvus takes no such prefix.
    """

    def __init__(
        self, connection: MilvusConnection, release: ModelRelease, *, prefix: str = "steeple", kind: str = "IVF_PQ"
    ) -> None:
        if kind not in KINDS:
            raise InvalidArgumentError(f"an index in Milvus is of kind {' or '.join(KINDS)}, not {kind!r}")
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,79}", prefix, re.ASCII):
            raise InvalidArgumentError(
                f"a prefix of collections has letters, digits and _, at most 80, not {prefix[:99]!r}"
            )
        self._connection = connection
        self._release = release
        self.prefix = prefix
        """Of the names of its collections."""
        self._kind = kind
        self._collections = Collections(connection)
        self._messages = connection.contract.milvus
        self._alias = alias_of(prefix, release.name)
        self._name = self._alias  # of what is searched and written to
        self._lock = threading.Lock()
        self._timestamp = 0
        self._guarantee = 1  # Milvus: nothing to wait for
        self._write_lock = threading.RLock()
        self._recent = RecentWrites()
        self._since = 0  # 0: others may have written; else when a write here first looked
        self._doubtful: set[int] = set()  # images of a write that failed: it may yet come to pass
        self._counted = (0, -math.inf)

    # Writes

    def add(self, image_key: int, descriptors: NDArray[np.float32], about: ImageFacts | None = None) -> None:
        """See :meth:`DescriptorIndex.add`. Repeating it changes nothing.

        Args:
            image_key: The image's.
            descriptors: float32[N, 40].
            about: What the collection says of it besides.

        Raises:
            UnavailableError: If Milvus does not take it. Part of it may be there: repeat, or remove it.
        """
        self.add_many({image_key: descriptors}, {} if about is None else {image_key: about})

    def add_many(
        self, images: Mapping[int, NDArray[np.float32]], about: Mapping[int, ImageFacts] | None = None
    ) -> None:
        """As :meth:`add`, of several images by key."""
        facts = about or {}
        made = [ImageRows.checked(key, part, facts.get(key)) for key, part in images.items()]
        with self._writing(images) as held:
            # What is less goes first and what marks an image comes before its descriptors, so that whatever a failure
            # leaves behind is known by its marker. An upsert would leave rows of another partition behind.
            moved = {image.key: held.pop(image.key) for image in made if image.moves(held.get(image.key))}
            self._delete_images(moved)
            self._delete([number for image in made for number in image.surplus(held.get(image.key))])
            doubtful = self._doubtful.intersection(images)
            replaced = [image for image in made if image.key in held or image.key in doubtful]
            fresh = [image for image in made if image.key not in held and image.key not in doubtful]
            self._doubtful.update(images)
            self._put("Upsert", replaced)
            self._put("Insert", fresh)
            self._doubtful.difference_update(images)
            self._recent.remember({image.key: image.held for image in made}, self._timestamp)

    def remove(self, image_key: int) -> bool:
        """See :meth:`DescriptorIndex.remove`."""
        return self.remove_many([image_key]) > 0

    def remove_many(self, image_keys: Collection[int]) -> int:
        """Removes images; how many of them were there."""
        keys = [key for key in image_keys if 0 <= key <= protocol.MAX_IMAGE_KEY]
        with self._writing(keys) as held:
            self._delete_images(held)
            self._recent.remember(dict.fromkeys(keys), self._timestamp)
            return len(held)

    @contextmanager
    def _writing(self, keys: Collection[int]) -> Iterator[dict[int, Held]]:
        """What there is of images that are about to be written; one write at a time."""
        with self._write_lock:
            known = self._recent.known(keys)
            if len(known) < len(keys):
                self._since = self._since or self._now()
                guarantee = max(self._since, self._recent.since)
                known |= self._held([key for key in keys if key not in known], guarantee)
            self._recent.forget(keys, self._timestamp)
            since, self._since = self._since, 0  # if it fails, part of it may be there, at a time that nobody was told
            yield {key: held for key, held in known.items() if held is not None}
            self._since = since

    def _put(self, method: str, images: Sequence[ImageRows]) -> None:
        for start in range(0, len(images), _ROWS_AT_ONCE):
            part = images[start : start + _ROWS_AT_ONCE]
            self._write(method, rows.columns_of_markers(part), len(part))
        for part in rows.portions(images, _ROWS_AT_ONCE):
            self._write(method, rows.columns_of_descriptors(part), sum(len(image.descriptors) for image in part))

    def _write(self, method: str, columns: list[Any], count: int) -> None:
        kind = getattr(self._messages, f"{method}Request")
        request = kind(collection_name=self._name, fields_data=columns, num_rows=count)
        self._wrote(int(self._call(method, request, "write").timestamp))

    def _delete_images(self, held: Mapping[int, Held]) -> None:
        self._delete([number for key, image in held.items() for number in rows.row_ids(key, 0, image.count)])
        self._delete([rows.marker_id(key) for key in held])

    def _delete(self, ids: Sequence[int]) -> None:
        if not ids:
            return
        for start in range(0, len(ids), _IDS_AT_ONCE):
            expression = filters.of_ids(ids[start : start + _IDS_AT_ONCE])
            request = self._messages.DeleteRequest(collection_name=self._name, expr=expression)
            answer = self._call("Delete", request, "delete")
        self._wrote(int(answer.timestamp) or self._now())  # Milvus 2.3 does not tell; what it gives now is later

    def _now(self) -> int:
        answer = self._connection.call("AllocTimestamp", self._messages.AllocTimestampRequest(), "tell the time")
        return int(answer.timestamp)

    def _wrote(self, timestamp: int) -> None:
        with self._lock:
            self._timestamp = max(self._timestamp, timestamp)
            self._guarantee = max(self._guarantee, timestamp)

    @property
    def timestamp(self) -> int:
        """Milvus's, of the last write through this object; 0: none yet."""
        return self._timestamp

    def await_timestamp(self, timestamp: int) -> None:
        """Searches from now on see all that was written up to a :attr:`timestamp`, whoever did it.

        This waits for nothing itself; searches do, if Milvus is not so far yet.
        """
        with self._write_lock:
            if timestamp > self._timestamp:
                self._recent.forget_all(timestamp)
        with self._lock:
            self._guarantee = max(self._guarantee, timestamp)

    # Questions

    def __contains__(self, image_key: int) -> bool:
        return bool(self.counts([image_key]))

    def counts(self, image_keys: Sequence[int]) -> dict[int, int]:
        """Numbers of descriptors of those of some images that are there."""
        return {key: held.count for key, held in self._held(image_keys, self._guarantee).items()}

    def _held(self, image_keys: Sequence[int], guarantee: int) -> dict[int, Held]:
        found = {}
        for start in range(0, len(image_keys), _IDS_AT_ONCE):
            expression = filters.of_ids([rows.marker_id(key) for key in image_keys[start : start + _IDS_AT_ONCE]])
            fields = self._asked(expression, [schema.ID, schema.FEATURE, schema.REGION], guarantee)
            found.update(rows.read_markers(fields))
        return found

    def pages(self, after: int = -1) -> Iterator[dict[int, int]]:
        """Keys of all images, rising, with their numbers of descriptors as they were when added.

        Args:
            after: Where to begin: behind this key.
        """
        while True:
            expression = f"{schema.ID} < 0 and {schema.ID} > {rows.marker_id(after)}"
            held = rows.read_markers(self._query(expression, [schema.ID, schema.FEATURE, schema.REGION], _IDS_AT_ONCE))
            if not held:
                return
            yield {key: held[key].count for key in sorted(held)}
            after = max(held)

    def keys(self) -> tuple[int, ...]:
        """Of its images, rising."""
        return tuple(key for page in self.pages() for key in page)

    def _query(self, expression: str, fields: Sequence[str], limit: int = 0) -> dict[str, Any]:
        return self._asked(expression, fields, self._guarantee, limit)

    def _asked(self, expression: str, fields: Sequence[str], guarantee: int, limit: int = 0) -> dict[str, Any]:
        request = searching.query(self._name, expression, fields, guarantee, limit)
        return {str(data.field_name): data for data in self._call("Query", request, "query").fields_data}

    def search(
        self, queries: NDArray[np.float32], neighbours: int, *, within: Collection[int] | None = None
    ) -> Neighbours:
        """See :meth:`DescriptorIndex.search`. Distances are those to the quantized descriptors of indexed segments."""
        checked = protocol.checked(queries)
        if within is None:
            return self._searched(checked, neighbours, "")
        return filters.search_within(checked, neighbours, within, self._images_about, self._searched)

    def _searched(self, queries: NDArray[np.float32], neighbours: int, expression: str) -> Neighbours:
        parts = []
        for block in searching.blocks(len(queries), neighbours):
            request = searching.request(
                self._name,
                queries[block],
                min(neighbours, searching.MOST_NEIGHBOURS),
                probes=max(1, self._release.index.probes // searching.FEWER_PROBES),
                guarantee=self._guarantee,
                expression=expression,
            )
            answer = self._call("Search", request, "search")
            parts.append(searching.neighbours_of(answer.results, len(queries[block]), neighbours))
        return searching.joined(parts) if parts else searching.none(0, neighbours)

    def stats(self) -> IndexStats:
        """See :meth:`DescriptorIndex.stats`."""
        images, held = (self._count(f"{schema.ID} {sign} 0") for sign in ("<", ">="))
        facts = self._facts()
        return IndexStats(
            kind=f"{facts['index']} on Milvus",
            images=images,
            descriptors=held,
            bytes_per_descriptor=float(IndexFactory.parse(self._release.index.factory).sub_quantizers + 8),
        )

    def rows_of(self, image_key: int, fields: Sequence[str]) -> list[list[Any]]:
        """What the collection has of an image's descriptors, in the order of their numbers; for tools and tests.

        Args:
            image_key: The image's.
            fields: Names of fields (:mod:`~steeple.server.index.milvus.schema`), but for the descriptor itself.
        """
        ids = rows.row_ids(image_key, 0, self.counts([image_key]).get(image_key, 0))
        return rows.read_rows(self._query(filters.of_ids(ids), [schema.ID, *fields]), fields) if ids else []

    def check(self) -> None:
        """That the collection was made with this very model release.

        Raises:
            FailedPreconditionError: If it was made with another one of the same name; build it anew.
        """
        sha256 = self._facts().get("tflite_sha256")
        if sha256 != self._release.tflite_sha256:
            raise FailedPreconditionError(
                f"the collection {self._name} was made with another {self._release.name}, whose network was "
                f"{str(sha256)[:12]}; build it anew from the catalogue"
            )

    def _count(self, expression: str) -> int:
        fields = self._query(expression, ["count(*)"])
        return int(fields["count(*)"].scalars.long_data.data[0])

    def _images_about(self) -> int:
        """How many images there are, or were a minute ago."""
        with self._lock:
            count, at = self._counted
        if time.monotonic() - at > _COUNTED_SECONDS:
            count, at = self._count(f"{schema.ID} < 0"), time.monotonic()
            with self._lock:
                self._counted = count, at
        return count

    def snapshot(self, folder: Path, sequence: int, stopped: Callable[[], bool] = lambda: False) -> None:
        """Milvus keeps what it has: there is nothing to save."""

    # Collections

    @property
    def generation(self) -> int:
        """Number of the collection that it serves from; 0: there is none yet."""
        return _number(self._collections.behind(self._name) or "_0")

    def fresh(self, descriptors: int = 0) -> MilvusIndex:
        """An index in a new collection, which does not serve yet.

        Args:
            descriptors: That it will hold, about; its lists are made for so many.
        """
        taken = [_number(name) for name in self._collections.names() if self._is_mine(name)]
        other = MilvusIndex(self._connection, self._release, prefix=self.prefix, kind=self._kind)
        other._name = f"{self._alias}_{max(taken, default=0) + 1}"
        self._create(other._name, descriptors)
        return other

    def switch_to(self, fresh: MilvusIndex, *, grace_seconds: float = 0.0) -> None:
        """Serves from the collection of another index from now on, for all processes at once; drops the one before.

        Args:
            fresh: From :meth:`fresh`.
            grace_seconds: How long the one before is kept, for searches that run.
        """
        before = self._collections.behind(self._alias)
        self._collections.point(self._alias, fresh._name)
        self.await_timestamp(fresh._guarantee)
        if before is not None and before != fresh._name:
            time.sleep(grace_seconds)
            self._collections.drop(before)

    def drop(self) -> None:
        """Drops all collections of the release; of an index from :meth:`fresh`, its own alone."""
        names = [self._name]
        if self._name == self._alias:
            self._collections.drop_alias(self._alias)
            names = [name for name in self._collections.names() if self._is_mine(name)]
        for name in names:
            self._collections.drop(name)

    def load(self) -> None:
        """Has Milvus hold it in memory, and waits until it does."""
        self._facts()  # made, if need be
        self._collections.load(self._name)

    def flush(self) -> None:
        """Has Milvus seal and store all that was added."""
        self._collections.flush(self._collections.behind(self._name) or self._name)

    def settled(self) -> None:
        """:meth:`flush`, and waits until all is indexed that Milvus will index."""
        self.flush()
        self._collections.wait_indexed(self._name)

    def _is_mine(self, name: str) -> bool:
        return re.fullmatch(re.escape(self._alias) + r"_\d+", name, re.ASCII) is not None

    def _facts(self) -> dict[str, Any]:
        if self._collections.behind(self._name) is None:
            self._ensure()
        return self._collections.facts(self._name)

    def _create(self, name: str, descriptors: int) -> None:
        factory = IndexFactory.parse(self._release.index.factory)
        index = IndexKind(self._kind, lists_for(factory, descriptors), factory.sub_quantizers, factory.bits)
        facts = {"prefix": self.prefix, "model": self._release.name, "tflite_sha256": self._release.tflite_sha256}
        self._collections.create(name, {**facts, "index": str(index)}, index, partitions_for(descriptors))

    def _ensure(self) -> None:
        """Makes the first collection, unless there is one."""
        if self._name != self._alias:
            raise FailedPreconditionError(f"the collection {self._name} was dropped")
        with self._lock:
            if self._collections.behind(self._alias) is None:
                self._create(f"{self._alias}_1", 0)
                self._collections.point(self._alias, f"{self._alias}_1")

    def _call(self, method: str, request: Any, doing: str) -> Any:  # noqa: ANN401 - untyped messages
        try:
            return self._connection.call(method, request, doing)
        except MissingError:
            self._ensure()
            return self._connection.call(method, request, doing)


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])
