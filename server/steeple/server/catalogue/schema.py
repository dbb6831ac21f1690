"""All tables of a catalogue: the modules that describe them, imported together."""

from __future__ import annotations

from steeple.server.catalogue import (  # noqa: F401 - they have tables of the metadata
    discovery_tables,
    person_tables,
    search_tables,
    view_tables,
)
from steeple.server.catalogue.tables import metadata

__all__ = ["metadata"]
