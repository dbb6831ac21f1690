"""The index that an evaluation fills and asks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pydantic import SecretStr

from steeple.delf import ModelRelease
from steeple.server.evaluation.trained_index import TrainedIndex
from steeple.server.index import DescriptorIndex, ExactIndex, FaissIndex
from steeple.server.index.milvus import MilvusConnection, MilvusIndex
from steeple.server.index_factory import IndexFactory

_SECONDS = 60.0  # that Milvus may take for a call


@contextmanager
def empty_index(
    release: ModelRelease,
    *,
    exact: bool = False,
    factory: IndexFactory | None = None,
    milvus_uri: str = "",
    milvus_token: SecretStr | str = "",
) -> Iterator[tuple[DescriptorIndex, Callable[[], None]]]:
    """An index, and what is to be called when it is filled.

    Args:
        release: Whose descriptors it is for.
        exact: Whether it compares with every descriptor.
        factory: Of a codebook that is trained on what it is filled with; None: the release's.
        milvus_uri: Where it is; empty: in memory. In Milvus, its collection is deleted at the end.
        milvus_token: For Milvus.

    Raises:
        FailedPreconditionError: If the package for Milvus is not installed.
        UnavailableError: If Milvus cannot be reached.
    """
    if factory is not None:
        trained = TrainedIndex(release, factory)
        yield trained, trained.train
        return
    if not milvus_uri:
        yield ExactIndex(release.name) if exact else FaissIndex(release), lambda: None
        return
    connection = MilvusConnection(milvus_uri, milvus_token, timeout=_SECONDS)
    index = MilvusIndex(connection, release, prefix=f"steeple_evaluation_{secrets.token_hex(4)}")
    try:
        index.load()
        try:
            # Before it is settled, Milvus would search descriptors as they are, not their codes.
            yield index, index.settled
        finally:
            index.drop()
    finally:
        connection.close()
