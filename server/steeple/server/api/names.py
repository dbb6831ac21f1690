"""Resource names: ``landmarks/{id}``, ``landmarks/{id}/images/{id}``, ``models/{id}``."""

from __future__ import annotations

from typing import Final

from steeple.errors import InvalidArgumentError
from steeple.server.api.status import FIELD
from steeple.server.catalogue.ids import check_id
from steeple.server.catalogue.limits import check_text

_DIGITS: Final = 9  # of a number that every database keeps
_KEY_DIGITS: Final = 18  # of a key of a row
_LONGEST_PATH: Final = 4096


def landmark_name(landmark_id: str) -> str:
    """``landmarks/{landmark_id}``."""
    return f"landmarks/{landmark_id}"


def image_name(landmark_id: str, image_id: str) -> str:
    """``landmarks/{landmark_id}/images/{image_id}``."""
    return f"landmarks/{landmark_id}/images/{image_id}"


def model_name(model: str) -> str:
    """``models/{model}``."""
    return f"models/{model}"


def parse_landmark(name: str, field: str = "name") -> str:
    """The id in ``landmarks/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "landmarks", "landmark", field)


def parse_image(name: str, field: str = "name") -> tuple[str, str]:
    """The two ids in ``landmarks/{id}/images/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    match name.split("/"):
        case ["landmarks", landmark_id, "images", image_id] if landmark_id and image_id:
            return check_id(landmark_id, field), check_id(image_id, field)
    raise _unparsed(name, "landmarks/{landmark}/images/{image}", field)


def parse_model(name: str, field: str = "name") -> str:
    """The release's name in ``models/{model}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    prefix, slash, model = name.partition("/")
    if prefix == "models" and slash and model:
        return model
    raise _unparsed(name, "models/{model}", field)


def parse_key(name: str, field: str = "name") -> str:
    """The id in ``keys/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "keys", "key", field)


def parse_person(name: str, field: str = "name") -> str:
    """The id in ``people/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "people", "person", field)


def parse_session(name: str, field: str = "name") -> tuple[str, str]:
    """The two ids in ``people/{id}/sessions/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    match name.split("/"):
        case ["people", person_id, "sessions", session_id] if person_id and session_id:
            return check_id(person_id, field), check_id(session_id, field)
    raise _unparsed(name, "people/{person}/sessions/{session}", field)


def parse_operation(name: str, field: str = "name") -> str:
    """The id in ``operations/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "operations", "operation", field)


def parse_query(name: str, field: str = "name") -> str:
    """The id in ``queries/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "queries", "query", field)


def parse_snapshot(name: str, field: str = "name") -> str:
    """The id in ``snapshots/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "snapshots", "snapshot", field)


def parse_pack(name: str, field: str = "name") -> str:
    """The id in ``packs/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "packs", "pack", field)


def parse_upload(name: str, field: str = "name") -> str:
    """The id in ``uploads/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "uploads", "upload", field)


def parse_view(name: str, field: str = "name") -> str:
    """The id in ``views/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "views", "view", field)


def parse_event(name: str, field: str = "name") -> int:
    """The number in ``auditEvents/{number}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    match name.split("/"):
        case ["auditEvents", number] if number.isascii() and number.isdecimal() and len(number) <= _KEY_DIGITS:
            return int(number)
    raise _unparsed(name, "auditEvents/{number}", field)


def parse_discovery(name: str, field: str = "name") -> str:
    """The id in ``discoveries/{id}``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    return _parse(name, "discoveries", "discovery", field)


def parse_part(name: str, collection: str, field: str = "name") -> tuple[str, int]:
    """The discovery's id and the number in ``discoveries/{id}/proposals/{number}``, or the same of ``photos``.

    Raises:
        InvalidArgumentError: If ``name``, the request's ``field``, does not read so.
    """
    match name.split("/"):
        case ["discoveries", discovery_id, part, number] if discovery_id and part == collection:
            if number.isascii() and number.isdecimal() and len(number) <= _DIGITS:
                return check_id(discovery_id, field), int(number)
    raise _unparsed(name, f"discoveries/{{discovery}}/{collection}/{{{collection.removesuffix('s')}}}", field)


def check_path(path: str, field: str) -> str:
    """``path``, which may be the name of a file or folder on some system: it has no NUL and at most 4096 characters.

    Raises:
        InvalidArgumentError: If it cannot be one.
    """
    check_text(path, field, _LONGEST_PATH)
    return path


def check_chosen_id(identifier: str, field: str) -> str:
    """``identifier``, which may be empty: the server chooses one then.

    Raises:
        InvalidArgumentError: If it breaks the rule for ids.
    """
    return check_id(identifier, field) if identifier else ""


def _parse(name: str, collection: str, kind: str, field: str) -> str:
    match name.split("/"):
        case [first, identifier] if first == collection and identifier:
            return check_id(identifier, field)
    raise _unparsed(name, f"{collection}/{{{kind}}}", field)


def _unparsed(name: str, pattern: str, field: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{field} must read {pattern}, not {name[:200]!r}", **{FIELD: field})
