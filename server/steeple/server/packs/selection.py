"""Which landmarks and reference images go into a pack, and whether that has changed since."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, or_, select

from steeple.delf.release import ModelRelease
from steeple.server.catalogue import Landmark, changes, landmarks, tables
from steeple.server.catalogue.restriction import allowed_landmarks
from steeple.server.packs.records import PackSettings

_AT_ONCE: Final = 5000  # as lookups: fewer than any database's parameters
_IMAGE: Final = tables.reference_image
_OTHER: Final = tables.release_features


@dataclass(frozen=True)
class SelectedImage:
    """A reference image that goes into a pack.

    Attributes:
        key: Its number in the catalogue.
        id: The last segment of ``landmarks/{landmark}/images/{id}``.
        sha256: Of its photo, hex; empty: it has none.
    """

    key: int
    id: str
    sha256: str


@dataclass(frozen=True)
class SelectedLandmark:
    """A landmark that goes into a pack.

    Attributes:
        key: Its number in the catalogue.
        revision: Of what it says.
        images: At least one; that which its thumbnail is made of is first.
    """

    key: int
    revision: int
    images: Sequence[SelectedImage]


@dataclass(frozen=True)
class Selection:
    """All that goes into a pack, in one state of the catalogue.

    Attributes:
        sequence: Number of the last change of the gallery.
        landmarks: In the order in which they came into the catalogue.
        content: SHA-256, hex, of the release and of all landmarks, their revisions and images: as long as it is the
            same, a pack of the same settings would be the same.
    """

    sequence: int
    landmarks: Sequence[SelectedLandmark]
    content: str


def select_for(connection: Connection, settings: PackSettings, release: ModelRelease) -> Selection:
    """What goes into a pack of these settings: landmarks that are allowed and have an image with features by a release.

    Args:
        connection: Of a transaction, whose state it is.
        settings: Of the pack.
        release: Whose features it has.
    """
    found: list[SelectedLandmark] = []
    allowed = allowed_landmarks(connection, settings.restriction)
    for start in range(0, len(allowed), _AT_ONCE):
        keys = allowed[start : start + _AT_ONCE]
        images = _images(connection, keys, release.name, settings.max_images)
        revisions = select(tables.landmark.c.key, tables.landmark.c.revision).where(tables.landmark.c.key.in_(keys))
        revision_of = {row.key: row.revision for row in connection.execute(revisions)}
        found += [SelectedLandmark(key, revision_of[key], images[key]) for key in keys if key in images]
    digest = hashlib.sha256(f"{release.name} {release.tflite_sha256}\n".encode())
    for each in found:
        digest.update(f"{each.key} {each.revision} {[image.key for image in each.images]}\n".encode())
    return Selection(changes.latest(connection), found, digest.hexdigest())


def landmarks_of(connection: Connection, selected: Sequence[SelectedLandmark]) -> dict[int, Landmark]:
    """What there is to say of landmarks that were selected in the same transaction, by key."""
    found: dict[int, Landmark] = {}
    for start in range(0, len(selected), _AT_ONCE):
        stored = landmarks.of_keys(connection, [each.key for each in selected[start : start + _AT_ONCE]])
        found.update((key, each.landmark) for key, each in stored.items())
    return found


def mark(connection: Connection) -> tuple[int, ...]:
    """Numbers that are others as soon as what any pack is made of has changed."""
    landmark = tables.landmark
    counting = select(func.count(), func.max(landmark.c.key), func.sum(landmark.c.revision)).select_from(landmark)
    return (changes.latest(connection), *(int(number or 0) for number in connection.execute(counting).one()))


def _images(connection: Connection, keys: Sequence[int], model: str, most: int) -> dict[int, list[SelectedImage]]:
    """The best images of landmarks by the landmarks' keys; those that have none are left out."""
    others = select(_OTHER.c.image_key).where(_OTHER.c.model == model)
    query = select(_IMAGE.c.key, _IMAGE.c.landmark_key, _IMAGE.c.id, _IMAGE.c.sha256).where(
        _IMAGE.c.landmark_key.in_(keys),
        _IMAGE.c.delete_time.is_(None),
        or_(_IMAGE.c.model == model, _IMAGE.c.key.in_(others)),
    )
    # Never how often they were found, which changes all the time.
    best_first = query.order_by(func.coalesce(_IMAGE.c.quality_grade, 0).desc(), _IMAGE.c.key)
    found: dict[int, list[SelectedImage]] = {}
    for row in connection.execute(best_first):
        of_landmark = found.setdefault(row.landmark_key, [])
        if len(of_landmark) < most:
            of_landmark.append(SelectedImage(row.key, row.id, row.sha256))
    for of_landmark in found.values():
        of_landmark.sort(key=lambda image: not image.sha256)  # stable: the best that can be shown comes first
    return found
