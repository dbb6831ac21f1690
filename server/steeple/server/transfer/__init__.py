"""The whole catalogue out of one server and into another."""

from steeple.server.transfer.beginning import Transfers
from steeple.server.transfer.importing import ExistingPolicy

__all__ = ["ExistingPolicy", "Transfers"]
