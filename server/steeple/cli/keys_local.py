"""Makes a key in a data folder that no server runs on: how a server gets its first."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path

from steeple.client import Key, KeyLimits, NewKey, Scope
from steeple.errors import FailedPreconditionError
from steeple.server import access
from steeple.server.catalogue import Catalogue, audit
from steeple.server.data_dir import DataDir
from steeple.server.settings import Settings


def create_in_data_dir(
    data_dir: Path,
    config: Path | None,
    display_name: str,
    scope: str,
    expire_time: datetime | None,
    limits: KeyLimits,
) -> NewKey:
    """Makes a key.

    Args:
        data_dir: Of the server; made if it is missing.
        config: The server's settings, which may name another database; None: as the environment says.
        display_name: Of the key.
        scope: Its name.
        expire_time: The key ends then; None: it does not.
        limits: What it may use.

    Raises:
        FailedPreconditionError: If a server runs on the folder, or it cannot be used.
        InvalidArgumentError: If a value is out of its limits.
    """
    wanted = access.Scope.parse(scope)
    allowed = access.Limits(limits.requests_per_second, limits.burst, limits.monthly_identifications)
    # What the settings say of listening is not at stake here.
    settings = Settings.load(config, data_dir=data_dir, insecure=True)
    try:
        folder = DataDir(settings.data_dir)
    except FailedPreconditionError as error:
        raise FailedPreconditionError(
            f"{error.message}; through a running server, keys are made with --server and an admin's key"
        ) from error
    by_hand = audit.attempting(audit.Attempt(audit.LOCAL, "steeple.v1.KeyService/CreateKey"))
    with closing(folder), Catalogue.open(settings.catalogue_url) as catalogue, by_hand:
        store = access.KeyStore(catalogue.database)
        made = store.create(display_name, wanted, expire_time=expire_time, limits=allowed)
    return NewKey(
        Key(
            name=made.key.name,
            display_name=made.key.display_name,
            scope=Scope(str(made.key.scope)),
            limits=limits,
            create_time=made.key.create_time,
            expire_time=made.key.expire_time,
        ),
        made.secret,
    )
