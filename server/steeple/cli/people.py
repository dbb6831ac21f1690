"""``steeple people``: who may sign in to a server, and as what."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from steeple.cli import completion
from steeple.cli.connection import connect
from steeple.cli.options import DEFAULT_SERVER, JsonOption, ServerOption
from steeple.cli.output import Column, Output, describe_time
from steeple.cli.passwords import PasswordFileOption, read_password
from steeple.errors import InvalidArgumentError

if TYPE_CHECKING:
    from steeple.client import Person

app = typer.Typer(no_args_is_help=True, help="People: who may sign in to a server, and as what.")

PersonArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        autocompletion=completion.people,
        help="What they sign in with, as `steeple people list` prints it.",
    ),
]
SubjectOption = Annotated[
    str | None,
    typer.Option("--oidc-subject", metavar="SUB", help="Who they are to the identity provider that the server trusts."),
]
_ROLES: Final = ("reader", "editor", "admin")


@app.command("create")
def create_person(
    person: Annotated[str, typer.Argument(metavar="NAME", help="To sign in with: letters, digits and hyphens.")],
    display_name: Annotated[str, typer.Argument(metavar="DISPLAY_NAME", help="What others call them.")] = "",
    role: Annotated[
        str,
        typer.Option(
            "--role",
            metavar="ROLE",
            autocompletion=completion.choices(*_ROLES),
            help="reader, editor or admin; each may all before it.",
        ),
    ] = "reader",
    password_file: PasswordFileOption = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="They have none (yet), and none is asked for.")
    ] = False,
    oidc_subject: SubjectOption = None,
    data_dir: Annotated[
        Path | None,
        typer.Option("--data-dir", metavar="DIR", help="Make them in this data folder, while no server runs on it."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="With --data-dir: the server's settings as TOML.")
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Make a person who may sign in. The password is asked for, or read from a file.

    The first admin of a server is made with --data-dir, before it is started.

    \b
    Examples:
      steeple people create ada "Ada Lovelace" --role admin --data-dir /var/lib/steeple
      steeple people create grace --role editor --password-file - < password.txt
    """
    if no_password and password_file is not None:
        raise InvalidArgumentError("--password-file and --no-password exclude each other")
    if config is not None and data_dir is None:
        raise InvalidArgumentError("--config goes with --data-dir")
    if role not in _ROLES:
        raise InvalidArgumentError(f"role must be {', '.join(_ROLES)}, not {role!r}")
    password = "" if no_password else read_password(password_file, twice=True)
    if not password and not no_password:
        raise InvalidArgumentError("the password is empty; with --no-password there is none")
    name, subject = display_name or person, oidc_subject or ""
    if data_dir is not None:
        from steeple.cli.people_local import create_in_data_dir

        made = create_in_data_dir(data_dir, config, person, name, role, password, subject)
    else:
        with connect(server) as client:
            made = client.create_person(person, name, role, password=password, oidc_subject=subject)
    _print(Output(as_json=json), made)


@app.command("list")
def list_people(server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """List people: what they may do, and when they signed in last.

    \b
    Examples:
      steeple people list
      steeple people list --json | jq -r '.[] | select(.role == "admin").id'
    """
    output = Output(as_json=json)
    with connect(server) as client:
        people = list(client.list_people())
    output.document([person.to_dict() for person in people])
    output.table(
        (Column("name"), Column("called"), Column("role"), Column("state"), Column("last sign-in")),
        [
            (
                person.id,
                person.display_name,
                person.role.value,
                _state(person),
                describe_time(person.last_sign_in_time) or "never",
            )
            for person in people
        ],
    )


@app.command("show")
def show_person(person: PersonArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show one person.

    \b
    Example:
      steeple people show ada
    """
    with connect(server) as client:
        _print(Output(as_json=json), client.get_person(person))


@app.command("update")
def update_person(
    person: PersonArgument,
    display_name: Annotated[
        str | None, typer.Option("--display-name", metavar="TEXT", help="What others call them.")
    ] = None,
    role: Annotated[
        str | None,
        typer.Option(
            "--role", metavar="ROLE", autocompletion=completion.choices(*_ROLES), help="reader, editor or admin."
        ),
    ] = None,
    disabled: Annotated[bool | None, typer.Option("--disable/--enable", help="Whether they cannot sign in.")] = None,
    oidc_subject: SubjectOption = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Change a person; what is not given stays. Another role, or --disable, ends their sessions.

    \b
    Examples:
      steeple people update grace --role admin
      steeple people update grace --disable
    """
    with connect(server) as client:
        updated = client.update_person(
            person, display_name=display_name, role=role, disabled=disabled, oidc_subject=oidc_subject
        )
    _print(Output(as_json=json), updated)


@app.command("password")
def set_password(
    person: PersonArgument,
    password_file: PasswordFileOption = None,
    old_password_file: Annotated[
        Path | None,
        typer.Option(
            "--old-password-file", metavar="FILE", help="With a session: your own old password is its first line."
        ),
    ] = None,
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """Set somebody's password, which ends their sessions.

    \b
    Examples:
      steeple people password grace
      steeple people password grace --password-file - < password.txt
    """
    old = "" if old_password_file is None else read_password(old_password_file)
    password = read_password(password_file, "New password", twice=True)
    with connect(server) as client:
        updated = client.set_password(person, password, old_password=old)
    _print(Output(as_json=json), updated)


@app.command("delete")
def delete_person(person: PersonArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Delete a person for good; nobody else gets the name. Who may come back: steeple people update NAME --disable.

    \b
    Example:
      steeple people delete grace
    """
    output = Output(as_json=json)
    with connect(server) as client:
        client.delete_person(person)
    name = f"people/{person.removeprefix('people/')}"
    output.document({"deleted": name})
    output.say(f"deleted {name}")


@app.command("sessions")
def list_sessions(person: PersonArgument, server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """List what a person has signed in to and not ended yet.

    \b
    Example:
      steeple people sessions ada
    """
    output = Output(as_json=json)
    with connect(server) as client:
        sessions = client.list_sessions(person)
    output.document([session.to_dict() for session in sessions])
    output.table(
        (Column("session"), Column("from"), Column("what"), Column("began"), Column("last used"), Column("ends")),
        [
            (
                session.name,
                session.address,
                session.user_agent,
                describe_time(session.create_time),
                describe_time(session.last_use_time),
                describe_time(session.expire_time),
            )
            for session in sessions
        ],
    )


@app.command("revoke")
def revoke_session(
    session: Annotated[
        str, typer.Argument(metavar="SESSION", help="people/NAME/sessions/ID, as `steeple people sessions` prints it.")
    ],
    server: ServerOption = DEFAULT_SERVER,
    json: JsonOption = False,
) -> None:
    """End a session at once.

    \b
    Example:
      steeple people revoke people/ada/sessions/mfzwizltoqqhg2ds
    """
    output = Output(as_json=json)
    with connect(server) as client:
        client.revoke_session(session)
    output.document({"revoked": session})
    output.say(f"ended {session}")


@app.command("me")
def show_me(server: ServerOption = DEFAULT_SERVER, json: JsonOption = False) -> None:
    """Show whom calls are by, with the key or session that is set, and what they may do.

    \b
    Example:
      STEEPLE_KEY=stp_... steeple people me
    """
    output = Output(as_json=json)
    with connect(server) as client:
        me = client.get_me()
    output.document(me.to_dict())
    output.facts(
        [
            ("actor", me.actor or "nobody: sign in, or send a key"),
            ("name", me.display_name),
            ("may", "" if me.scope is None else me.scope.value),
            ("keys", "are asked for" if me.asks_for_keys else "are not asked for"),
            ("ends", "" if me.session is None else describe_time(me.session.expire_time)),
        ]
    )


def _print(output: Output, person: Person) -> None:
    output.document(person.to_dict())
    output.facts(
        [
            ("name", person.id),
            ("called", person.display_name),
            ("role", person.role.value),
            ("state", _state(person)),
            ("identity", person.oidc_subject),
            ("created", describe_time(person.create_time)),
            ("changed", describe_time(person.update_time)),
            ("password", describe_time(person.password_time) or "none"),
            ("last sign-in", describe_time(person.last_sign_in_time) or "never"),
        ]
    )


def _state(person: Person) -> str:
    return "disabled" if person.disabled else "may sign in"
