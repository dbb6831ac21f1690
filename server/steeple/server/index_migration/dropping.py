"""Deletes collections of Milvus's that no server needs any more, on purpose."""

from __future__ import annotations

from collections.abc import Sequence

from steeple.errors import FailedPreconditionError
from steeple.server.catalogue import Catalogue
from steeple.server.index.milvus.listing import StoredCollection
from steeple.server.shared_index.milvus import MilvusEngine
from steeple.server.shared_index.states import SharedStates


def droppable(
    catalogue: Catalogue, engine: MilvusEngine, names: Sequence[str], *, serving: bool = False
) -> list[StoredCollection]:
    """The collections of some names, if all of them may be dropped.

    Args:
        catalogue: Whose own are looked after.
        engine: Its Milvus.
        names: Of collections, of whatever catalogue.
        serving: Whether also those may be that serve this catalogue.

    Raises:
        NotFoundError: If there is none of a name.
        FailedPreconditionError: If Steeple has not made one, or it serves this catalogue, or is about to.
        SteepleError: If Milvus or the catalogue cannot be reached.
    """
    found = [engine.collection(name) for name in dict.fromkeys(names)]
    for one in found:
        if not serving and engine.owns(one) and _in_use(catalogue, one):
            raise FailedPreconditionError(
                f"{one.name} is the index of this catalogue: its servers would make it anew. Once none of them uses "
                "Milvus any more, add --serving"
            )
    return found


def drop(catalogue: Catalogue, engine: MilvusEngine, collection: StoredCollection) -> None:
    """Drops a collection; the catalogue forgets one that served it, so that it is built if servers ask for it again.

    Raises:
        SteepleError: If Milvus or the catalogue cannot be reached.
    """
    if not (engine.owns(collection) and _in_use(catalogue, collection)):
        engine.drop(collection)
        return
    states = SharedStates(catalogue.database, collection.model)
    with states.locked():
        engine.drop(collection)
    states.forget()


def _in_use(catalogue: Catalogue, collection: StoredCollection) -> bool:
    state = SharedStates(catalogue.database, collection.model).read()
    used = [number for number in (state.generation, state.building) if number]
    return bool(collection.aliases) or any(collection.name.endswith(f"_{number}") for number in used)
