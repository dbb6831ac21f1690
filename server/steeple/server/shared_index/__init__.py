"""Indexes of an engine that any number of servers share, each kept in step with the catalogue by whoever is there."""

from steeple.server.shared_index.engine import Generation, Generations, IndexedImage, SharedEngine
from steeple.server.shared_index.keeper import SharedIndexKeeper
from steeple.server.shared_index.keepers import SharedKeepers

__all__ = ["Generation", "Generations", "IndexedImage", "SharedEngine", "SharedIndexKeeper", "SharedKeepers"]
