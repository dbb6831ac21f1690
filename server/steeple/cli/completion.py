"""What the shell offers on Tab beyond commands, options and files: names that the server knows, releases, choices.

Typer asks these functions when the shell completes a word (``_STEEPLE_COMPLETE``). A server that does not answer at
once offers nothing, and so does whatever goes wrong: a word being typed is no place for an error.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

import typer

from steeple.cli.connection import connect

if TYPE_CHECKING:
    from steeple.client import Client

Completer = Callable[[typer.Context, str], list[str]]

_SECONDS: Final = 0.5
_MOST: Final = 100
_PAGE: Final = 1000
_LANDMARKS: Final = "landmarks/"
_IMAGES: Final = "/images/"
# The shell evaluates what it is given (zsh does), and a server may say anything: names of its form only, no titles.
_SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_.-]*", re.ASCII)


def choices(*words: str) -> Completer:
    """Completes one of some words."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def releases(ctx: typer.Context, incomplete: str) -> list[str]:
    """Model releases that ship with Steeple. Nothing of that name: the shell offers files, as a folder will do."""
    return _quietly(ctx, incomplete, _shipped)


def landmarks(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of landmarks, or their names if the word begins so."""
    prefix = _LANDMARKS if incomplete.startswith(_LANDMARKS) else ""
    return _asked(ctx, incomplete, lambda client: (prefix + each.id for each in client.list_landmarks(page_size=_PAGE)))


def deleted_landmarks(ctx: typer.Context, incomplete: str) -> list[str]:
    """The same of those that can be undeleted."""
    prefix = _LANDMARKS if incomplete.startswith(_LANDMARKS) else ""
    return _asked(
        ctx,
        incomplete,
        lambda client: (
            prefix + each.id
            for each in client.list_landmarks(show_deleted=True, page_size=_PAGE)
            if each.delete_time is not None
        ),
    )


def images(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of reference images, of the landmarks that the word may mean."""
    return _asked(ctx, incomplete, lambda client: _images(client, incomplete, deleted=False))


def deleted_images(ctx: typer.Context, incomplete: str) -> list[str]:
    """The same of those that can be undeleted."""
    return _asked(ctx, incomplete, lambda client: _images(client, incomplete, deleted=True))


def keys(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of keys."""
    return _asked(ctx, incomplete, lambda client: (each.id for each in client.list_keys()))


def people(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names that people sign in with."""
    return _asked(ctx, incomplete, lambda client: (each.id for each in client.list_people(page_size=_PAGE)))


def packs(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of offline packs."""
    return _asked(ctx, incomplete, lambda client: (each.id for each in client.list_packs(page_size=_PAGE)))


def views(ctx: typer.Context, incomplete: str) -> list[str]:
    """Ids of saved views."""
    return _asked(ctx, incomplete, lambda client: (each.id for each in client.list_views(page_size=_PAGE)))


def resources(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of landmarks."""
    return _asked(
        ctx, incomplete, lambda client: (_LANDMARKS + each.id for each in client.list_landmarks(page_size=_PAGE))
    )


def _images(client: Client, incomplete: str, *, deleted: bool) -> Iterator[str]:
    prefix = _LANDMARKS if incomplete.startswith(_LANDMARKS) or not incomplete else ""
    typed, named, _ = incomplete.removeprefix(_LANDMARKS).partition(_IMAGES)
    of = [typed] if named else (each.id for each in client.list_landmarks(page_size=_PAGE) if each.id.startswith(typed))
    for landmark in of:
        for image in client.list_reference_images(landmark, show_deleted=deleted):
            if (image.delete_time is not None) == deleted:
                yield f"{prefix}{landmark}{_IMAGES}{image.id}"


def _shipped() -> Iterator[str]:
    from steeple.delf.release import available_releases

    yield from available_releases()


def _asked(ctx: typer.Context, incomplete: str, names: Callable[[Client], Iterable[str]]) -> list[str]:
    """Names that a server tells, by the options of the command line so far."""

    def told() -> Iterator[str]:
        with connect(str(ctx.params["server"]), _SECONDS) as client:
            yield from names(client)

    return _quietly(ctx, incomplete, told)


def _quietly(ctx: typer.Context, incomplete: str, names: Callable[[], Iterable[str]]) -> list[str]:
    """Those that begin with the word and are not on the command line yet, as far as half a second gets."""
    given = {str(word) for value in ctx.params.values() if isinstance(value, list | tuple) for word in value}
    found: list[str] = []
    try:
        import steeple.client  # noqa: F401 - so that the time is the server's, not that of the imports

        deadline = time.monotonic() + _SECONDS
        for name in names():
            if name.startswith(incomplete) and name not in given and _SAFE.fullmatch(name):
                found.append(name)
            if len(found) >= _MOST or time.monotonic() > deadline:
                break
    except Exception:  # noqa: S110 - whatever it is, it is told when the command runs
        pass
    return found
