"""Versions of code: what was made by other code than today's is made anew."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_FOLLOWED: Final = ("steeple.lab.", "steeple.baselines.")
_RELEASES: Final = "releases"  # folder of networks, beside the code that runs them
_LENGTH: Final = 12


@functools.cache
def module_version(name: str, followed: tuple[str, ...] = _FOLLOWED) -> str:
    """The start of the SHA-256 of a module's source and of those that it imports, and of networks beside them.

    Args:
        name: Of the module.
        followed: What the names of imported modules begin with that count, and what those import.
    """
    total = hashlib.sha256()
    for path in sorted(_sources(name, followed)):
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:_LENGTH]


def _sources(name: str, followed: tuple[str, ...]) -> set[Path]:
    found: set[Path] = set()
    waiting = [name]
    while waiting:
        path = _source(waiting.pop())
        if path is None or path in found:
            continue
        found.add(path)
        found |= {each for each in (path.parent / _RELEASES).rglob("*") if each.is_file()}
        imported = _imported(ast.parse(path.read_bytes()))
        waiting += [each for each in imported if each.startswith(followed)]
    return {path for path in found if path.suffix != ".pyc"}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names):
                inner = [f"{module}.{each.name}" for each in names]
                modules = [each for each in inner if _source(each) is not None]
                yield from modules
                if len(modules) < len(inner):
                    yield module
            case _:
                pass


@functools.cache
def _source(name: str) -> Path | None:
    """Of a module; None if there is no such module, or it is not of Python."""
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError:  # its parent is a module, not a package
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)
