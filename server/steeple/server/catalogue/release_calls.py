"""The calls of the catalogue that are about the model releases of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.catalogue import audit, releases, served_releases
from steeple.server.catalogue.releases import ImageWithout
from steeple.server.catalogue.served_releases import PreparedModel, Releases, ServedModel
from steeple.server.catalogue.transactions import Also, Transactions


class ReleaseCalls(Transactions):
    """The part of the catalogue that takes its images from one model release to another."""

    def images_without(self, model: str, after_key: int, limit: int) -> list[ImageWithout]:
        """The first reference images after a key, in key order, that have no features by a model release.

        Deleted ones that are kept are among them, and those that are not searchable for other reasons.
        """
        with self._database.read() as connection:
            return releases.without(connection, model, after_key, limit)

    def count_without(self, model: str) -> int:
        """Number of reference images that have no features by a model release, without deleted ones."""
        with self._database.read() as connection:
            return releases.count_without(connection, model)

    def count_with(self, model: str) -> int:
        """Number of reference images that have features by a model release, deleted ones that are kept among them."""
        with self._database.read() as connection:
            return releases.count_with(connection, model)

    def add_features(self, model: str, found: Mapping[int, FeatureSet], *, announce: bool) -> None:
        """Stores features by a model release beside those that images have; images that are gone are left out.

        Args:
            model: Name of the release.
            found: Features by image key.
            announce: Whether an index of that release is kept already, and shall take them.
        """
        packed = {key: wire.pack(features) for key, features in found.items()}
        with self._database.write() as connection:
            releases.store_all(connection, model, packed, announce)

    def has_features(self, model: str) -> bool:
        """Whether any image has features by a model release."""
        with self._database.read() as connection:
            return releases.has_features(connection, model)

    def hand_over(self, old: str, new: str, limit: int) -> int:
        """Makes ``new`` the release of images that were ``old``'s and have features by both; those by ``old`` are gone.

        Args:
            old: Name of a release.
            new: Name of another.
            limit: Images, at most.

        Returns:
            How many images that were.
        """
        with self._database.write() as connection:
            return releases.hand_over(connection, old, new, limit)

    def forget_features(self, model: str, limit: int) -> int:
        """Deletes features by a model release of images that are another's; of how many, at most ``limit``."""
        with self._database.write() as connection:
            return releases.forget(connection, model, limit)

    def releases(self) -> Releases:
        """Model releases that are served, and those that are to be."""
        with self._database.read() as connection:
            return served_releases.releases(connection)

    def serve_models(self, models: Sequence[ServedModel], changed: str, *, also: Also | None = None) -> None:
        """Sets what is served from now on, through restarts; what was prepared of it is no longer.

        Args:
            models: The default first.
            changed: Name of the model that this is about, for the audit log.
            also: Done in the same transaction.
        """
        with self._database.write() as connection:
            served_releases.serve(connection, list(models))
            audit.record(connection, datetime.now(UTC), f"models/{changed}")
            if also is not None:
                also(connection)

    def prepare_model(self, model: PreparedModel, operation_id: str) -> None:
        """Sets that a release is prepared: whoever adds a photo from now on extracts it with this one too.

        Args:
            model: Which.
            operation_id: What prepares it; the release counts for as long as that is queued or running.
        """
        with self._database.write() as connection:
            served_releases.prepare(connection, model, operation_id)

    def withdraw_model(self, name: str) -> None:
        """A release is not prepared any more."""
        with self._database.write() as connection:
            served_releases.withdraw(connection, name)
