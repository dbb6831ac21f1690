"""From one engine of indexes to another: the other's made beside the one that serves, and both compared."""

from steeple.server.index_migration.comparing import Agreement
from steeple.server.index_migration.dropping import drop, droppable
from steeple.server.index_migration.migrating import EngineName, Migration, Moved
from steeple.server.index_migration.status import IndexStatus, statuses

__all__ = ["Agreement", "EngineName", "IndexStatus", "Migration", "Moved", "drop", "droppable", "statuses"]
