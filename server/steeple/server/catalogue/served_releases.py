"""Which model releases are served and which are to be: what the database says, whatever a server has heard of yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy
from sqlalchemy import Connection, insert, select

from steeple.errors import AbortedError, ModelMismatchError
from steeple.server.catalogue import tables
from steeple.server.catalogue.records import ImageDraft
from steeple.server.catalogue.replica_tables import prepared_model
from steeple.v1.features_pb2 import FeatureSet as FeatureSetMessage

_SERVED: Final = tables.served_model
_UNFINISHED: Final = ("QUEUED", "RUNNING")

Packed = tuple[FeatureSetMessage, Mapping[str, FeatureSetMessage]]
"""The own features of an image, and those by other releases."""


@dataclass(frozen=True)
class ServedModel:
    """A model release that is served.

    Attributes:
        name: Of the release.
        source: Where it is loaded from: its name or its folder.
    """

    name: str
    source: str


@dataclass(frozen=True)
class PreparedModel(ServedModel):
    """A model release that an operation makes ready to be served.

    Attributes:
        extracted: Whether images have features by it, as far as they can: an index of it can be made.
    """

    extracted: bool = False


@dataclass(frozen=True)
class Releases:
    """What photos are extracted with.

    Attributes:
        served: The default first; empty: the one that the settings name.
        prepared: Beside these.
    """

    served: tuple[ServedModel, ...]
    prepared: tuple[PreparedModel, ...]

    @property
    def names(self) -> frozenset[str]:
        """Of all."""
        return frozenset(one.name for one in (*self.served, *self.prepared))


class NotCoveredError(AbortedError):
    """A photo has no features by a release that is served, or is to be; with these it can be added."""

    reason = "FEATURES_MISSING"


def releases(connection: Connection) -> Releases:
    """What is served and what is prepared now."""
    rows = connection.execute(select(_SERVED).order_by(_SERVED.c.place))
    served = tuple(ServedModel(row.name, row.source) for row in rows)
    known = {one.name for one in served}
    operation = tables.operation
    query = select(prepared_model).join(operation, operation.c.id == prepared_model.c.operation_id)
    query = query.where(operation.c.state.in_(_UNFINISHED)).order_by(prepared_model.c.name)
    rows = connection.execute(query)
    prepared = tuple(PreparedModel(row.name, row.source, row.extracted) for row in rows if row.name not in known)
    return Releases(served, prepared)


def serve(connection: Connection, models: list[ServedModel]) -> None:
    """Sets what is served; what was prepared of these is no longer."""
    connection.execute(sqlalchemy.delete(_SERVED))
    rows = [{"name": one.name, "source": one.source, "place": place} for place, one in enumerate(models)]
    connection.execute(insert(_SERVED), rows)
    names = [one.name for one in models]
    connection.execute(sqlalchemy.delete(prepared_model).where(prepared_model.c.name.in_(names)))


def prepare(connection: Connection, model: PreparedModel, operation_id: str) -> None:
    """Sets that a release is prepared, for as long as the operation is queued or running."""
    withdraw(connection, model.name)
    values = {"name": model.name, "source": model.source, "extracted": model.extracted, "operation_id": operation_id}
    connection.execute(insert(prepared_model).values(values))


def withdraw(connection: Connection, name: str) -> None:
    """A release is not prepared any more."""
    connection.execute(sqlalchemy.delete(prepared_model).where(prepared_model.c.name == name))


def takes_changes(connection: Connection, name: str) -> bool:
    """Whether there may be an index of a release already, which has to be told of images that get features by it."""
    found = releases(connection)
    return any(one.name == name for one in (*found.served, *(each for each in found.prepared if each.extracted)))


def covered(connection: Connection, draft: ImageDraft, packed: Packed) -> tuple[ImageDraft, Packed]:
    """A new image with features by all releases that are served and prepared, and by no others.

    To be called in the transaction that adds it: so no image lacks what was asked for before, however late the server
    that adds it hears of that.

    Returns:
        The draft and its features, the own ones by the default release if there are such.

    Raises:
        NotCoveredError: If it has a photo, and lacks features by one that its photo was not tried with.
        ModelMismatchError: If it has no photo, and its features are of a release that is not served.
    """
    found = releases(connection)
    own = draft.features.model
    has = {own: packed[0], **packed[1]}
    if not draft.sha256:
        if found.served and own not in {one.name for one in found.served}:
            raise ModelMismatchError(
                f"these features are of models/{own}, which is not served any more", model=f"models/{own}"
            )
        return draft, packed
    if missing := found.names - has.keys() - draft.without:
        raise NotCoveredError(f"the photo has no features by {', '.join(sorted(missing))} yet; try again")
    if not found.served:
        return draft, packed
    default = found.served[0].name
    first = default if default in has else own
    sets = {one.model: one for one in (draft.features, *draft.others)}
    kept = [name for name in has if name != first and name in found.names]
    arranged = replace(draft, features=sets[first], others=[sets[name] for name in kept])
    return arranged, (has[first], {name: has[name] for name in kept})
