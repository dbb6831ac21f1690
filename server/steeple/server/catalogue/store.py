"""The catalogue: one object, all calls."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

from steeple.delf.features import FeatureSet
from steeple.errors import FailedPreconditionError, InvalidArgumentError, SteepleError
from steeple.server.catalogue import changes, features, landmarks, lookups, reference_images, releases
from steeple.server.catalogue.database import Database
from steeple.server.catalogue.image_calls import ImageCalls
from steeple.server.catalogue.landmark_batches import LandmarkBatchCalls
from steeple.server.catalogue.landmark_calls import LandmarkCalls
from steeple.server.catalogue.migrate import upgrade
from steeple.server.catalogue.records import Change
from steeple.server.catalogue.release_calls import ReleaseCalls
from steeple.server.catalogue.restore import RestoreCalls
from steeple.server.catalogue.transactions import FOR_GOOD
from steeple.server.catalogue.trigrams import make_index
from steeple.server.catalogue.undo import UndoCalls

_IMAGES_PER_BATCH: Final = 64  # about 3 MB of features
_PURGED_AT_ONCE: Final = 500


class Catalogue(LandmarkCalls, LandmarkBatchCalls, ImageCalls, UndoCalls, ReleaseCalls, RestoreCalls):
    """Landmarks, reference images and their features: the only source of truth.

    Thread-safe and synchronous. A call that returned is on the disk: it survives ``kill -9`` and a power cut. A call
    that raised has changed nothing. Readers are never held up by writers; writers take turns.

    Every call may raise UnavailableError (the database cannot be reached or is locked by another process for five
    seconds, or the catalogue is closed), ResourceExhaustedError (the disk is full), FailedPreconditionError (a SQLite
    file was removed or replaced) and DataLossError (the database is damaged). Ids, drafts, etags, page tokens and
    request ids that break the contract raise InvalidArgumentError whose ``metadata["field"]`` names the culprit; not
    found, taken and changed resources are named in ``metadata["resource"]``.

    A call with a ``request_id`` can be repeated: the repeat does nothing and gets the first answer, even if the
    resource has been changed or deleted since. Failed calls are not kept, so they can be repeated in earnest.

    What is deleted is kept for a retention period and can be undeleted until :meth:`purge` finds that it has expired;
    then the audit log forgets what it has of its fields, and keeps who changed it when.
    Searchable is what is not deleted and whose landmark is active and not deleted; the change log tells of what becomes
    searchable and of what ceases to be.
    """

    @staticmethod
    def open(url: str, retention: timedelta = FOR_GOOD) -> Catalogue:
        """Opens the catalogue at a SQLAlchemy URL, making or migrating its tables as needed.

        Args:
            url: Such as ``sqlite:////var/lib/steeple/catalogue.db``; the folder is made if it is missing.
            retention: How long what is deleted is kept.

        Raises:
            InvalidArgumentError: If the URL is not one or names no file.
            FailedPreconditionError: If the database is of a newer Steeple, of another application or not accessible.
            DataLossError: If the file is damaged or is not a database.
        """
        database = Database(url)
        try:
            with database.write() as connection:
                upgrade(connection)
                make_index(connection)
        except SteepleError:
            database.close()
            raise
        return Catalogue(database, retention)

    @property
    def database(self) -> Database:
        """Where keys, their usage and the audit log are kept too."""
        return self._database

    def close(self) -> None:
        """Closes the database; later calls raise UnavailableError."""
        self._database.close()

    def __enter__(self) -> Catalogue:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def purge(self, now: datetime | None = None) -> set[str]:
        """Removes what was deleted and has expired.

        A batch at a time, each in a transaction, so that others are not kept from writing for long.

        Args:
            now: UTC, aware; None: the time.

        Returns:
            SHA-256, hex, of the photos that reference images had; see :meth:`photos_in_use`.
        """
        now = now or datetime.now(UTC)
        digests: set[str] = set()
        while True:
            with self._database.read() as connection:
                images = reference_images.expired(connection, now, _PURGED_AT_ONCE)
                empty = [] if images else landmarks.expired(connection, now, _PURGED_AT_ONCE)
            if not images and not empty:
                return digests
            with self._database.write() as connection:
                # What was undeleted in between has no time to expire at any more.
                images = reference_images.expired(connection, now, _PURGED_AT_ONCE)
                reference_images.purge(connection, list(images))
                if not images:
                    landmarks.purge(connection, landmarks.expired(connection, now, _PURGED_AT_ONCE))
            digests.update(sha256 for sha256 in images.values() if sha256)

    # History and totals, for indexes

    def sequence(self) -> int:
        """Number of the last change of the gallery; 0 before the first."""
        with self._database.read() as connection:
            return changes.latest(connection)

    def changes_since(self, sequence: int, limit: int = 1000) -> list[Change]:
        """The first ``limit`` changes after ``sequence``, ascending; empty if there are none.

        An added image may have been removed by a later change, and its features with it.

        Raises:
            InvalidArgumentError: If ``sequence`` is negative or ``limit`` is not positive.
            FailedPreconditionError: If ``sequence`` lies in the future: what is current up to it belongs to another
                catalogue, or this one was restored from an older backup; build it anew.
        """
        if sequence < 0:
            raise InvalidArgumentError(f"sequence must not be negative, not {sequence}", field="sequence")
        if limit < 1:
            raise InvalidArgumentError(f"limit must be at least 1, not {limit}", field="limit")
        with self._database.read() as connection:
            latest = changes.latest(connection)
            if sequence > latest:
                raise FailedPreconditionError(
                    f"the catalogue is at change {latest}, before {sequence}: it was replaced or restored; "
                    "rebuild the index from it"
                )
            return changes.since(connection, sequence, min(limit, lookups.MAX_KEY))

    def image_count(self) -> int:
        """Number of searchable reference images."""
        with self._database.read() as connection:
            return reference_images.count(connection)

    def descriptor_count(self, model: str) -> int:
        """Number of descriptors by a model release of all searchable reference images."""
        with self._database.read() as connection:
            others = releases.descriptor_count(connection, model)
            return reference_images.descriptor_count(connection, model) + others

    def iterate_features(self, model: str, after_key: int = 0) -> Iterator[tuple[int, FeatureSet]]:
        """Key and features of every searchable reference image that has some by a model release, in key order.

        Reads in batches, each of them one state of the catalogue. To rebuild an index: note :meth:`sequence`, iterate,
        then apply the changes since. Those of images that were seen already must do no harm when applied again.
        """
        while True:
            with self._database.read() as connection:
                batch = features.of_model(connection, model, after_key, _IMAGES_PER_BATCH)
            yield from batch
            if len(batch) < _IMAGES_PER_BATCH:
                return
            after_key = batch[-1][0]
