"""Makes a person in a data folder that no server runs on: how a server gets its first admin."""

from __future__ import annotations

from pathlib import Path

from steeple.cli.data_folder import by_hand
from steeple.client import Person, Scope
from steeple.server import access


def create_in_data_dir(
    data_dir: Path, config: Path | None, person_id: str, display_name: str, role: str, password: str, oidc_subject: str
) -> Person:
    """Makes a person.

    Args:
        data_dir: Of the server; made if it is missing.
        config: The server's settings, which may name another database; None: as the environment says.
        person_id: What they sign in with.
        display_name: What others call them.
        role: Its name.
        password: Theirs; empty: none.
        oidc_subject: Who they are to the identity provider.

    Raises:
        FailedPreconditionError: If a server runs on the folder, or it cannot be used.
        AlreadyExistsError: If there is, or was, somebody of that id.
        InvalidArgumentError: If a value is out of its limits.
    """
    wanted = access.Scope.parse(role)
    with by_hand(data_dir, config, "steeple.v1.PersonService/CreatePerson", "people") as catalogue:
        sign_ins = access.SignIns(access.Keyring(catalogue.database))
        made = sign_ins.create(person_id, display_name, wanted, password=password, oidc_subject=oidc_subject)
    return Person(
        name=made.name,
        display_name=made.display_name,
        role=Scope(str(made.role)),
        disabled=made.disabled,
        oidc_subject=made.oidc_subject,
        has_password=made.password_time is not None,
        create_time=made.create_time,
        update_time=made.update_time,
        password_time=made.password_time,
    )
