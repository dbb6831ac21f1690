"""What the catalogue takes: lengths, ranges and counts, as the contract states them."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from steeple.errors import FeatureSetError, InvalidArgumentError
from steeple.server.catalogue.records import ImageDraft, LandmarkDraft, LatLng

MAX_DISPLAY_NAME: Final = 200
MAX_DESCRIPTION: Final = 10_000
MAX_METADATA_ENTRIES: Final = 64
MAX_METADATA_KEY: Final = 64
MAX_METADATA_VALUE: Final = 4096
MAX_LANGUAGES: Final = 64
MAX_ALIASES: Final = 20
MAX_LABELS: Final = 64

_SHA256: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LANGUAGE: Final = re.compile(
    r"[a-z]{2,8}(-[a-z]{4})?(-([a-z]{2}|[0-9]{3}))?(-([a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*", re.ASCII | re.IGNORECASE
)
_LABEL: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_CAPTURE_TIME: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([+-]\d{2}:\d{2})?", re.ASCII)
_MAX_NAME: Final = 255  # of a model release or a media type


def checked_landmark_draft(draft: LandmarkDraft) -> LandmarkDraft:
    """A new landmark, all of it checked, with aliases and labels in the form in which they are kept.

    Raises:
        InvalidArgumentError: If a field is out of bounds; its metadata ``field`` says which.
    """
    check_display_name(draft.display_name)
    check_description(draft.description)
    check_location(draft.location)
    check_metadata(draft.metadata)
    return replace(draft, aliases=check_aliases(draft.aliases), labels=check_labels(draft.labels))


def check_display_name(value: str) -> None:
    """1 to 200 characters, not all of them blank."""
    check_text(value, "display_name", MAX_DISPLAY_NAME)
    if not value.strip():
        raise InvalidArgumentError("display_name must not be blank: give what people call it", field="display_name")


def check_description(value: str) -> None:
    """At most 10,000 characters."""
    check_text(value, "description", MAX_DESCRIPTION)


def check_location(value: LatLng | None, name: str = "location") -> None:
    """Degrees on the WGS84 ellipsoid."""
    if value is None:
        return
    for field, degrees, limit in (("latitude", value.latitude, 90), ("longitude", value.longitude, 180)):
        if not math.isfinite(degrees) or abs(degrees) > limit:
            raise InvalidArgumentError(
                f"{name}.{field} must be -{limit} to {limit} degrees, not {degrees}", field=f"{name}.{field}"
            )


def check_capture_time(value: str) -> str:
    """``value``, if it is an ISO 8601 time to the second with or without an offset, or empty.

    Raises:
        InvalidArgumentError: If it is not.
    """
    if value:
        try:
            if not _CAPTURE_TIME.fullmatch(value):
                raise ValueError("another form")
            datetime.fromisoformat(value)
        except ValueError:
            raise InvalidArgumentError(
                "capture_time must read 2024-05-01T12:30:00 or 2024-05-01T12:30:00+02:00, or be empty, "
                f"not {value[:60]!r}",
                field="capture_time",
            ) from None
    return value


def check_metadata(value: Mapping[str, str], field: str = "metadata") -> None:
    """At most 64 entries, keys of 1 to 64 characters, values of at most 4096."""
    if len(value) > MAX_METADATA_ENTRIES:
        raise InvalidArgumentError(
            f"{field} must have at most {MAX_METADATA_ENTRIES} entries, not {len(value)}", field=field
        )
    for key, text in value.items():
        if not key:
            raise InvalidArgumentError(f"{field} keys must not be empty", field=field)
        check_text(key, field, MAX_METADATA_KEY, what=f"{field} keys")
        check_text(text, field, MAX_METADATA_VALUE, what=f"{field}[{key!r}]")


def check_aliases(value: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The aliases with their languages in canonical case, as in ``zh-Hant-TW``; languages without names are left out.

    Raises:
        InvalidArgumentError: If a tag is no BCP-47 language, script, region and variants, or there is too much.
    """
    if len(value) > MAX_LANGUAGES:
        raise InvalidArgumentError(
            f"aliases must have at most {MAX_LANGUAGES} languages, not {len(value)}", field="aliases"
        )
    checked: dict[str, list[str]] = {}
    for tag, names in value.items():
        if not _LANGUAGE.fullmatch(tag):
            raise InvalidArgumentError(
                f"aliases go by BCP-47 language tags such as fr, pt-BR or zh-Hant, not {tag[:40]!r}", field="aliases"
            )
        language = _canonical(tag)
        if language in checked:
            raise InvalidArgumentError(f"aliases has the language {language} twice; give it once", field="aliases")
        if len(names) > MAX_ALIASES:
            raise InvalidArgumentError(
                f"aliases[{language}] must have at most {MAX_ALIASES} names, not {len(names)}", field="aliases"
            )
        for name in names:
            check_text(name, "aliases", MAX_DISPLAY_NAME, what=f"names in aliases[{language}]")
            if not name.strip():
                raise InvalidArgumentError(f"names in aliases[{language}] must not be blank", field="aliases")
        if names:
            checked[language] = list(dict.fromkeys(names))
    return checked


def check_labels(value: Collection[str]) -> list[str]:
    """The labels in order, each once.

    Raises:
        InvalidArgumentError: If one is not a short lower-case word, or there are too many.
    """
    for label in value:
        if not _LABEL.fullmatch(label):
            raise InvalidArgumentError(
                "labels are 1 to 40 lower-case letters a-z, digits, hyphens and underscores, a letter or digit first, "
                f"not {label[:60]!r}",
                field="labels",
            )
    labels = sorted(set(value))
    if len(labels) > MAX_LABELS:
        raise InvalidArgumentError(f"labels must be at most {MAX_LABELS}, not {len(labels)}", field="labels")
    return labels


def check_image_draft(draft: ImageDraft) -> None:
    """Checks all of a new reference image.

    Raises:
        FeatureSetError: If it has no features, or their model release has no name.
        InvalidArgumentError: If another field is out of bounds; its metadata ``field`` says which.
    """
    if len(draft.features) == 0:
        raise FeatureSetError(
            "a reference image without a local feature can never be found; use a sharper photo with more detail",
            field="features",
        )
    if not draft.features.model:
        raise FeatureSetError("the features must name the model release that made them", field="features")
    check_text(draft.features.model, "features", _MAX_NAME, what="the name of a model release")
    if draft.sha256:
        check_sha256(draft.sha256)
    if draft.size_bytes < 0:
        raise InvalidArgumentError(f"size_bytes must not be negative, not {draft.size_bytes}", field="size_bytes")
    check_text(draft.media_type, "media_type", _MAX_NAME)
    check_metadata(draft.metadata)


def check_sha256(value: str) -> str:
    """``value``, if it is the hex of a SHA-256.

    Raises:
        InvalidArgumentError: If it is not.
    """
    if not _SHA256.fullmatch(value):
        raise InvalidArgumentError(f"sha256 must be 64 lower-case hex digits, not {value[:80]!r}", field="sha256")
    return value


def _canonical(tag: str) -> str:
    """A language tag in the case that RFC 5646 recommends: scripts titled, regions in capitals, all else small."""
    first, *rest = tag.lower().split("-")
    for place, part in enumerate(rest):
        if len(part) == 2:
            rest[place] = part.upper()
        elif len(part) == 4:
            rest[place] = part.title()  # years, such as 1901, stay
    return "-".join([first, *rest])


def check_text(value: str, field: str, limit: int, *, what: str = "") -> None:
    """A text that every database can store.

    Args:
        value: The text.
        field: That it is the value of.
        limit: Characters, at most.
        what: To call it by; empty: as the field.

    Raises:
        InvalidArgumentError: If it is too long, or none that can be stored.
    """
    what = what or field
    if len(value) > limit:
        raise InvalidArgumentError(f"{what} must be at most {limit} characters long, not {len(value)}", field=field)
    # Neither can be stored by every database: PostgreSQL has no NUL in text, and half a surrogate pair is not UTF-8.
    try:
        storable = b"\0" not in value.encode("utf-8")
    except UnicodeEncodeError:
        storable = False
    if not storable:
        raise InvalidArgumentError(f"{what} must be Unicode text without NUL characters", field=field)
