"""All that a server does to go by what others on the same database have changed."""

from __future__ import annotations

from steeple.server.access import Keyring
from steeple.server.catalogue.announcements import Topic
from steeple.server.catalogue.database import Database
from steeple.server.following.following import LOST_AFTER_SECONDS, Following
from steeple.server.following.models import ModelFollower
from steeple.server.operations import OperationRunner
from steeple.server.serving import Serving


class Followers:
    """Follows all topics, from :meth:`start` to :meth:`close`; nothing where the database has one server (SQLite).

    Args:
        database: The catalogue's.
        serving: Whose indexes catch up, and which serves what is said to be served.
        keyring: Which goes by the keys and sessions that there are.
        operations: Which takes what is queued, and stops what is to be stopped.
    """

    def __init__(self, database: Database, serving: Serving, keyring: Keyring, operations: OperationRunner) -> None:
        self._shared = not database.is_sqlite
        self._serving = serving
        self._operations = operations
        self._models = ModelFollower(serving)
        follow = {
            Topic.ACCESS: keyring.reload,
            Topic.GALLERY: serving.catch_up,
            Topic.MODELS: self._models.wake,
            Topic.OPERATIONS: self._follow_operations,
        }
        self._following = Following(database.engine, follow, lambda: serving.sequences)

    @property
    def current(self) -> bool:
        """Whether this server goes by what others do, or has ceased to only just."""
        if not self._shared:
            return True
        return self._following.current and self._models.seconds_failing < LOST_AFTER_SECONDS

    @staticmethod
    def started(database: Database, serving: Serving, keyring: Keyring, operations: OperationRunner) -> Followers:
        """Such that have begun; arguments as for the class."""
        made = Followers(database, serving, keyring, operations)
        made.start()
        return made

    def start(self) -> None:
        """Begins."""
        if self._shared:
            self._models.start()
            self._following.start()

    def close(self) -> None:
        """Ends. May be called again."""
        if self._shared:
            self._following.close()
            self._models.close()

    def _follow_operations(self) -> None:
        self._operations.follow()
        if self._serving.prepares:  # for as long as an operation runs
            self._models.wake()
