"""Which engine keeps the indexes: FAISS in this process, or a Milvus that servers share."""

from __future__ import annotations

import shutil
from pathlib import Path

from steeple.delf.release import ModelRelease
from steeple.server.catalogue import Catalogue
from steeple.server.catalogue.index_identity import identity_of
from steeple.server.index import gpu
from steeple.server.index_keeper import IndexKeeper, IndexOptions
from steeple.server.keeper import Keeper, Keepers, Stop
from steeple.server.settings import Settings
from steeple.server.shared_index import SharedKeepers
from steeple.server.shared_index.milvus import MilvusEngine


class LocalKeepers:
    """Indexes of FAISS, each in a folder.

    Args:
        catalogue: The truth.
        folder: Of their folders.
        options: How they are to be.
    """

    def __init__(self, catalogue: Catalogue, folder: Path, options: IndexOptions) -> None:
        self._catalogue = catalogue
        self._folder = folder
        self._options = options

    def open(self, release: ModelRelease, stopping: Stop, *, patient: bool = False) -> Keeper:
        """See :meth:`Keepers.open`. There is nothing to wait for."""
        return IndexKeeper(release, self._catalogue, self._folder, options=self._options, stopping=stopping)

    def delete(self, model: str) -> None:
        """See :meth:`Keepers.delete`."""
        for folder in (self._folder / model, self._folder / f"{model}.rebuild"):
            shutil.rmtree(folder, ignore_errors=True)

    def forget(self, model: str) -> None:
        """See :meth:`Keepers.forget`."""
        self.delete(model)

    def close(self) -> None:
        """They share nothing that is to be freed."""


def open_keepers(settings: Settings, catalogue: Catalogue, folder: Path) -> Keepers:
    """What opens indexes as the settings say.

    Args:
        settings: Of the server.
        catalogue: The truth.
        folder: For what is kept on this machine.

    Raises:
        FailedPreconditionError: If there is no GPU and one is insisted on, or what the engine needs is not installed.
        UnavailableError: If the engine cannot be reached.
    """
    if settings.milvus_uri:
        return SharedKeepers(catalogue, milvus_engine(settings, identity_of(catalogue.database)))
    return LocalKeepers(catalogue, folder, _options(settings))


def milvus_engine(settings: Settings, identity: str) -> MilvusEngine:
    """The Milvus of the settings.

    Args:
        settings: That name it.
        identity: Of the catalogue.

    Raises:
        FailedPreconditionError: If the package that speaks to it is not installed.
    """
    return MilvusEngine(
        settings.milvus_uri,
        settings.milvus_token,
        prefix=settings.milvus_prefix,
        identity=identity,
        kind=settings.milvus_kind,
    )


def _options(settings: Settings) -> IndexOptions:
    device = gpu.find(settings.device)
    shared = settings.batching == "on"  # measured, on processors and on a GPU, it gains nothing
    return IndexOptions(
        factory=settings.index_factory,
        device=device,
        batch_delay_seconds=settings.batch_delay_ms / 1000 if shared else None,
        batch_descriptors=settings.batch_descriptors,
    )
