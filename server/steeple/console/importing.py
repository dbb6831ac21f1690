"""Imports as pages show them, and archives made of the photos of a plain form."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from starlette.datastructures import UploadFile

from steeple.client import AsyncClient, Landmark, Operation, Upload
from steeple.console.rendering import ending
from steeple.errors import InvalidArgumentError, SteepleError

LOOKALIKES: Final[Mapping[str, str]] = {"ask": "report", "add": "none", "refuse": "refuse"}
"""What becomes of photos like those that are there, and the word of the API for it in an import."""

_LIKE: Final = re.compile(
    r"(?P<item>.*): (?P<kind>same photo|near-duplicate|other landmark), (?P<inliers>\d+) inliers: "
    r"(?P<other>landmarks/[^/ ]+/images/[^/ ;]+)(?:; added as (?P<image>landmarks/[^/ ]+/images/[^/ ]+))?",
    re.DOTALL,
)
_KINDS: Final = {
    "same photo": "The same file",
    "near-duplicate": "Nearly the same photo",
    "other landmark": "Looks like another landmark",
}
_FIGURES: Final = (
    ("photos_added", "photos added"),
    ("landmarks_created", "landmarks made"),
    ("landmarks_updated", "landmarks changed"),
    ("photos_there_already", "photos there already"),
    ("near_duplicates", "nearly the same as one there"),
    ("photos_like_other_landmarks", "like another landmark"),
    ("photos_of_other_landmarks_too", "the same file elsewhere too"),
    ("failed", "not usable"),
    ("files_passed_over", "files that are no photos"),
)
_PIECE: Final = 4 << 20
_IN_MEMORY: Final = 8 << 20
_waiting: Final[set[asyncio.Task[None]]] = set()
_PHOTO_ENDINGS: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Like:
    """A photo of an import that is like one that was there.

    Attributes:
        item: Its file.
        kind: In words.
        inliers: Features that agree.
        image: What it became; empty: that is not known.
        other: What it is like.
    """

    item: str
    kind: str
    inliers: int
    image: str
    other: str

    @property
    def landmark(self) -> str:
        """Id of what it was added to."""
        return _landmark_of(self.image)

    @property
    def other_landmark(self) -> str:
        """Id of what the other shows."""
        return _landmark_of(self.other)


def lookalikes(operation: Operation) -> list[Like]:
    """Those that an import tells of: its first twenty."""
    found = (_LIKE.fullmatch(line) for line in operation.results.get("duplicates", "").splitlines())
    return [
        Like(each["item"], _KINDS[each["kind"]], int(each["inliers"]), each["image"] or "", each["other"])
        for each in found
        if each is not None
    ]


def figures(operation: Operation) -> list[tuple[str, int]]:
    """What came of an import, what is nothing left out."""
    found = [(words, int(operation.results.get(key) or 0)) for key, words in _FIGURES]
    return [(words, count) for words, count in found if count]


def summary(operation: Operation) -> str:
    """The same in a few words."""
    added = int(operation.results.get("photos_added") or 0)
    made = int(operation.results.get("landmarks_created") or 0)
    if not added:
        return "No photo was added"
    more = f", {ending(made, 'landmark')} made" if made else ""
    return f"{ending(added, 'photo')} added{more}"


def is_archive(file_name: str) -> bool:
    """Whether a file is to be taken as an archive."""
    return file_name.lower().endswith(".zip")


def is_photo(file_name: str) -> bool:
    """Whether a file is to be taken as a photo."""
    name = PurePosixPath(file_name.replace("\\", "/")).name
    return name.lower().endswith(_PHOTO_ENDINGS) and not name.startswith(".")


async def pack(files: Sequence[UploadFile], landmark: Landmark | None = None) -> IO[bytes]:
    """An archive of photos as an import takes it.

    Args:
        files: With the paths that the browser gave them as names.
        landmark: That all of them show; None: their folders say.

    Raises:
        InvalidArgumentError: If there are no photos.
    """
    photos = [file for file in files if is_photo(file.filename or "")]
    if not photos:
        raise InvalidArgumentError("There are no photos among these files (.jpg, .png, .webp, .bmp).", field="files")
    archive = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the caller's to close
    taken: set[str] = set()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
        if landmark is not None:
            packed.writestr(f"{landmark.id}/landmark.json", json.dumps({"id": landmark.id}))
        for number, file in enumerate(photos):
            path = _inner(file.filename or "", flat=landmark is not None)
            if path in taken:
                path = f"{path.rpartition('/')[0]}/{number}-{path.rpartition('/')[2]}".lstrip("/")
            taken.add(path)
            with packed.open(f"{landmark.id}/{path}" if landmark is not None else path, "w") as member:
                while data := await file.read(_PIECE):
                    member.write(data)
    archive.seek(0)
    return archive


async def send(client: AsyncClient, file: IO[bytes] | UploadFile, name: str, size: int) -> Upload:
    """Brings a file to the server; it is at its beginning."""
    upload = await client.create_upload(name[-255:] or "photos.zip", size)
    offset = 0
    while not upload.complete:
        data = await file.read(_PIECE) if isinstance(file, UploadFile) else file.read(_PIECE)
        if not data:
            raise InvalidArgumentError("The file is shorter than it said; send it again.", field="files")
        upload = await client.write_upload(upload, offset, data)
        offset += len(data)
    return upload


def delete_when_done(client: AsyncClient, upload: str, operation: Operation) -> None:
    """Deletes an upload as soon as an operation has taken what it needs; else it lies about for a week.

    Args:
        client: Of whoever began it.
        upload: Id or name.
        operation: That reads it. While it may still be resumed, the upload stays.
    """

    async def wait_and_delete() -> None:
        with suppress(SteepleError):  # then it goes by itself
            await client.wait_operation(operation)
            await client.delete_upload(upload)

    task = asyncio.create_task(wait_and_delete())
    _waiting.add(task)  # the event loop itself does not hold on to it
    task.add_done_callback(_waiting.discard)


def _inner(file_name: str, *, flat: bool) -> str:
    """A path that leads nowhere else, of the name that a browser gave a file."""
    parts = [part for part in file_name.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return parts[-1] if flat else "/".join(parts)


def _landmark_of(image: str) -> str:
    return image.partition("/images/")[0].removeprefix("landmarks/")
