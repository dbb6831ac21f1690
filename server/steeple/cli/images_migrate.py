"""``steeple images migrate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from steeple.cli.options import JsonOption
from steeple.cli.output import Column, Output, describe_size
from steeple.errors import FailedPreconditionError

_LOST = 1


def migrate(
    source: Annotated[str, typer.Option("--from", metavar="FOLDER|URL", help="Where the photos are.")],
    target: Annotated[str, typer.Option("--to", metavar="FOLDER|URL", help="Where they shall be.")],
    json: JsonOption = False,
) -> int:
    """Copy all photos to another place: a folder, a bucket, or whatever fsspec knows.

    Servers may go on meanwhile; stop them and give the command again before they are started with the new place, for
    the photos that came since. What is there already, and whole, is passed over. Each copy is read again. Nothing is
    deleted.

    \b
    Examples:
      steeple images migrate --from /var/lib/steeple/images --to s3://bucket/images
      steeple images migrate --from s3://bucket/images --to /srv/images --json | jq .lost

    \b
    Exit code: 1 if photos of the old place are missing or damaged, else 0.
    """
    from steeple.server.images import ImageStore
    from steeple.server.photo_copies import copy_photos

    output = Output(as_json=json)
    if "://" not in source and not Path(source).is_dir():
        raise FailedPreconditionError(f"there is no folder {source}")
    with output.steps() as told:
        found = copy_photos(ImageStore(source), ImageStore(target), lambda done, total: told("photos", done, total))
    output.document(
        {
            "copied_count": found.copied,
            "copied_bytes": found.copied_bytes,
            "present_count": found.there,
            "lost": [{"sha256": digest, "message": message} for digest, message in found.lost.items()],
        }
    )
    if found.lost:
        output.table((Column("lost"), Column("why")), list(found.lost.items()))
    output.say(
        f"{found.copied:,} photos copied ({describe_size(found.copied_bytes)}), {found.there:,} were there already"
    )
    if found.lost:
        output.note(f"{len(found.lost):,} photos are lost: restore them from a backup, and repeat this", "red")
        return _LOST
    output.note(f"next: set images_url (STEEPLE_IMAGES_URL) of every server to {target}")
    return 0
