"""Landmarks and reference images that come back as they were: with their ids, times and counts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Table

from steeple.errors import NotFoundError
from steeple.server.catalogue import changes, landmarks, limits, reference_images, tables
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.records import ChangeKind, ImageDraft, Landmark, LandmarkDraft, ReferenceImage
from steeple.server.catalogue.transactions import Transactions
from steeple.v1 import features_pb2


class RestoreCalls(Transactions):
    """The part of the catalogue that takes what another catalogue had."""

    def restore_landmark(
        self,
        landmark_id: str,
        draft: LandmarkDraft,
        *,
        create_time: datetime,
        update_time: datetime,
        replace: bool = False,
    ) -> Landmark:
        """Adds a landmark as it was.

        Args:
            landmark_id: Its id.
            draft: Its fields.
            create_time: Aware.
            update_time: Aware.
            replace: Whether a landmark of the same id, deleted or not, becomes this one; its images stay.

        Raises:
            InvalidArgumentError: If a field breaks the contract.
            AlreadyExistsError: If the id is taken and is not to be replaced.
        """
        check_id(landmark_id, "id")
        draft = limits.checked_landmark_draft(draft)
        with self._database.write() as connection:
            stored = _stored(connection, landmark_id) if replace else None
            if stored is None:
                landmarks.create(connection, draft, landmark_id, create_time)
            else:
                if stored.landmark.delete_time is not None:
                    landmarks.undelete(connection, landmark_id, "")
                    stored = landmarks.get(connection, landmark_id)
                landmarks.update(connection, stored, landmarks.draft_columns(draft), update_time)
            times = {"create_time": create_time, "update_time": update_time}
            _set(connection, tables.landmark, landmarks.get(connection, landmark_id).key, times)
            return landmarks.get(connection, landmark_id).landmark

    def restore_image(
        self,
        landmark_id: str,
        image_id: str,
        draft: ImageDraft,
        packed: features_pb2.FeatureSet,
        *,
        create_time: datetime,
        identify_count: int,
        replace: bool = False,
    ) -> ReferenceImage:
        """Adds a reference image as it was. A photo must be in the image store before.

        Args:
            landmark_id: What it shows.
            image_id: Its id.
            draft: Its fields.
            packed: The features of the draft, byte for byte as they are to be stored.
            create_time: Aware.
            identify_count: Answers that it has supported.
            replace: Whether an image of the same id, deleted or not, is removed for good first.

        Raises:
            InvalidArgumentError: If a field breaks the contract.
            FeatureSetError: If there are no features.
            NotFoundError: If there is no such landmark.
            FailedPreconditionError: If that is deleted.
            AlreadyExistsError: If the id is taken and is not to be replaced.
        """
        check_id(landmark_id, "landmark")
        check_id(image_id, "id")
        limits.check_image_draft(draft)
        with self._database.write() as connection:
            parent = landmarks.to_change(connection, landmark_id)
            if replace:
                _remove(connection, landmark_id, image_id)
            image = reference_images.create(connection, parent, draft, packed, image_id=image_id, now=create_time)
            _set(connection, tables.reference_image, image.key, {"identify_count": identify_count})
            return reference_images.get(connection, landmark_id, image_id)


def _stored(connection: Connection, landmark_id: str) -> landmarks.StoredLandmark | None:
    try:
        return landmarks.get(connection, landmark_id)
    except NotFoundError:
        return None


def _remove(connection: Connection, landmark_id: str, image_id: str) -> None:
    try:
        image = reference_images.get(connection, landmark_id, image_id)
    except NotFoundError:
        return
    if image.delete_time is None:
        changes.record(connection, ChangeKind.REMOVE, image.key)
    reference_images.purge(connection, [image.key])


def _set(connection: Connection, table: Table, key: int, columns: Mapping[str, Any]) -> None:
    connection.execute(sqlalchemy.update(table).where(table.c.key == key).values(dict(columns)))
