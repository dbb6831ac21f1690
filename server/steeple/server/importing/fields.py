"""What a line of a manifest, or the file of a landmark, says: names of fields, and their checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import LandmarkDraft, LatLng
from steeple.server.catalogue.ids import check_id, slug
from steeple.server.catalogue.limits import check_metadata, checked_landmark_draft

PHOTO_NAMES: Final = ("photo", "file", "path")
"""Names of the column of the photo's file; any one of them."""

LANDMARK_COLUMNS: Final = ("display_name", "description", "latitude", "longitude", "labels", "active")
KNOWN: Final = ("photo", "landmark", "image_id", *LANDMARK_COLUMNS, "role", "tier")
PREFIXES: Final = ("aliases.", "metadata.", "landmark_metadata.")
"""Of columns of which there may be several: by language, and by key."""

_REFERENCE: Final = "reference"
_ROLES: Final = (_REFERENCE, "query", "distractor", "filler")
_TRUE: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class LandmarkFields:
    """What is said of a landmark; what is None or empty is not said.

    Attributes:
        display_name: What people call it.
        description: For the person who asked.
        location: Where it stands.
        aliases: Other names by language.
        labels: For filters.
        metadata: The application's own data.
        active: Whether searches find it.
    """

    display_name: str = ""
    description: str = ""
    location: LatLng | None = None
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    labels: Sequence[str] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    active: bool | None = None

    def given(self) -> dict[str, Any]:
        """What is said, by field."""
        pairs = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in pairs.items() if value not in (None, "", (), {}, [])}

    def draft(self, name: str) -> LandmarkDraft:
        """A new landmark, which is called ``name`` if nothing else is said."""
        return LandmarkDraft(**{"display_name": name, **self.given()})

    def joined(self, other: LandmarkFields) -> LandmarkFields:
        """With what ``other`` says besides.

        Raises:
            InvalidArgumentError: If the two contradict each other.
        """
        ours, theirs = self.given(), other.given()
        for name in sorted(ours.keys() & theirs.keys()):
            if ours[name] != theirs[name]:
                raise InvalidArgumentError(
                    f"{name} is {_shown(theirs[name])} here and {_shown(ours[name])} before; say the same in all lines "
                    "of a landmark, or say it in one",
                    field=name,
                )
        return LandmarkFields(**{**ours, **theirs})


@dataclass(frozen=True)
class Entry:
    """A line of a manifest: a photo of a landmark, or a landmark alone.

    Attributes:
        line: Its number, from 1; of several, the first.
        photo: File, as the manifest names it; empty if there is none.
        landmark_id: What it shows.
        landmark: What is said of that.
        name: As the line calls the landmark, if not by its id: it is called so if nothing says otherwise.
        image_id: To give it; empty: made from the photo's hash.
        metadata: Of the reference image.
        reference: Whether it is for the catalogue: in data sets, other photos ask for what is there.
    """

    line: int
    photo: str
    landmark_id: str
    landmark: LandmarkFields
    name: str = ""
    image_id: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    reference: bool = True


@dataclass(frozen=True)
class Said:
    """The values of a line, by column, before they are checked.

    Attributes:
        texts: Of the columns of :data:`KNOWN`.
        labels: Words.
        aliases: Names by language.
        metadata: Of the photo.
        landmark_metadata: Of the landmark.
    """

    texts: Mapping[str, str]
    labels: Sequence[str] = ()
    aliases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    landmark_metadata: Mapping[str, str] = field(default_factory=dict)


def check_columns(names: Sequence[str], where: str) -> None:
    """Checks that all columns are known, each is there once, and the landmark is there.

    Raises:
        InvalidArgumentError: If not; it names the culprit.
    """
    for name in names:
        known = name in KNOWN or any(name.startswith(prefix) and name != prefix for prefix in PREFIXES)
        if not known:
            raise InvalidArgumentError(
                f"{where}: there is no column {name[:80]!r}; those there are: {', '.join(KNOWN)}, aliases.LANGUAGE, "
                "metadata.KEY and landmark_metadata.KEY",
                field="manifest",
            )
        if names.count(name) > 1:
            raise InvalidArgumentError(f"{where}: the column {name!r} is there twice; keep one", field="manifest")
    if "landmark" not in names:
        raise InvalidArgumentError(
            f"{where}: the column 'landmark' is missing: it holds each photo's landmark, by id or name",
            field="manifest",
        )


def canonical(name: str) -> str:
    """The one name of a column that has several."""
    name = name.strip()
    return "photo" if name in PHOTO_NAMES else name


def entry(line: int, said: Said) -> Entry:
    """A line, checked.

    Raises:
        InvalidArgumentError: If a field is out of bounds; the text says which.
    """
    text = said.texts.get
    photo, role = text("photo", ""), text("role", "")
    if role and role not in _ROLES:
        raise InvalidArgumentError(f"role must be one of {', '.join(_ROLES)} or empty, not {role[:40]!r}", field="role")
    if role not in ("", _REFERENCE):
        return Entry(line, photo, "", LandmarkFields(), reference=False)
    landmark_id, name = landmark_of(text("landmark", ""))
    landmark = landmark_fields(said, name or landmark_id)
    image_id = text("image_id", "")
    if not photo and (image_id or said.metadata):
        raise InvalidArgumentError("image_id and metadata are of a photo, and the line has none", field="photo")
    if image_id:
        check_id(image_id, "image_id")
    check_metadata(said.metadata)
    return Entry(line, photo, landmark_id, landmark, name, image_id, dict(said.metadata))


def landmark_of(written: str) -> tuple[str, str]:
    """Id of a landmark that is given by id or name, and the name if it was one.

    Raises:
        InvalidArgumentError: If no id can be made from it.
    """
    if not written.strip():
        raise InvalidArgumentError("landmark is empty: give the landmark's id or name", field="landmark")
    landmark_id = slug(written)
    if not landmark_id:
        raise InvalidArgumentError(
            f"no id can be made from {written[:80]!r}, which has no Latin letter or digit: give an id, and the name as "
            "display_name",
            field="landmark",
        )
    return landmark_id, "" if landmark_id == written else written


def landmark_fields(said: Said, name: str) -> LandmarkFields:
    """What is said of a landmark, checked and in the form in which it is kept, so that what is the same compares so.

    Args:
        said: The values.
        name: What it is called if they do not say.

    Raises:
        InvalidArgumentError: If a field is out of bounds; the text says which.
    """
    text = said.texts.get
    active = text("active", "").lower()
    if active and active not in _TRUE:
        raise InvalidArgumentError(f"active must be true or false, not {active[:40]!r}", field="active")
    location = _location(text("latitude", ""), text("longitude", ""))
    draft = checked_landmark_draft(
        LandmarkDraft(
            display_name=text("display_name", "") or name,
            description=text("description", ""),
            location=location,
            metadata=dict(said.landmark_metadata),
            aliases=said.aliases,
            labels=said.labels,
        )
    )
    return LandmarkFields(
        display_name=text("display_name", ""),
        description=draft.description,
        location=location,
        aliases=draft.aliases,
        labels=tuple(draft.labels),
        metadata=draft.metadata,
        active=_TRUE[active] if active else None,
    )


def _location(latitude: str, longitude: str) -> LatLng | None:
    if not (latitude or longitude):
        return None
    if not (latitude and longitude):
        raise InvalidArgumentError("latitude and longitude go together: give both or neither", field="location")
    try:
        return LatLng(float(latitude), float(longitude))
    except ValueError:
        raise InvalidArgumentError(
            f"latitude and longitude must be degrees such as 48.8867, not {latitude[:40]!r} and {longitude[:40]!r}",
            field="location",
        ) from None


def _shown(value: object) -> str:
    return repr(value)[:80]
