"""How photos lie: one folder a landmark, or beside a manifest that says what they show."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from steeple.delf.photo_files import SUFFIXES
from steeple.errors import InvalidArgumentError, NotFoundError, SteepleError
from steeple.server.catalogue.ids import check_id
from steeple.server.importing.fields import LandmarkFields, landmark_fields, landmark_of
from steeple.server.importing.manifest import (
    BadLine,
    check_manifest,
    parse_object,
    read_manifest,
    said_of_landmark,
)
from steeple.server.importing.plan import Collected, Plan, PlannedPhoto
from steeple.server.importing.sources import Names, Source

MANIFESTS: Final = ("manifest.csv", "manifest.jsonl")
"""Names of a manifest that is found without being named."""

LANDMARK_FILE: Final = "landmark.json"
"""In the folder of a landmark: what there is to say of it."""

_NO_LANDMARK: Final = "_"


def check_layout(source: Source, manifest: str) -> None:
    """Checks what can be said of a source without reading all of it.

    Raises:
        InvalidArgumentError: If its manifest, or that it has one, is wrong.
        NotFoundError: If there is no manifest of that name.
    """
    names = source.names()
    found = _manifest(names, manifest)
    if found:
        check_manifest(found, source.read(found))
    elif not any(_is_photo(name) or name.endswith(LANDMARK_FILE) for name in names):
        Collected().plan()  # says what is expected


def plan_import(source: Source, manifest: str) -> Plan:
    """What is to be imported from a source.

    Args:
        source: The files.
        manifest: Name of the manifest; empty: one of :data:`MANIFESTS`, or none.

    Raises:
        InvalidArgumentError: If there is nothing to import, or the manifest is none.
        NotFoundError: If there is no manifest of that name.
    """
    names, collected = source.names(), Collected()
    found = _manifest(names, manifest)
    if found:
        _from_manifest(source, names, found, collected)
    else:
        _from_folders(source, names, collected)
    return collected.plan()


def _manifest(names: Sequence[str], manifest: str) -> str:
    """Name of the manifest; empty if there is none."""
    if manifest:
        try:
            return Names(names).find(manifest)
        except NotFoundError as error:
            raise NotFoundError(f"there is no manifest {manifest[:200]!r} in what is imported") from error
        except InvalidArgumentError as error:
            raise InvalidArgumentError(
                f"manifest must name a file in what is imported, such as manifest.csv, not {manifest[:200]!r}",
                field="manifest",
            ) from error
    prefix = _wrapper(names)
    found = [prefix + name for name in MANIFESTS if prefix + name in set(names)]
    if len(found) > 1:
        raise InvalidArgumentError(f"there are {' and '.join(found)}; say which is the manifest", field="manifest")
    return found[0] if found else ""


def _from_manifest(source: Source, names: Sequence[str], manifest: str, collected: Collected) -> None:
    folder = manifest.rpartition("/")[0]
    prefix = f"{folder}/" if folder else ""
    beside = Names([name.removeprefix(prefix) for name in names if name.startswith(prefix)])
    base = manifest.rpartition("/")[2]
    for line in read_manifest(base, source.read(manifest)):
        item = f"{base}, line {line.line}"
        if isinstance(line, BadLine):
            collected.problem(item, line.error)
            continue
        if not line.reference:
            collected.passed_over += 1
            continue
        item += f": {line.photo}" if line.photo else ""
        try:
            file = prefix + beside.find(line.photo) if line.photo else ""
            collected.landmark(line.landmark_id, line.name, line.landmark)
        except SteepleError as error:
            collected.problem(item, error)
            continue
        if file:
            collected.photo(PlannedPhoto(item, file, line.landmark_id, line.image_id, line.metadata))


def _from_folders(source: Source, names: Sequence[str], collected: Collected) -> None:
    prefix = _wrapper(names)
    below = [name.removeprefix(prefix) for name in names]
    folders: dict[str, str] = {}  # by the id of their landmark
    for folder, files in itertools.groupby(below, lambda name: name.partition("/")[0] if "/" in name else ""):
        inside = list(files)
        photos = [name for name in inside if _is_photo(name)]
        described = f"{folder}/{LANDMARK_FILE}" in inside
        if not folder:
            for name in photos:
                collected.problem(
                    name, InvalidArgumentError("lies in no folder of a landmark; put it into one, or add a manifest")
                )
        if not folder or folder.startswith(_NO_LANDMARK) or not (photos or described):
            collected.passed_over += len(inside) - (0 if folder else len(photos))
            continue
        collected.passed_over += len(inside) - len(photos) - described
        try:
            file = f"{prefix}{folder}/{LANDMARK_FILE}" if described else ""
            landmark_id, name, fields = _landmark(source, folder, file)
            if landmark_id in folders:
                raise InvalidArgumentError(
                    f"this folder and {folders[landmark_id]!r} are both landmarks/{landmark_id}; rename one, or put "
                    f'{LANDMARK_FILE} with {{"id": "..."}} into it'
                )
            collected.landmark(landmark_id, name, fields)
        except SteepleError as error:
            left_out = f"; its {len(photos)} photos are left out" if photos else ""
            collected.problem(f"{folder}/", type(error)(error.message + left_out))
            continue
        folders[landmark_id] = folder
        for photo in photos:
            collected.photo(PlannedPhoto(photo, prefix + photo, landmark_id))


def _landmark(source: Source, folder: str, file: str) -> tuple[str, str, LandmarkFields]:
    """Id, name and fields of the landmark of a folder."""
    if not file:
        landmark_id, name = landmark_of(folder)
        return landmark_id, name, LandmarkFields()
    try:
        said = said_of_landmark(parse_object(source.read(file).decode("utf-8-sig")))
        landmark_id = said.texts["landmark"]
        if landmark_id:
            check_id(landmark_id, "id")
            name = folder
        else:
            landmark_id, name = landmark_of(folder)
        return landmark_id, name, landmark_fields(said, name or landmark_id)
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"{LANDMARK_FILE} is not UTF-8") from error
    except SteepleError as error:
        raise type(error)(f"{LANDMARK_FILE}: {error.message}") from error


def _wrapper(names: Sequence[str]) -> str:
    """The folder that holds everything, with ``/`` after it, where an archive was made of a folder; else empty.

    A folder with photos right in it is a landmark's, even if it is the only one.
    """
    prefix = ""
    while True:
        below = [name.removeprefix(prefix) for name in names]
        tops = {name.partition("/")[0] for name in below}
        if len(tops) != 1 or any("/" not in name for name in below):
            return prefix
        inside = [name.partition("/")[2] for name in below]
        direct = [name for name in inside if "/" not in name]
        if any(_is_photo(name) or name == LANDMARK_FILE for name in direct):
            return prefix + f"{tops.pop()}/" if any(name in MANIFESTS for name in direct) else prefix
        prefix += f"{tops.pop()}/"


def _is_photo(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)
