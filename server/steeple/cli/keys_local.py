"""Makes a key in a data folder that no server runs on: how a server gets its first."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from steeple.cli.data_folder import by_hand
from steeple.client import Key, KeyLimits, NewKey, Scope
from steeple.server import access


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
    with by_hand(data_dir, config, "steeple.v1.KeyService/CreateKey", "keys") as catalogue:
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
