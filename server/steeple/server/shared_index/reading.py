"""What an index has to have, read from the catalogue."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, Table, func, select

from steeple.delf.features import FeatureSet
from steeple.server.catalogue import Catalogue, LatLng, changes, lookups, tables
from steeple.server.catalogue.reference_images import SEARCHABLE
from steeple.server.shared_index.engine import IndexedImage

_IMAGE: Final = tables.reference_image
_OTHER: Final = tables.release_features
_LANDMARK: Final = tables.landmark


@dataclass(frozen=True)
class Totals:
    """What searches are to find, at one moment.

    Attributes:
        sequence: Of the catalogue then.
        images: Searchable reference images with features by the release.
        descriptors: Of these.
    """

    sequence: int
    images: int
    descriptors: int


def totals(catalogue: Catalogue, model: str) -> Totals:
    """What an index of a release is to have now."""

    def counted_in(table: Table) -> Select[Any]:
        counts = (func.count(), func.coalesce(func.sum(table.c.feature_count), 0))
        return _searchable(*counts, others=table is _OTHER).where(table.c.model == model)

    queries = (counted_in(_IMAGE), counted_in(_OTHER).where(_IMAGE.c.model != model))
    with catalogue.database.read() as connection:
        counted = [connection.execute(query).one() for query in queries]
        return Totals(changes.latest(connection), *(sum(int(part[at]) for part in counted) for at in range(2)))


def image_keys(catalogue: Catalogue, model: str) -> list[int]:
    """Of all searchable images with features by a release, rising."""
    own = _searchable(_IMAGE.c.key).where(_IMAGE.c.model == model)
    others = _searchable(_IMAGE.c.key, others=True).where(_OTHER.c.model == model)
    with catalogue.database.read() as connection:
        return sorted({key for query in (own, others) for key in connection.execute(query).scalars()})


def indexed_images(catalogue: Catalogue, keys: Collection[int], model: str) -> dict[int, IndexedImage]:
    """Images by their keys; those that are not there, or have no features by the release, are left out."""
    return _indexed(catalogue, catalogue.features(keys, model))


def iterate(catalogue: Catalogue, model: str, after_key: int, at_once: int) -> Iterator[dict[int, IndexedImage]]:
    """All searchable images of a release after a key, in the order of keys, some at a time."""
    batch: dict[int, FeatureSet] = {}
    for key, features in catalogue.iterate_features(model, after_key):
        batch[key] = features
        if len(batch) == at_once:
            yield _indexed(catalogue, batch)
            batch = {}
    if batch:
        yield _indexed(catalogue, batch)


def _indexed(catalogue: Catalogue, features: dict[int, FeatureSet]) -> dict[int, IndexedImage]:
    query = select(_IMAGE.c.key, _LANDMARK.c.key.label("landmark"), *(_LANDMARK.c[name] for name in _FACTS))
    query = query.join_from(_IMAGE, _LANDMARK, _LANDMARK.c.key == _IMAGE.c.landmark_key)

    def fetch(connection: Connection, some: list[int]) -> dict[int, IndexedImage]:
        return {
            row["key"]: IndexedImage(
                features[row["key"]],
                row["landmark"],
                tuple(row["labels"]),
                None if row["latitude"] is None else LatLng(row["latitude"], row["longitude"]),
            )
            for row in connection.execute(query.where(_IMAGE.c.key.in_(some))).mappings()
        }

    return lookups.by_key(catalogue.database, features, fetch)


_FACTS: Final = ("labels", "latitude", "longitude")


def _searchable(*what: ColumnElement[Any], others: bool = False) -> Select[Any]:
    source = _IMAGE.join(_LANDMARK, _LANDMARK.c.key == _IMAGE.c.landmark_key)
    if others:
        source = source.join(_OTHER, _OTHER.c.image_key == _IMAGE.c.key)
    return select(*what).select_from(source).where(SEARCHABLE)
