"""Features of reference images by several model releases, in the transaction of the connection that is given.

Each image has a release of its own, which made the features that it was added with. While a server changes from one
release to another, images have features by both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import sqlalchemy
from sqlalchemy import ColumnElement, Connection, and_, exists, func, insert, select

from steeple.delf.features import DIMENSIONS
from steeple.server.catalogue import changes, served_releases, tables
from steeple.server.catalogue.records import ChangeKind
from steeple.server.catalogue.reference_images import SEARCHABLE
from steeple.v1 import features_pb2

_IMAGE: Final = tables.reference_image
_OTHER: Final = tables.release_features
_FEATURES: Final = tables.image_features
_THERE: Final = and_(_IMAGE.c.delete_time.is_(None), tables.landmark.c.delete_time.is_(None))


@dataclass(frozen=True)
class ImageWithout:
    """A reference image that has no features by some release.

    Attributes:
        key: Its number.
        name: ``landmarks/{id}/images/{id}``.
        sha256: Of its photo, hex; empty: it has none.
        deleted: Whether it is kept only to be undeleted.
    """

    key: int
    name: str
    sha256: str
    deleted: bool


def store(connection: Connection, image_key: int, packed: features_pb2.FeatureSet, model: str) -> None:
    """Stores features of an image by another release than its own, instead of those that there were."""
    own = {_OTHER.c.model: model, _OTHER.c.image_key: image_key}
    connection.execute(sqlalchemy.delete(_OTHER).where(*(column == value for column, value in own.items())))
    connection.execute(
        insert(_OTHER).values(
            model=model,
            image_key=image_key,
            width=packed.image_width,
            height=packed.image_height,
            feature_count=len(packed.descriptors) // DIMENSIONS,
            descriptors=packed.descriptors,
            geometry=packed.geometry,
            max_score=packed.max_score,
        )
    )


def store_all(connection: Connection, model: str, found: Mapping[int, features_pb2.FeatureSet], announce: bool) -> None:
    """Stores features by a release of images that may be gone, or have them, by now.

    Args:
        connection: Of the transaction.
        model: Name of the release.
        found: Features by image key.
        announce: Whether to record a change for those that are searchable, so that an index that is kept takes them.
            It is done anyway if there may be one.
    """
    lacking = select(_IMAGE.c.key).where(_IMAGE.c.key.in_(list(found)), _lacks(model))
    for key in connection.execute(lacking).scalars().all():
        store(connection, key, found[key], model)
    if announce or served_releases.takes_changes(connection, model):
        landmark = tables.landmark
        query = select(_IMAGE.c.key).join(landmark, landmark.c.key == _IMAGE.c.landmark_key)
        for key in connection.execute(query.where(_IMAGE.c.key.in_(list(found)), SEARCHABLE)).scalars().all():
            changes.record(connection, ChangeKind.ADD, key)


def without(connection: Connection, model: str, after_key: int, limit: int) -> list[ImageWithout]:
    """The first images after a key that have no features by a release, deleted ones that are kept among them."""
    landmark = tables.landmark
    deleted = (~_THERE).label("deleted")
    query = select(_IMAGE.c.key, landmark.c.id.label("landmark_id"), _IMAGE.c.id, _IMAGE.c.sha256, deleted)
    query = query.join(landmark, landmark.c.key == _IMAGE.c.landmark_key)
    query = query.where(_IMAGE.c.key > after_key, _lacks(model)).order_by(_IMAGE.c.key).limit(limit)
    return [
        ImageWithout(row.key, f"landmarks/{row.landmark_id}/images/{row.id}", row.sha256, bool(row.deleted))
        for row in connection.execute(query)
    ]


def count_without(connection: Connection, model: str) -> int:
    """Number of images that have no features by a release, without deleted ones."""
    landmark = tables.landmark
    query = select(func.count()).join_from(_IMAGE, landmark, landmark.c.key == _IMAGE.c.landmark_key)
    return int(connection.execute(query.where(_THERE, _lacks(model))).scalar_one())


def count_with(connection: Connection, model: str) -> int:
    """Number of images that have features by a release."""
    return int(connection.execute(select(func.count()).select_from(_IMAGE).where(~_lacks(model))).scalar_one())


def descriptor_count(connection: Connection, model: str) -> int:
    """Number of descriptors by a release of searchable images that are another's own."""
    landmark = tables.landmark
    query = select(func.coalesce(func.sum(_OTHER.c.feature_count), 0))
    query = query.join_from(_OTHER, _IMAGE, _IMAGE.c.key == _OTHER.c.image_key)
    query = query.join(landmark, landmark.c.key == _IMAGE.c.landmark_key)
    return int(connection.execute(query.where(_OTHER.c.model == model, SEARCHABLE)).scalar_one())


def has_features(connection: Connection, model: str) -> bool:
    """Whether any image has features by a release."""
    own = connection.execute(select(_IMAGE.c.key).where(_IMAGE.c.model == model).limit(1)).first()
    return own is not None or _others(connection, model)


def hand_over(connection: Connection, old: str, new: str, limit: int) -> int:
    """Makes ``new`` the own release of images whose own is ``old`` and that have features by both; how many.

    Args:
        connection: Of the transaction.
        old: Its features of these images are forgotten.
        new: Its features become the images' own.
        limit: Images, at most.
    """
    query = select(_OTHER).join(_IMAGE, _IMAGE.c.key == _OTHER.c.image_key)
    query = query.where(_OTHER.c.model == new, _IMAGE.c.model == old).limit(limit)
    rows = connection.execute(query).mappings().all()
    for row in rows:
        key = row["image_key"]
        own = {name: row[name] for name in ("descriptors", "geometry", "max_score")}
        facts = {name: row[name] for name in ("model", "width", "height", "feature_count")}
        connection.execute(sqlalchemy.update(_FEATURES).where(_FEATURES.c.image_key == key).values(own))
        connection.execute(sqlalchemy.update(_IMAGE).where(_IMAGE.c.key == key).values(facts))
        connection.execute(sqlalchemy.delete(_OTHER).where(_OTHER.c.image_key == key, _OTHER.c.model == new))
    return len(rows)


def forget(connection: Connection, model: str, limit: int) -> int:
    """Deletes features by a release of images that are another's own; of how many."""
    keys = connection.execute(select(_OTHER.c.image_key).where(_OTHER.c.model == model).limit(limit)).scalars().all()
    connection.execute(sqlalchemy.delete(_OTHER).where(_OTHER.c.model == model, _OTHER.c.image_key.in_(keys)))
    return len(keys)


def _others(connection: Connection, model: str) -> bool:
    return connection.execute(select(_OTHER.c.image_key).where(_OTHER.c.model == model).limit(1)).first() is not None


def _lacks(model: str) -> ColumnElement[bool]:
    has = exists().where(_OTHER.c.image_key == _IMAGE.c.key, _OTHER.c.model == model)
    return and_(_IMAGE.c.model != model, ~has)
