"""Collections: made, indexed, loaded, served through an alias, dropped."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from steeple.errors import FailedPreconditionError, UnavailableError
from steeple.server.index import training
from steeple.server.index.milvus import schema
from steeple.server.index.milvus.connection import MilvusConnection
from steeple.server.index.milvus.failures import MissingError
from steeple.server.index_factory import IndexFactory

_PARTITIONS: Final = (8, 64)  # at least and at most
_PARTITION: Final = (
    1 << 20
)  # descriptors of one, about: each search goes through all of them, and each has its segments
_COMFORT: Final = 2048  # descriptors a list, on average, as for the embedded index
_MOST_LISTS: Final = 4096  # of a segment, which has a million or two rows; more take Milvus long to train

KINDS: Final = ("IVF_PQ", "GPU_IVF_PQ")
"""Of index; the second is for Milvus on nodes with GPUs."""

_METRIC: Final = "L2"
_PATIENCE_SECONDS: Final = 60.0  # for what nobody waits for in front of a screen
_PAUSE_SECONDS: Final = 0.1
_INDEXED_FROM: Final = 1024  # rows of a segment (minSegmentNumRowsToEnableIndex)
_FINISHED, _FAILED = 3, 4  # common.IndexState


@dataclass(frozen=True)
class IndexKind:
    """How the segments of a collection are indexed.

    Attributes:
        kind: One of :data:`KINDS`.
        lists: Inverted lists of a segment (nlist).
        sub_quantizers: Of the product quantizer (m).
        bits: Of each one's code.
    """

    kind: str
    lists: int
    sub_quantizers: int
    bits: int = 8

    def __str__(self) -> str:
        return f"{self.kind} nlist={self.lists} m={self.sub_quantizers}"

    @property
    def parameters(self) -> dict[str, str]:
        """As Milvus wants them."""
        params = {"nlist": self.lists, "m": self.sub_quantizers, "nbits": self.bits}
        return {"index_type": self.kind, "metric_type": _METRIC, "params": json.dumps(params)}


def partitions_for(descriptors: int) -> int:
    """Partitions, to which regions are hashed, of a collection for as many descriptors: a power of two."""
    least, most = _PARTITIONS
    return min(most, max(least, 1 << (descriptors // _PARTITION).bit_length()))


def lists_for(factory: IndexFactory, descriptors: int) -> int:
    """Inverted lists of each segment of a collection for as many descriptors.

    As many as the model release's codebook has until that would be too few, as in the embedded index. A segment that
    has fewer rows than 39 a list gets fewer lists (Milvus does that).
    """
    if descriptors <= _COMFORT * factory.lists:
        return factory.lists
    return max(factory.lists, min(_MOST_LISTS, training.lists_for(descriptors)))


def alias_of(prefix: str, model: str) -> str:
    """Name by which searches know the collection of a model release, whichever it is.

    Milvus takes letters, digits and ``_``. A release's name that has others than letters, digits and ``-`` gets a hash,
    so that no two have the same.
    """
    name = re.sub(r"[^A-Za-z0-9]", "_", model)
    if not re.fullmatch(r"[A-Za-z0-9-]*", model, re.ASCII):
        name = f"{name[:100]}_{hashlib.sha256(model.encode()).hexdigest()[:12]}"
    return f"{prefix}_{name}"


class Collections:
    """What is done to collections as a whole.

    Args:
        connection: To Milvus.
    """

    def __init__(self, connection: MilvusConnection) -> None:
        self._connection = connection
        self._messages = connection.contract.milvus

    def behind(self, alias: str) -> str | None:
        """Name of the collection that an alias stands for; None: there is no such alias."""
        described = self.described(alias)
        return None if described is None else str(described.schema.name)  # collection_name would be the alias

    def described(self, name: str) -> Any | None:  # noqa: ANN401 - milvus_pb2.DescribeCollectionResponse
        """What a collection is, by its name or alias; None: there is none."""
        request = self._messages.DescribeCollectionRequest(collection_name=name)
        try:
            return self._connection.call("DescribeCollection", request, "describe a collection")
        except MissingError:
            return None

    def names(self) -> list[str]:
        """Of all there are."""
        request = self._messages.ShowCollectionsRequest()
        return [str(name) for name in self._connection.call("ShowCollections", request, "list").collection_names]

    def create(self, name: str, facts: Mapping[str, Any], index: IndexKind, partitions: int) -> None:
        """Makes an empty collection, ready to be searched; nothing if it is there.

        Args:
            name: Its name.
            facts: About it, for :meth:`facts`.
            index: How its segments are indexed.
            partitions: That regions are hashed to.
        """
        described = schema.collection_schema(name, json.dumps(dict(facts)))
        request = self._messages.CreateCollectionRequest(
            collection_name=name,
            schema=described.SerializeToString(),
            shards_num=1,
            num_partitions=partitions,
            consistency_level=self._connection.contract.common.ConsistencyLevel.Customized,
        )
        self._connection.call("CreateCollection", request, "create a collection", timeout=_PATIENCE_SECONDS)
        request = self._messages.CreateIndexRequest(collection_name=name, field_name=schema.DESCRIPTOR)
        for key, value in index.parameters.items():
            request.extra_params.add(key=key, value=value)
        self._connection.call("CreateIndex", request, "create an index", timeout=_PATIENCE_SECONDS)
        self.load(name)

    def facts(self, name: str) -> dict[str, Any]:
        """What :meth:`create` was told about a collection.

        Raises:
            FailedPreconditionError: If it is not one of Steeple's, or not there.
        """
        described = self.described(name)
        if described is None:
            raise MissingError(f"Milvus has no collection {name}")
        try:
            found = json.loads(described.schema.description)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise FailedPreconditionError(f"the collection {name} is not one of Steeple's; use another prefix")
        return found

    def load(self, name: str, timeout: float = 600.0) -> None:
        """Has query nodes hold a collection, and waits until they do.

        Raises:
            UnavailableError: If it takes longer than so many seconds.
        """
        request = self._messages.LoadCollectionRequest(collection_name=name, replica_number=1)
        self._connection.call("LoadCollection", request, "load a collection", timeout=_PATIENCE_SECONDS)
        loaded = self._connection.contract.common.LoadState.LoadStateLoaded
        request = self._messages.GetLoadStateRequest(collection_name=name)
        deadline = time.monotonic() + timeout
        while self._connection.call("GetLoadState", request, "load a collection").state != loaded:
            _pause(deadline, f"load {name}")

    def flush(self, name: str, timeout: float = 600.0) -> None:
        """Seals all segments and waits until they are stored."""
        request = self._messages.FlushRequest(collection_names=[name])
        flushed = self._connection.call("Flush", request, "flush", timeout=timeout)
        segments = [number for _, numbers in flushed.coll_segIDs.items() for number in numbers.data]
        sealed = list(flushed.coll_flush_ts.values())
        deadline = time.monotonic() + timeout
        state = self._messages.GetFlushStateRequest(
            segmentIDs=segments, flush_ts=sealed[0] if sealed else 0, collection_name=name
        )
        while not self._connection.call("GetFlushState", state, "flush").flushed:
            _pause(deadline, f"flush {name}")

    def wait_indexed(self, name: str, timeout: float = 3600.0) -> None:
        """Waits until :meth:`indexed`."""
        deadline = time.monotonic() + timeout
        while not self.indexed(name):
            _pause(deadline, f"index {name}")

    def indexed(self, name: str) -> bool:
        """Whether all sealed segments that are large enough are indexed, and are searched by their indexes.

        Raises:
            UnavailableError: If Milvus has failed to index one.
        """
        state = self.index_state(name)
        if state.state == _FAILED:
            raise UnavailableError(f"Milvus failed to index {name}: {state.index_state_fail_reason}")
        if state.state != _FINISHED or state.pending_index_rows:
            return False
        # The nodes that search take the indexes over a little later.
        request = self._messages.GetQuerySegmentInfoRequest(collectionName=name)
        found = self._connection.call("GetQuerySegmentInfo", request, "tell of segments").infos
        sealed = self._connection.contract.common.SegmentState.Sealed
        if sum(one.num_rows for one in found if one.state == sealed) < state.total_rows:
            return False  # what they have not taken over yet they do not list, and search as it was when it was added
        return all(
            not one.num_rows if one.state != sealed else one.indexID or one.num_rows < _INDEXED_FROM for one in found
        )

    def index_state(self, name: str) -> Any:  # noqa: ANN401 - milvus_pb2.IndexDescription
        """How far indexing is: ``indexed_rows`` of ``total_rows``, ``params``."""
        request = self._messages.DescribeIndexRequest(collection_name=name, field_name=schema.DESCRIPTOR)
        described = self._connection.call("DescribeIndex", request, "describe an index")
        return described.index_descriptions[0]

    def point(self, alias: str, name: str) -> None:
        """Makes an alias stand for a collection, for all at once."""
        if self.behind(alias) is None:
            request = self._messages.CreateAliasRequest(collection_name=name, alias=alias)
            try:
                self._connection.call("CreateAlias", request, "create an alias")
            except (UnavailableError, FailedPreconditionError):
                if self.behind(alias) is None:
                    raise
            else:
                return
        request = self._messages.AlterAliasRequest(collection_name=name, alias=alias)
        self._connection.call("AlterAlias", request, "alter an alias")

    def drop(self, name: str) -> None:
        """Drops a collection; nothing if there is none."""
        request = self._messages.DropCollectionRequest(collection_name=name)
        try:
            self._connection.call("DropCollection", request, "drop a collection")
        except MissingError:
            return

    def drop_alias(self, alias: str) -> None:
        """Drops an alias; nothing if there is none."""
        request = self._messages.DropAliasRequest(alias=alias)
        try:
            self._connection.call("DropAlias", request, "drop an alias")
        except MissingError:
            return


def _pause(deadline: float, doing: str) -> None:
    if time.monotonic() > deadline:
        raise UnavailableError(f"Milvus did not {doing} in time")
    time.sleep(_PAUSE_SECONDS)
