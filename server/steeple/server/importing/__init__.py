"""Photos by the thousand: read from a folder or an archive, extracted on all cores, added to the catalogue."""

from steeple.server.importing.job import METHOD, PhotoImport
from steeple.server.importing.options import ImportOptions, OnExisting

__all__ = ["METHOD", "ImportOptions", "OnExisting", "PhotoImport"]
