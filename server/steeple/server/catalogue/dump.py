"""All of the catalogue that is not deleted, as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Connection, and_, func, select

from steeple.server.catalogue import changes, features, landmarks, reference_images, tables
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.records import Landmark, ReferenceImage
from steeple.v1 import features_pb2

_PAGE: Final = 500
_IMAGE: Final = tables.reference_image
_KEPT: Final = and_(_IMAGE.c.delete_time.is_(None), landmarks.NOT_DELETED)


class State:
    """One state of the catalogue, whatever is changed meanwhile; made by :func:`state`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def sequence(self) -> int:
        """Number of the last change of the gallery."""
        return changes.latest(self._connection)

    def image_count(self) -> int:
        """Number of reference images."""
        query = select(func.count()).select_from(_IMAGE).join(tables.landmark).where(_KEPT)
        return int(self._connection.execute(query).scalar_one())

    def landmarks(self) -> Iterator[Landmark]:
        """Landmarks, active or not, in the order in which they came."""
        after = 0
        while page := landmarks.after_key(self._connection, after, _PAGE):
            yield from (stored.landmark for stored in page)
            after = page[-1].key

    def images(self) -> Iterator[ReferenceImage]:
        """Reference images of all landmarks, in the order in which they came."""
        after = 0
        while page := reference_images.after_key(self._connection, _KEPT, after, _PAGE):
            yield from page
            after = page[-1].key

    def features(self, keys: Sequence[int]) -> Mapping[int, features_pb2.FeatureSet]:
        """Features of a few reference images by key, as stored."""
        return features.packed(self._connection, keys)


@contextmanager
def state(database: Database) -> Iterator[State]:
    """The state of the catalogue as it is now, for as long as the block lasts.

    It is one read transaction. It holds nobody up; but in SQLite what others write meanwhile stays in the write-ahead
    log until it ends.
    """
    with database.read() as connection:
        yield State(connection)
