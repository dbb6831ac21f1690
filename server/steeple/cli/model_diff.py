"""``steeple model diff``: what tells two releases apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from steeple.cli import completion
from steeple.cli.options import JsonOption
from steeple.cli.output import Cell, Column, Output

if TYPE_CHECKING:
    from steeple.delf import ModelRelease

_PARAMETERS: Final = ("extraction", "index", "verification", "calibration")
_FIGURES: Final = "figures"
_NOT_COMPARED: Final = ("format", "name", "files", *_PARAMETERS, _FIGURES)  # or in a place of their own

_ReleaseArgument = Annotated[
    str,
    typer.Argument(
        metavar="A", autocompletion=completion.releases, help="A release that ships with Steeple, or a folder."
    ),
]
_OtherArgument = Annotated[str, typer.Argument(metavar="B", autocompletion=completion.releases, help="Another.")]


def diff(a: _ReleaseArgument, b: _OtherArgument, json: JsonOption = False) -> None:
    """Compare two releases: their files, parameters, figures and provenance. Asks no server.

    Only what differs is printed. A difference of numbers is B less A. Features are interchangeable if both releases
    have the same network: those of one can then be searched for in a catalogue of the other.

    \b
    Examples:
      steeple model diff delf-lite2-v1 releases/delf-mine
      steeple model diff releases/delf-1 releases/delf-2 --json

    Exit code: 0 if both releases can be read, whether they differ or not.
    """
    from steeple.delf import ModelRelease

    output = Output(as_json=json)
    facts = compare(ModelRelease.load(a), ModelRelease.load(b))
    output.document(facts)
    _print(output, facts)


def compare(a: ModelRelease, b: ModelRelease) -> dict[str, Any]:
    """What two releases have and what tells them apart, as JSON.

    Returns:
        ``a`` and ``b`` (release and path); ``features_interchangeable``; ``files`` by name, each with ``same``, ``a``
        and ``b`` (bytes and sha256, None where there is no such file); ``parameters``, ``figures`` and ``provenance``:
        the entries that differ by dotted name, each with ``a``, ``b`` (None where there is none) and, of numbers,
        ``difference``, b less a.
    """
    other = {name: None for manifest in (a.manifest, b.manifest) for name in manifest if name not in _NOT_COMPARED}
    return {
        "a": {"release": a.name, "path": str(a.path)},
        "b": {"release": b.name, "path": str(b.path)},
        "features_interchangeable": a.tflite_sha256 == b.tflite_sha256,
        "files": _files(a.manifest["files"], b.manifest["files"]),
        "parameters": {
            name: entry
            for section in _PARAMETERS
            for name, entry in _differences(a.manifest[section], b.manifest[section], section).items()
        },
        "figures": _differences(a.manifest.get(_FIGURES, {}), b.manifest.get(_FIGURES, {}), ""),
        "provenance": {
            name: entry
            for section in other
            for name, entry in _differences(a.manifest.get(section, {}), b.manifest.get(section, {}), section).items()
        },
    }


def _files(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        name: {"same": a.get(name) == b.get(name), "a": a.get(name), "b": b.get(name)}
        for name in dict.fromkeys((*a, *b))
    }


def _differences(a: object, b: object, name: str) -> dict[str, dict[str, Any]]:
    from steeple.cli.model_manifest import entries

    ours, theirs = entries(a, name), entries(b, name)
    found: dict[str, dict[str, Any]] = {}
    for key in dict.fromkeys((*ours, *theirs)):
        one, two = ours.get(key), theirs.get(key)
        if one != two:
            found[key] = {"a": one, "b": two}
            less, more = _number(one), _number(two)
            if less is not None and more is not None:
                found[key]["difference"] = round(more - less, 10)  # without the noise of binary fractions
    return found


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _print(output: Output, facts: Mapping[str, Any]) -> None:
    for side in ("a", "b"):
        output.say(f"{side.upper()}: {facts[side]['release']} in {facts[side]['path']}")
    output.table(
        (Column("file"), Column("A, bytes", "right"), Column("B, bytes", "right"), Column("SHA-256")),
        [(name, _bytes(entry["a"]), _bytes(entry["b"]), _hashes(entry)) for name, entry in facts["files"].items()],
    )
    for section in ("parameters", "figures", "provenance"):
        _print_section(output, section, facts[section])
    if facts["features_interchangeable"]:
        output.say("features are interchangeable: the network is the same", "bold green")
    else:
        output.say(
            "features are not interchangeable: the networks differ, and a catalogue must be extracted anew",
            "bold yellow",
        )


def _print_section(output: Output, section: str, differing: Mapping[str, Mapping[str, Any]]) -> None:
    from steeple.cli.model_manifest import in_words

    if not differing:
        output.say(f"{section}: no difference")
        return
    output.table(
        (Column(section), Column("A"), Column("B"), Column("difference", "right")),
        [
            (
                name,
                in_words(entry["a"]),
                in_words(entry["b"]),
                f"{entry['difference']:+,.6g}" if "difference" in entry else "",
            )
            for name, entry in differing.items()
        ],
    )


def _bytes(file: Mapping[str, Any] | None) -> str:
    return "none" if file is None else f"{file['bytes']:,}"


def _hashes(entry: Mapping[str, Any]) -> Cell:
    if entry["same"]:
        return Cell("the same", "dim")
    return Cell(" and ".join(file["sha256"][:16] for file in (entry["a"], entry["b"]) if file is not None), "yellow")
