"""What stands in a release's ``release.json``, entry by entry, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from steeple.cli.output import Output
from steeple.delf import ModelRelease

Value: TypeAlias = str | float | bool | list[Any] | None
"""Of an entry: all that is not an object. A list is one value."""


def entries(section: object, name: str = "") -> dict[str, Value]:
    """The values of a section of a manifest by their dotted names, in its order: ``photos.count``.

    Args:
        section: Any JSON.
        name: That the names begin with.
    """
    return dict(_entries(section, name))


def _entries(value: Any, name: str) -> Iterator[tuple[str, Value]]:  # noqa: ANN401 - any JSON
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _entries(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def in_words(value: Value) -> str:
    """A value for people: numbers with commas and at most six digits, lists with commas."""
    if isinstance(value, bool | None):
        return {None: "none", False: "no", True: "yes"}[value]
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"
    if isinstance(value, str):
        return value
    if any(isinstance(entry, list | dict) for entry in value):
        return json.dumps(value, ensure_ascii=False)
    return ", ".join(in_words(entry) for entry in value)


def print_manifest(output: Output, release: ModelRelease) -> None:
    """Everything in ``release.json``: as it is in JSON mode, else section by section."""
    manifest = release.manifest
    output.document({"path": str(release.path), **manifest})
    single = {name: value for name, value in manifest.items() if not isinstance(value, Mapping)}
    output.facts([("folder", str(release.path)), *((name, in_words(value)) for name, value in single.items())])
    for section in (name for name in manifest if name not in single):
        output.say("")
        output.say(section, "bold")
        if section == "files":
            facts = manifest[section].items()
            output.facts((name, f"{file['bytes']:,} bytes, SHA-256 {file['sha256']}") for name, file in facts)
        else:
            output.facts((name, in_words(value)) for name, value in entries(manifest[section]).items())
