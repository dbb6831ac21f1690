"""Passwords, read so that nobody sees them: neither on the screen nor in a list of processes."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from steeple.errors import InvalidArgumentError

PasswordFileOption = Annotated[
    Path | None,
    typer.Option(
        "--password-file", metavar="FILE", help="The password is its first line; - for standard input. Else: asked for."
    ),
]

_STDIN: Final = Path("-")


def read_password(file: Path | None, prompt: str = "Password", *, twice: bool = False) -> str:
    """A password of a file, or asked for at the terminal.

    Args:
        file: As given by :data:`PasswordFileOption`.
        prompt: What is asked for.
        twice: Whether it is asked for again, as nobody sees what they typed.

    Raises:
        InvalidArgumentError: If the file cannot be read, there is neither file nor terminal, or the two differ.
    """
    if file == _STDIN:
        return _first_line(sys.stdin.read())
    if file is not None:
        try:
            return _first_line(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InvalidArgumentError(f"the password cannot be read from {file}: {error}") from error
    if not sys.stdin.isatty():
        raise InvalidArgumentError("there is no terminal to ask for the password: give --password-file FILE, or -")
    password = getpass.getpass(f"{prompt}: ")
    if twice and getpass.getpass(f"{prompt}, again: ") != password:
        raise InvalidArgumentError("these are two passwords; try again")
    return password


def _first_line(text: str) -> str:
    return text.partition("\n")[0].removesuffix("\r")
