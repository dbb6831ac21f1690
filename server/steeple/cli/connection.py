"""How commands reach a server: key and TLS, the same options for every command that has ``--server``."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

if TYPE_CHECKING:
    from steeple.client import Client

_LONG_TIMEOUT: Final = 60.0  # seconds; for calls that move a whole photo


@dataclass
class _Given:
    """What the command line of this run, or the environment, says; by name of the client's arguments."""

    key: str | None = None
    tls: bool = False
    root_certificates: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


_PREFIX: Final = "connection_"  # keeps the names of these parameters apart from those of the commands' own

_given: ContextVar[_Given] = ContextVar("given")


def connect(server: str, timeout: float = 10.0) -> Client:
    """A client of the server, with the key and certificates of this run; nothing is sent before its first call."""
    from steeple.client import Client

    given = _given.get(_Given())
    options = {of.name: getattr(given, of.name) for of in fields(given)}
    return Client(server, timeout=timeout, long_timeout=max(timeout, _LONG_TIMEOUT), **options)


def add_connection_options(command: object) -> None:
    """Gives every command below ``command`` that has ``--server`` the options of the connection.

    Args:
        command: What Typer makes of an application. It must be run in the context that this was called in.
    """
    _given.set(_Given())
    _add(command)


def _add(command: object) -> None:
    for below in getattr(command, "commands", {}).values():
        _add(below)
    parameters: list[Any] = getattr(command, "params", [])
    if any("--server" in parameter.opts for parameter in parameters):
        parameters.extend(_options())


def _keep(parameter: typer.CallbackParam, value: Any) -> Any:  # noqa: ANN401 - of any option
    setattr(_given.get(), str(parameter.name).removeprefix(_PREFIX), value)
    return value


def _template(
    connection_key: Annotated[
        str | None,
        typer.Option(
            "--key",
            metavar="KEY",
            envvar="STEEPLE_KEY",
            expose_value=False,
            callback=_keep,
            help="Your key, if the server asks for one; other users of this host can see what is given as an option.",
        ),
    ] = None,
    connection_tls: Annotated[
        bool,
        typer.Option("--tls", envvar="STEEPLE_TLS", expose_value=False, callback=_keep, help="Talk TLS."),
    ] = False,
    connection_root_certificates: Annotated[
        Path | None,
        typer.Option(
            "--root-certificates",
            metavar="FILE.pem",
            envvar="STEEPLE_ROOT_CERTIFICATES",
            expose_value=False,
            callback=_keep,
            help="Talk TLS, and trust these instead of the public ones.",
        ),
    ] = None,
    connection_client_certificate: Annotated[
        Path | None,
        typer.Option(
            "--client-certificate",
            metavar="FILE.pem",
            envvar="STEEPLE_CLIENT_CERTIFICATE",
            expose_value=False,
            callback=_keep,
            help="Yours, for servers that ask for one.",
        ),
    ] = None,
    connection_client_key: Annotated[
        Path | None,
        typer.Option(
            "--client-key",
            metavar="FILE.pem",
            envvar="STEEPLE_CLIENT_KEY",
            expose_value=False,
            callback=_keep,
            help="Its private key.",
        ),
    ] = None,
) -> None:
    """What Typer makes the options of; never run."""


def _options() -> list[Any]:
    """Options as Typer makes them."""
    app = typer.Typer(add_completion=False)
    app.command(context_settings={"help_option_names": []})(_template)
    parameters = typer.main.get_command(app).params
    return [parameter for parameter in parameters if str(parameter.name).startswith(_PREFIX)]
