"""What a pack says in JSON: its manifest and its landmarks, written and read. What is read is not believed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from steeple.delf.features import MAX_FEATURES, MAX_SIDE
from steeple.delf.release import ExtractionParameters
from steeple.errors import FailedPreconditionError, InvalidArgumentError, PackError
from steeple.packs import layout
from steeple.packs.archive import MAX_MEMBERS
from steeple.packs.codebook import MAX_LISTS
from steeple.packs.records import (
    Member,
    PackFacts,
    PackLandmark,
    PackLocation,
    PackManifest,
    PackRegion,
    StoredImage,
)

_ID: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LONGEST_TEXT: Final = 10_000
_LONGEST_NAME: Final = 255
_MAX_ENTRIES: Final = 64
_MAX_COUNT: Final = 1 << 62
_MAX_LEVELS: Final = 64
_MAX_STRIDE: Final = 1024
_MAX_PIXELS: Final = 1 << 28


def is_id(value: str) -> bool:
    """Whether it is a well-formed id: 1 to 63 lower-case letters, digits and hyphens."""
    return _ID.fullmatch(value) is not None


def manifest_json(manifest: PackManifest) -> bytes:
    """``manifest.json``."""
    facts = manifest.facts
    return _written(
        {
            "format": layout.FORMAT,
            "format_version": layout.VERSION,
            "id": facts.id,
            "display_name": facts.display_name,
            "model": {"name": facts.model, "tflite_sha256": facts.tflite_sha256},
            "extraction": asdict(facts.extraction),
            "sequence": facts.sequence,
            "create_time": facts.create_time.astimezone(UTC).isoformat(timespec="microseconds"),
            "region": None
            if facts.region is None
            else {**asdict(facts.region.centre), "radius_meters": facts.region.radius_meters},
            "landmark_count": manifest.landmark_count,
            "image_count": manifest.image_count,
            "feature_count": manifest.feature_count,
            "lists": manifest.lists,
            "code_size": manifest.code_size,
            "exact": manifest.exact,
            "members": {
                name: {"bytes": member.size_bytes, "sha256": member.sha256} for name, member in manifest.members.items()
            },
        }
    )


def landmarks_json(landmarks: Sequence[PackLandmark], images: Mapping[str, Sequence[StoredImage]]) -> bytes:
    """``landmarks.json``: landmarks with their images, in order."""
    return _written(
        {
            "landmarks": [
                {
                    "id": landmark.id,
                    "display_name": landmark.display_name,
                    "description": landmark.description,
                    "location": None if landmark.location is None else asdict(landmark.location),
                    "aliases": {language: list(names) for language, names in landmark.aliases.items()},
                    "labels": list(landmark.labels),
                    "metadata": dict(landmark.metadata),
                    "images": [
                        {
                            "id": image.id,
                            "width": image.width,
                            "height": image.height,
                            "features": image.feature_count,
                        }
                        for image in images[landmark.id]
                    ],
                }
                for landmark in landmarks
            ]
        }
    )


def read_manifest(data: bytes, where: str) -> PackManifest:
    """The manifest of a pack.

    Args:
        data: ``manifest.json``.
        where: It was found, for messages.

    Raises:
        PackError: If it is none.
        FailedPreconditionError: If it is of a newer version.
    """
    top = _parsed(data, where)
    if top.value("format") != layout.FORMAT:
        raise PackError(f"{where} is not of format {layout.FORMAT!r}")
    version = top.count("format_version", 1)
    if version > layout.VERSION:
        raise FailedPreconditionError(
            f"{where} is of version {version} of the format, and this Steeple knows {layout.VERSION}; update the app, "
            "or make the pack with an older server"
        )
    model, region = top.object("model"), top.object_or_none("region")
    return PackManifest(
        facts=PackFacts(
            id=top.id("id"),
            display_name=top.text("display_name", 200, least=1),
            model=model.release("name"),
            tflite_sha256=model.sha256("tflite_sha256"),
            extraction=_extraction(top.object("extraction")),
            sequence=top.count("sequence"),
            create_time=top.time("create_time"),
            region=None if region is None else PackRegion(_location(region), region.number("radius_meters", 0, 1e9)),
        ),
        landmark_count=top.count("landmark_count", 0, layout.MAX_LANDMARKS),
        image_count=top.count("image_count", 0, layout.MAX_IMAGES),
        feature_count=top.count("feature_count"),
        lists=top.count("lists", 1, MAX_LISTS),
        code_size=top.count("code_size", 1),
        exact=top.flag("exact"),
        members=top.object("members").each_member(),
    )


def read_landmarks(data: bytes, where: str) -> tuple[dict[str, PackLandmark], list[StoredImage]]:
    """The landmarks of a pack by id, and their images.

    Args:
        data: ``landmarks.json``.
        where: It was found, for messages.

    Raises:
        PackError: If it is none.
    """
    landmarks: dict[str, PackLandmark] = {}
    images: list[StoredImage] = []
    for entry in _parsed(data, where).objects("landmarks", layout.MAX_LANDMARKS):
        landmark = _landmark(entry)
        if landmark.id in landmarks:
            raise PackError(f"{where}: landmark {landmark.id!r} is there twice")
        landmarks[landmark.id] = landmark
        for number, image in enumerate(entry.objects("images", layout.MAX_IMAGES_OF_LANDMARK)):
            images.append(
                StoredImage(
                    key=len(images),
                    landmark_id=landmark.id,
                    id=image.id("id"),
                    width=image.count("width", 1, MAX_SIDE),
                    height=image.count("height", 1, MAX_SIDE),
                    feature_count=image.count("features", 0, MAX_FEATURES),
                    pictured=number == 0,
                )
            )
        if len(images) > layout.MAX_IMAGES:
            raise PackError(f"{where}: there are more than {layout.MAX_IMAGES} images")
    return landmarks, images


def _landmark(entry: _Object) -> PackLandmark:
    location = entry.object_or_none("location")
    return PackLandmark(
        id=entry.id("id"),
        display_name=entry.text("display_name", 200, least=1),
        description=entry.text("description", _LONGEST_TEXT),
        location=None if location is None else _location(location),
        aliases=entry.object("aliases").each_texts(),
        labels=entry.texts("labels"),
        metadata=entry.object("metadata").each_text(),
    )


def _location(entry: _Object) -> PackLocation:
    return PackLocation(entry.number("latitude", -90, 90), entry.number("longitude", -180, 180))


def _extraction(entry: _Object) -> ExtractionParameters:
    scales = entry.numbers("pyramid_scales", _MAX_LEVELS)
    if not scales or not all(1e-3 <= scale <= 16 for scale in scales):
        raise entry.wrong("pyramid_scales", "numbers of 0.001 to 16")
    return ExtractionParameters(
        pyramid_scales=scales,
        stride=entry.count("stride", 1, _MAX_STRIDE),
        max_pixels=entry.count("max_pixels", 1, _MAX_PIXELS),
        max_features=entry.count("max_features", 1, MAX_FEATURES),
        score_threshold=entry.number("score_threshold", 0, 1e30),
        min_pixels=entry.count("min_pixels", 0, _MAX_PIXELS),
    )


def _written(document: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except ValueError as error:  # half a surrogate pair, or a number that is none
        raise InvalidArgumentError(f"a pack cannot say this in JSON: {error}") from error


def _parsed(data: bytes, where: str) -> _Object:
    try:
        document = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise PackError(f"{where} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise PackError(f"{where} is no JSON object")
    return _Object(document, where)


class _Object:
    """A JSON object whose values are asked for by name and type."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self._values = values
        self._where = where

    def wrong(self, name: str, wanted: str) -> PackError:
        """What is raised if a value is not what it should be."""
        return PackError(f"{self._where}: {name} must be {wanted}")

    def value(self, name: str) -> Any:  # noqa: ANN401 - what JSON holds
        return self._values.get(name)

    def object(self, name: str) -> _Object:
        value = self.value(name)
        if not isinstance(value, dict):
            raise self.wrong(name, "an object")
        return _Object(value, f"{self._where}: {name}")

    def object_or_none(self, name: str) -> _Object | None:
        return None if self.value(name) is None else self.object(name)

    def objects(self, name: str, most: int) -> Iterator[_Object]:
        for number, value in enumerate(self._list(name, most)):
            if not isinstance(value, dict):
                raise self.wrong(name, "a list of objects")
            yield _Object(value, f"{self._where}: {name}[{number}]")

    def text(self, name: str, most: int, *, least: int = 0) -> str:
        value = self.value(name)
        if not _is_text(value, most) or len(value) < least:
            raise self.wrong(name, f"a text of {least} to {most} characters")
        return str(value)

    def texts(self, name: str) -> tuple[str, ...]:
        values = self._list(name, _MAX_ENTRIES)
        if not all(_is_text(value, _LONGEST_NAME) for value in values):
            raise self.wrong(name, f"a list of texts of at most {_LONGEST_NAME} characters")
        return tuple(values)

    def each_text(self) -> dict[str, str]:
        """All of the object, which has texts."""
        self._bounded()
        return {name: self.text(name, _LONGEST_TEXT) for name in self._values}

    def each_texts(self) -> dict[str, tuple[str, ...]]:
        """All of the object, which has lists of texts."""
        self._bounded()
        return {name: self.texts(name) for name in self._values}

    def each_member(self) -> dict[str, Member]:
        """All of the object, which says what files there are."""
        if len(self._values) > MAX_MEMBERS:
            raise PackError(f"{self._where}: at most {MAX_MEMBERS} files are taken")
        entries = {name: self.object(name) for name in self._values}
        return {name: Member(entry.count("bytes"), entry.sha256("sha256")) for name, entry in entries.items()}

    def id(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str) or not is_id(value):
            raise self.wrong(name, "an id of lower-case letters, digits and hyphens")
        return value

    def release(self, name: str) -> str:
        value = self.text(name, _LONGEST_NAME, least=1)
        if "/" in value:
            raise self.wrong(name, "the name of a model release")
        return value

    def sha256(self, name: str) -> str:
        value = self.value(name)
        if not isinstance(value, str) or not _SHA256.fullmatch(value):
            raise self.wrong(name, "a SHA-256 in hexadecimal")
        return value

    def count(self, name: str, least: int = 0, most: int = _MAX_COUNT) -> int:
        value = self.value(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(name, f"a whole number of {least} to {most}")
        return value

    def number(self, name: str, least: float, most: float) -> float:
        value = self.value(name)
        # A comparison that is false of NaN, and of whole numbers that no float can have.
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(name, f"a number of {least} to {most}")
        return float(value)

    def numbers(self, name: str, most: int) -> tuple[float, ...]:
        values = self._list(name, most)
        if not all(isinstance(value, int | float) and abs(value) < _MAX_COUNT for value in values):
            raise self.wrong(name, "a list of numbers")
        return tuple(map(float, values))

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "true or false")
        return value

    def time(self, name: str) -> datetime:
        try:
            time = datetime.fromisoformat(self.text(name, 40))
            if time.tzinfo is not None:
                return time.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise self.wrong(name, "a time in ISO 8601 with an offset from UTC")

    def _list(self, name: str, most: int) -> list[Any]:
        value = self.value(name)
        if not isinstance(value, list) or len(value) > most:
            raise self.wrong(name, f"a list of at most {most}")
        return value

    def _bounded(self) -> None:
        if len(self._values) > _MAX_ENTRIES or not all(_is_text(name, _LONGEST_NAME) for name in self._values):
            raise PackError(f"{self._where}: at most {_MAX_ENTRIES} entries are taken")


def _is_text(value: object, most: int) -> bool:
    """Whether it is a text of at most ``most`` characters that can be shown and stored."""
    return isinstance(value, str) and len(value) <= most and not _SURROGATE.search(value)
