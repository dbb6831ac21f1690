"""Manifests: CSV or JSON lines, which say what photos show."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from steeple.errors import InvalidArgumentError, SteepleError
from steeple.server.importing.fields import LANDMARK_COLUMNS, PREFIXES, Entry, Said, canonical, check_columns, entry

_DELIMITERS: Final = (",", ";", "\t", "|")
_NESTED: Final = tuple(prefix.rstrip(".") for prefix in PREFIXES)


@dataclass(frozen=True)
class BadLine:
    """A line that cannot be used; the others can.

    Attributes:
        line: Its number, from 1; of several, the first.
        error: What is wrong with it.
    """

    line: int
    error: SteepleError


def is_json_lines(name: str, data: bytes) -> bool:
    """Whether a manifest is of JSON lines, by its name or, if that says nothing, its first character."""
    if name.lower().endswith((".jsonl", ".ndjson")):
        return True
    return not name.lower().endswith(".csv") and data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{"


def read_manifest(name: str, data: bytes) -> Iterator[Entry | BadLine]:
    """The lines of a manifest.

    Args:
        name: Of the file, for messages; ``.csv`` and ``.jsonl`` say what it is.
        data: Its content: UTF-8, with or without a byte order mark.

    Raises:
        InvalidArgumentError: Before the first line, if it is no such file, a column is unknown, or there are none;
            later, if a quote is not closed.
    """
    text = _decoded(name, data)
    return _json_lines(name, text) if is_json_lines(name, data) else _csv_lines(name, text)


def check_manifest(name: str, data: bytes) -> None:
    """Checks what can be said of a manifest without reading all of it: its coding and its columns.

    Raises:
        InvalidArgumentError: If they are wrong.
    """
    for first in read_manifest(name, data):
        if isinstance(first, BadLine) and is_json_lines(name, data):
            raise InvalidArgumentError(f"{name}, line {first.line}: {first.error.message}", field="manifest")
        return
    raise InvalidArgumentError(f"{name} is empty: it has no line about a photo or landmark", field="manifest")


def _decoded(name: str, data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidArgumentError(f"{name} is UTF-16; save it as UTF-8", field="manifest")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InvalidArgumentError(f"{name}, line {line}: not UTF-8; save it as UTF-8", field="manifest") from error


# CSV


def _csv_lines(name: str, text: str) -> Iterator[Entry | BadLine]:
    header, delimiter = _header(name, text)
    check_columns(header, f"{name}, line 1")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    before = 0
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InvalidArgumentError(
                f"{name}, line {before + 1}: not CSV as of RFC 4180: {error}; is a quote left open?", field="manifest"
            ) from error
        if row is None:
            return
        line, before = before + 1, reader.line_num
        if line == 1 or not any(cell.strip() for cell in row):
            continue
        try:
            if len(row) > len(header):
                raise InvalidArgumentError(
                    f"{len(row)} values for {len(header)} columns; put values with {delimiter!r} into quotes"
                )
            yield entry(line, _said(dict(zip(header, (cell.strip() for cell in row), strict=False))))
        except SteepleError as error:
            yield BadLine(line, error)


def _header(name: str, text: str) -> tuple[list[str], str]:
    """The columns, and the delimiter that makes most of them."""
    best: list[str] = []
    chosen = _DELIMITERS[0]
    for delimiter in _DELIMITERS:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        try:
            columns = [canonical(column) for column in next(reader, [])]
        except csv.Error:
            continue
        if len(columns) > len(best):
            best, chosen = columns, delimiter
    while best and not best[-1]:  # spreadsheets leave empty columns behind
        best.pop()
    if not best:
        raise InvalidArgumentError(f"{name}, line 1: the names of the columns are missing", field="manifest")
    return best, chosen


def _said(cells: Mapping[str, str]) -> Said:
    filled = {name: cell for name, cell in cells.items() if cell}
    below = {
        prefix: {name.removeprefix(prefix): cell for name, cell in filled.items() if name.startswith(prefix)}
        for prefix in PREFIXES
    }
    return Said(
        texts=filled,
        labels=filled.get("labels", "").replace(";", " ").split(),
        aliases={language: _names(cell) for language, cell in below["aliases."].items()},
        metadata=below["metadata."],
        landmark_metadata=below["landmark_metadata."],
    )


def _names(cell: str) -> list[str]:
    return [name.strip() for name in cell.split(";") if name.strip()]


# JSON lines


def _json_lines(name: str, text: str) -> Iterator[Entry | BadLine]:
    for line, one in enumerate(text.split("\n"), 1):
        if not one.strip():
            continue
        try:
            yield entry(line, _said_by_object(parse_object(one)))
        except SteepleError as error:
            yield BadLine(line, error)


def parse_object(text: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        InvalidArgumentError: If it is none, or has a name twice.
    """
    try:
        found = json.loads(text, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"not JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidArgumentError("a JSON object is expected: {...}")
    return found


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise InvalidArgumentError("a field is there twice; keep one")
    return dict(pairs)


def _said_by_object(fields: Mapping[str, Any]) -> Said:
    given = {canonical(name): value for name, value in fields.items() if value is not None}
    flat = [name for name in given if name not in _NESTED]
    check_columns(flat, "the object")
    below: dict[str, dict[str, Any]] = {}
    for name, prefix in zip(_NESTED, PREFIXES, strict=True):
        nested = given.get(name, {})
        if not isinstance(nested, dict):
            raise InvalidArgumentError(f"{name} must be an object", field=name)
        below[name] = {**nested, **{one.removeprefix(prefix): given[one] for one in flat if one.startswith(prefix)}}
    labels = given.get("labels", ())
    return Said(
        texts={name: _text(name, given[name]) for name in flat if name != "labels" and "." not in name},
        labels=labels.replace(";", " ").split() if isinstance(labels, str) else _texts("labels", labels),
        aliases={
            language: _names(names) if isinstance(names, str) else _texts("aliases", names)
            for language, names in below["aliases"].items()
        },
        metadata={key: _text("metadata", value) for key, value in below["metadata"].items()},
        landmark_metadata={key: _text("landmark_metadata", value) for key, value in below["landmark_metadata"].items()},
    )


def said_of_landmark(fields: Mapping[str, Any]) -> Said:
    """What ``landmark.json`` says: the fields of a landmark, ``metadata`` among them, and optionally its ``id``.

    Raises:
        InvalidArgumentError: If there is another field, or a value is not of its kind.
    """
    names = {"id": "landmark", "metadata": "landmark_metadata"}
    known = ("id", *LANDMARK_COLUMNS, "aliases", "metadata")
    unknown = sorted(fields.keys() - set(known))
    if unknown:
        raise InvalidArgumentError(f"there is no field {unknown[0][:80]!r}; those there are: {', '.join(known)}")
    renamed = {names.get(name, name): value for name, value in fields.items()}
    return _said_by_object({"landmark": "", **renamed})


def _texts(name: str, values: object) -> list[str]:
    if not isinstance(values, list | tuple) or not all(isinstance(value, str) for value in values):
        raise InvalidArgumentError(f"{name} must hold lists of texts, or texts", field=name)
    return list(values)


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} must be a text or a number", field=name)
    return value.strip()
