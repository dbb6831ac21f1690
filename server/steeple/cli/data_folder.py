"""A data folder that no server runs on, worked on directly: how a server gets its first key and its first admin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from steeple.errors import FailedPreconditionError
from steeple.server.catalogue import Catalogue, audit
from steeple.server.data_dir import DataDir
from steeple.server.settings import Settings


@contextmanager
def by_hand(data_dir: Path, config: Path | None, method: str, what: str) -> Iterator[Catalogue]:
    """Opens the catalogue of a data folder; what is changed inside is in the audit log as ``local``.

    Args:
        data_dir: Of the server; made if it is missing.
        config: The server's settings, which may name another database; None: as the environment says.
        method: That would do the same through a server, ``steeple.v1.{service}/{method}``.
        what: Is made, in the plural, for the message of an error.

    Raises:
        FailedPreconditionError: If a server runs on the folder, or it cannot be used.
    """
    # What the settings say of listening is not at stake here.
    settings = Settings.load(config, data_dir=data_dir, insecure=True)
    try:
        folder = DataDir(settings.data_dir)
    except FailedPreconditionError as error:
        raise FailedPreconditionError(
            f"{error.message}; through a running server, {what} are made with --server and an admin's key"
        ) from error
    attempt = audit.attempting(audit.Attempt(audit.LOCAL, method))
    with closing(folder), Catalogue.open(settings.catalogue_url) as catalogue, attempt:
        yield catalogue
