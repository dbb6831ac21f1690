"""What an import is going to do, in the order in which it does it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from steeple.delf.durable import replacing
from steeple.errors import DataLossError, InvalidArgumentError, SteepleError, error_class
from steeple.server.catalogue import LatLng
from steeple.server.importing.fields import LandmarkFields


@dataclass(frozen=True)
class PlannedLandmark:
    """A landmark that photos are added to.

    Attributes:
        id: Of the landmark.
        name: What a new one is called, if ``fields`` do not say.
        fields: What is said of it.
    """

    id: str
    name: str
    fields: LandmarkFields


@dataclass(frozen=True)
class PlannedPhoto:
    """A photo to add.

    Attributes:
        item: What reports call it: its file and, of a manifest, the line.
        file: In the source.
        landmark_id: What it shows.
        image_id: Empty: made from the photo's hash.
        metadata: Of the reference image.
    """

    item: str
    file: str
    landmark_id: str
    image_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """All of an import.

    Attributes:
        landmarks: By id.
        photos: In the order in which they are added.
        problems: What cannot be used, and why.
        passed_over: Files that are no photos, and photos that are not for the catalogue.
    """

    landmarks: Sequence[PlannedLandmark]
    photos: Sequence[PlannedPhoto]
    problems: Sequence[tuple[str, SteepleError]] = ()
    passed_over: int = 0

    def save(self, path: Path) -> None:
        """Writes the plan, so that it is there whole or not at all."""
        with replacing(path) as file:
            for kind, lines in self._lines().items():
                for line in lines:
                    file.write(json.dumps([kind, line]).encode("ascii") + b"\n")

    @staticmethod
    def load(path: Path) -> Plan:
        """What :meth:`save` wrote.

        Raises:
            DataLossError: If it cannot be read.
        """
        read: dict[str, list[Any]] = {"landmark": [], "photo": [], "problem": [], "passed_over": []}
        try:
            with path.open(encoding="ascii") as file:
                for line in file:
                    kind, content = json.loads(line)
                    read[kind].append(content)
            return Plan(
                [PlannedLandmark(one["id"], one["name"], _fields(one["fields"])) for one in read["landmark"]],
                [PlannedPhoto(**one) for one in read["photo"]],
                [(item, error_class(status)(message)) for item, status, message in read["problem"]],
                sum(read["passed_over"]),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataLossError(f"the plan of the import is damaged: {error}; begin the import anew") from error

    def _lines(self) -> Mapping[str, Sequence[Any]]:
        return {
            "landmark": [{"id": one.id, "name": one.name, "fields": asdict(one.fields)} for one in self.landmarks],
            "photo": [asdict(one) for one in self.photos],
            "problem": [[item, error.status, error.message] for item, error in self.problems],
            "passed_over": [self.passed_over],
        }


class Collected:
    """A plan in the making."""

    def __init__(self) -> None:
        self._landmarks: dict[str, PlannedLandmark] = {}
        self._photos: list[PlannedPhoto] = []
        self._problems: list[tuple[str, SteepleError]] = []
        self.passed_over = 0

    def landmark(self, landmark_id: str, name: str, fields: LandmarkFields) -> None:
        """Says something of a landmark, perhaps again.

        Raises:
            InvalidArgumentError: If it contradicts what was said before.
        """
        before = self._landmarks.get(landmark_id)
        if before is not None:
            name, fields = before.name or name, before.fields.joined(fields)
        self._landmarks[landmark_id] = PlannedLandmark(landmark_id, name, fields)

    def photo(self, photo: PlannedPhoto) -> None:
        """Adds a photo, after the others."""
        self._photos.append(photo)

    def problem(self, item: str, error: SteepleError) -> None:
        """Keeps what cannot be used."""
        self._problems.append((item, error))

    def plan(self) -> Plan:
        """All of it.

        Raises:
            InvalidArgumentError: If there is nothing in it.
        """
        if not (self._landmarks or self._photos or self._problems):
            raise InvalidArgumentError(
                "there is nothing to import: one folder of photos a landmark is expected, or a manifest.csv or "
                "manifest.jsonl beside the photos"
            )
        landmarks = [self._landmarks[landmark_id] for landmark_id in sorted(self._landmarks)]
        return Plan(landmarks, self._photos, self._problems, self.passed_over)


def _fields(content: Mapping[str, Any]) -> LandmarkFields:
    location = content["location"]
    return LandmarkFields(
        **{
            **content,
            "location": None if location is None else LatLng(**location),
            "labels": tuple(content["labels"]),
        }
    )
