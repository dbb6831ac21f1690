"""The form of a landmark: what somebody typed, what it means, and what others have changed meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from starlette.datastructures import FormData

from steeple.client import Landmark, LatLng
from steeple.console.web_map import words

FIELDS: Final[Mapping[str, str]] = {
    "display_name": "Name",
    "description": "Description",
    "location": "Place",
    "aliases": "Other names",
    "labels": "Labels",
    "metadata": "Metadata",
    "active": "Active",
}
"""Titles of what can be edited."""

_NUMBER: Final = r"([+-]?[0-9]{1,3}(?:\.[0-9]{1,20})?)\s*°?\s*"
_PLACE: Final = re.compile(_NUMBER + r"([NSns]?)\s*[,; ]\s*" + _NUMBER + r"([EWew]?)")
_MORE_ROWS: Final = 2  # that are empty, for more entries


@dataclass(frozen=True)
class LandmarkForm:
    """What a form of a landmark holds, as it was typed.

    Attributes:
        display_name: What people call it.
        description: A sentence or two.
        location: Latitude and longitude.
        aliases: A line for each name: ``fr: Tour Eiffel``.
        labels: With spaces between them.
        metadata: Keys and values.
        active: Whether searches find it.
    """

    display_name: str = ""
    description: str = ""
    location: str = ""
    aliases: str = ""
    labels: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    active: bool = True

    @classmethod
    def of(cls, landmark: Landmark) -> LandmarkForm:
        """As a landmark is."""
        return cls(
            display_name=landmark.display_name,
            description=_lines(landmark.description).strip(),
            location=place_text(landmark.location),
            aliases="\n".join(
                f"{language}: {name}" for language, names in sorted(landmark.aliases.items()) for name in names
            ),
            labels=" ".join(landmark.labels),
            metadata=metadata_rows(landmark.metadata),
            active=landmark.active,
        )

    @classmethod
    def sent(cls, form: FormData) -> LandmarkForm:
        """As a browser sent it."""

        def text(name: str) -> str:
            value = form.get(name)
            return _lines(value).strip() if isinstance(value, str) else ""

        return cls(
            display_name=text("display_name"),
            description=text("description"),
            location=text("location"),
            aliases=text("aliases"),
            labels=text("labels"),
            metadata=metadata_sent(form),
            active=text("active") == "yes",
        )

    @classmethod
    def packed(cls, text: str) -> LandmarkForm | None:
        """What :meth:`pack` made; None if it did not make this."""
        try:
            facts = json.loads(text)
            return cls(**{**facts, "metadata": tuple((str(key), str(value)) for key, value in facts["metadata"])})
        except (ValueError, TypeError, KeyError):
            return None

    def pack(self) -> str:
        """All of it as one text, so that a form remembers what somebody saw who began to edit."""
        return json.dumps({**self.__dict__, "metadata": [list(entry) for entry in self.metadata]}, ensure_ascii=False)

    def rows(self) -> list[tuple[str, str]]:
        """Of metadata, with empty ones for more."""
        return [*self.metadata, *[("", "")] * _MORE_ROWS]


@dataclass(frozen=True)
class Reading:
    """What a form means.

    Attributes:
        values: Arguments of ``create_landmark``, and ``update_landmark``, by name.
        problems: What cannot be understood, by field.
    """

    values: Mapping[str, Any]
    problems: Mapping[str, str] = field(default_factory=dict)


def read(form: LandmarkForm) -> Reading:
    """What it means. The server checks the rest."""
    problems: dict[str, str] = {}
    values: dict[str, Any] = {
        "display_name": form.display_name,
        "description": form.description,
        "active": form.active,
        "labels": labels_of(form.labels),
    }
    if not form.display_name:
        problems["display_name"] = "Give it a name: what people call it."
    for name, reader in (("location", read_place), ("aliases", _read_aliases)):
        try:
            values[name] = reader(getattr(form, name))
        except ValueError as error:
            problems[name] = str(error)
    try:
        values["metadata"] = read_metadata(form.metadata)
    except ValueError as error:
        problems["metadata"] = str(error)
    return Reading(values, problems)


def changed(form: LandmarkForm, since: LandmarkForm) -> list[str]:
    """Fields that are other than they were."""
    return [name for name in FIELDS if getattr(form, name) != getattr(since, name)]


def merged(mine: LandmarkForm, theirs: LandmarkForm, before: LandmarkForm) -> LandmarkForm:
    """What I changed as I have it, all else as others have it."""
    return replace(theirs, **{name: getattr(mine, name) for name in changed(mine, before)})


@dataclass(frozen=True)
class Difference:
    """A field that somebody has changed meanwhile, or I have.

    Attributes:
        title: Of the field.
        before: As it was when I began.
        theirs: As it is now.
        mine: As I typed it.
        both: Whether both of us changed it, to something else.
    """

    title: str
    before: str
    theirs: str
    mine: str
    both: bool


def differences(mine: LandmarkForm, theirs: LandmarkForm, before: LandmarkForm) -> list[Difference]:
    """What two people made of one landmark, field by field."""
    my_fields, their_fields = changed(mine, before), changed(theirs, before)
    return [
        Difference(
            title,
            _told(before, name),
            _told(theirs, name),
            _told(mine, name),
            name in my_fields and name in their_fields and getattr(mine, name) != getattr(theirs, name),
        )
        for name, title in FIELDS.items()
        if name in my_fields or name in their_fields
    ]


def metadata_rows(metadata: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """As a form has them."""
    return tuple(sorted((key.strip(), _lines(value).strip()) for key, value in metadata.items()))


def metadata_sent(form: FormData) -> tuple[tuple[str, str], ...]:
    """Rows of metadata that somebody has filled in."""
    columns: list[Sequence[str]] = [
        [value if isinstance(value, str) else "" for value in form.getlist(name)]
        for name in ("metadata_key", "metadata_value")
    ]
    rows = [(key.strip(), _lines(value).strip()) for key, value in zip(*columns, strict=False)]
    return tuple(sorted(row for row in rows if any(row)))


def read_metadata(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Of rows.

    Raises:
        ValueError: If a row has no key, or a key is there twice.
    """
    found: dict[str, str] = {}
    for key, value in rows:
        if not key:
            raise ValueError(f"“{value[:40]}” has no key: say what it is.")
        if key in found:
            raise ValueError(f"“{key[:40]}” is there twice: give it once.")
        found[key] = value
    return found


def labels_of(text: str) -> list[str]:
    """Words with spaces or commas between them."""
    return list(dict.fromkeys(word for word in re.split(r"[\s,]+", text) if word))


def read_place(text: str) -> LatLng | None:
    """Latitude and longitude, as maps and people write them: ``48.8583, 2.2945``; None if it is empty.

    Raises:
        ValueError: If it is something else.
    """
    if not text.strip():
        return None
    match = _PLACE.fullmatch(text.strip())
    if match is None:
        raise ValueError("Give latitude and longitude in degrees, such as 48.8583, 2.2945, or choose it on the map.")
    latitude = float(match[1]) * (-1 if match[2].upper() == "S" else 1)
    longitude = float(match[3]) * (-1 if match[4].upper() == "W" else 1)
    if abs(latitude) > 90:
        raise ValueError(f"The latitude comes first and is -90 to 90 degrees, not {latitude:g}.")
    if abs(longitude) > 180:
        raise ValueError(f"The longitude is -180 to 180 degrees, not {longitude:g}.")
    return LatLng(latitude, longitude)


def place_text(place: LatLng | None) -> str:
    """What :func:`read_place` reads, to less than a millimetre."""
    if place is None:
        return ""
    return ", ".join(f"{value:.9f}".rstrip("0").rstrip(".") for value in (place.latitude, place.longitude))


def _read_aliases(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        language, colon, name = line.partition(":")
        if not colon or not language.strip() or not name.strip() or " " in language.strip():
            raise ValueError(
                f"“{line.strip()[:60]}” does not say in which language: write “fr: {line.strip()[:40]}” for French."
            )
        names = found.setdefault(language.strip(), [])
        if name.strip() not in names:
            names.append(name.strip())
    return found


def _lines(text: str) -> str:
    """With the ends of lines that catalogues have, not those that browsers send."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _told(form: LandmarkForm, name: str) -> str:
    match getattr(form, name):
        case bool() as active:
            return "yes" if active else "no"
        case tuple() as entries:
            return "\n".join(f"{key} = {value}" for key, value in entries)
        case text if name == "location":
            try:
                place = read_place(text)
            except ValueError:
                return str(text)
            return "" if place is None else words(place)
        case text:
            return str(text)
