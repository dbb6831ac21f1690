"""Names of what there is on the server that is asked."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Known:
    """Names of things that there are; any of them may come to harm.

    Attributes:
        key: Of a reader.
        person: Who may sign in, as a reader.
        upload: A complete archive of photos.
        unfinished_upload: One whose bytes are still to come.
        operation: That has made a file.
        file: Which.
        snapshot: Of the server.
        query: That was kept.
        discovery: That is finished.
        proposal: Of the discovery.
        photo: Of the proposal.
        pack: That is published.
        folder: Of photos, that may be imported.
        event: Of a change of the landmark "tower".
        view: That is saved.
    """

    key: str
    person: str
    upload: str
    unfinished_upload: str
    operation: str
    file: str
    snapshot: str
    query: str
    discovery: str
    proposal: str
    photo: str
    pack: str
    folder: str
    event: str
    view: str

    def texts(self) -> list[str]:
        """All of them."""
        return list(vars(self).values())
