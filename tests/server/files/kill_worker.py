"""A server that writes to an upload and is killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from steeple.server.catalogue.database import Database
from steeple.server.files import SharedFiles
from steeple.server.uploads import Uploads


def main() -> None:
    database_url, files_url, data_dir, upload_id, content = sys.argv[1:]
    uploads = Uploads(
        Database(database_url), SharedFiles(files_url, Path(data_dir)).of("uploads"), Path(data_dir, "copies"), 1 << 40
    )
    writer, data = uploads.begin(upload_id), Path(content).read_bytes()
    offset = uploads.get(upload_id).committed_bytes
    for start in range(offset, offset + (10 << 20), 1 << 20):
        writer.write(start, data[start : start + (1 << 20)])
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
