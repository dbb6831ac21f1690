"""Opens the indexes of an engine that servers share."""

from __future__ import annotations

from steeple.delf.release import ModelRelease
from steeple.server.catalogue import Catalogue
from steeple.server.keeper import Stop
from steeple.server.shared_index.building import Progress
from steeple.server.shared_index.engine import SharedEngine
from steeple.server.shared_index.keeper import SharedIndexKeeper
from steeple.server.shared_index.states import SharedStates
from steeple.server.shared_index.waiting import awaited


class SharedKeepers:
    """Indexes of one engine.

    Args:
        catalogue: The truth.
        engine: Keeps the indexes.
    """

    def __init__(self, catalogue: Catalogue, engine: SharedEngine) -> None:
        self._catalogue = catalogue
        self._engine = engine

    def open(
        self,
        release: ModelRelease,
        stopping: Stop,
        *,
        patient: bool = False,
        told: Progress = lambda done, total: None,
    ) -> SharedIndexKeeper:
        """See :meth:`Keepers.open`. ``told`` of the images done, and of their number, while an index is made."""

        def opened() -> SharedIndexKeeper:
            generations = self._engine.generations(release)
            return SharedIndexKeeper(release, self._catalogue, generations, stopping=stopping, told=told)

        return awaited(opened, release.name, stopping) if patient else opened()

    def delete(self, model: str) -> None:
        """See :meth:`Keepers.delete`."""
        states = SharedStates(self._catalogue.database, model)
        with states.locked():
            self._engine.delete(model)
        states.forget()

    def forget(self, model: str) -> None:
        """See :meth:`Keepers.forget`: it has nothing of its own."""

    def close(self) -> None:
        """See :meth:`Keepers.close`."""
        self._engine.close()
