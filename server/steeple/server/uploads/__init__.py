"""Files that callers send in pieces, for later calls to use."""

from steeple.server.uploads.records import Upload
from steeple.server.uploads.store import KEPT
from steeple.server.uploads.uploads import Uploads
from steeple.server.uploads.writer import COMMITTED, Writer

__all__ = ["COMMITTED", "KEPT", "Upload", "Uploads", "Writer"]
