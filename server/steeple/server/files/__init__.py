"""Named files that the servers of a catalogue share, or that one server keeps in its data folder."""

from steeple.server.files.kinds import FileStore, Growing, Part, StoredFile, kept_name, read_all
from steeple.server.files.opening import SharedFiles

__all__ = ["FileStore", "Growing", "Part", "SharedFiles", "StoredFile", "kept_name", "read_all"]
