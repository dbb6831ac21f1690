"""What of the catalogue somebody looks at: fields of the pages' filters, and the filter and order of lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final, Self
from urllib.parse import parse_qsl, urlencode

from steeple.client import View

STATES: Final[tuple[tuple[str, str], ...]] = (
    ("", "Active or not"),
    ("active", "Active"),
    ("inactive", "Inactive"),
    ("deleted", "Deleted"),
)
PHOTOS: Final[tuple[tuple[str, str], ...]] = (
    ("", "Any number"),
    ("0", "No photo"),
    ("1-4", "1 to 4"),
    ("5-19", "5 to 19"),
    ("20-", "20 or more"),
)
GRADES: Final[tuple[tuple[str, str], ...]] = (
    ("", "Any grade"),
    ("0-1", "0 or 1: hardly found"),
    ("0-2", "2 or less"),
    ("3-", "3 or more"),
    ("5-", "5: nothing to mend"),
)
ORDERS: Final[tuple[tuple[str, str], ...]] = (
    ("", "Name"),
    ("update_time desc", "Last changed"),
    ("create_time desc", "Newest"),
    ("create_time", "Oldest"),
    ("reference_image_count desc", "Most photos"),
    ("reference_image_count", "Fewest photos"),
    ("id", "Id"),
)
SIZES: Final = (24, 48, 96)

_LONGEST: Final = 500  # characters of a field; filters of lists have at most 2000 in all
_LONGEST_FILTER: Final = 1500
_LONGEST_TEXT: Final = 20_000
_PHRASE: Final = re.compile(r'"([^"]+)"|([^\s"]+)')
_SPAN: Final = re.compile(r"([0-9]{1,9})?(-)?([0-9]{1,9})?")


@dataclass(frozen=True)
class CatalogueQuery:
    """What of the catalogue somebody looks at.

    Attributes:
        q: Texts that one of a landmark's names contains; phrases in quotation marks.
        labels: That it has, with spaces or commas between them.
        state: One of :data:`STATES`.
        photos: A span of their number: ``3``, ``1-4``, ``20-``.
        grade: A span of the grade of its best photo.
        filter: What else is asked for, in the language of filters.
        order: Of the list; empty: by name.
        size: Landmarks of a page, one of :data:`SIZES`.
    """

    q: str = ""
    labels: str = ""
    state: str = ""
    photos: str = ""
    grade: str = ""
    filter: str = ""
    order: str = ""
    size: int = SIZES[0]

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """Of a page's address. What makes no sense is left out; of filter and order, the server says what is wrong."""
        texts = {name: given.get(name, "").replace("\0", "").strip() for name in _NAMES}
        size = texts.pop("size")
        return cls(
            q=texts["q"][:_LONGEST],
            labels=" ".join(_words(texts["labels"])),
            state=texts["state"] if texts["state"] in dict(STATES) else "",
            photos=texts["photos"] if _span(texts["photos"]) else "",
            grade=texts["grade"] if _span(texts["grade"]) else "",
            filter=texts["filter"][:_LONGEST_FILTER],
            order=texts["order"][:_LONGEST],
            size=int(size) if size in map(str, SIZES) else SIZES[0],
        )

    @classmethod
    def of_text(cls, text: str) -> Self:
        """What :meth:`text` made."""
        return cls.read(dict(parse_qsl(text[:_LONGEST_TEXT])))

    @classmethod
    def of_view(cls, view: View) -> Self:
        """What a saved view looks at; of one that was not saved here, its filter and order."""
        if "query" in view.layout:
            return cls.of_text(view.layout["query"])
        return cls.read({"filter": view.filter, "order": view.order_by})

    @property
    def list_filter(self) -> str:
        """For lists of landmarks."""
        return " AND ".join(self._conditions())

    @property
    def list_order(self) -> str:
        """For lists of landmarks."""
        return self.order or "display_name"

    @property
    def show_deleted(self) -> bool:
        """Whether deleted landmarks are looked at."""
        return self.state == "deleted"

    @property
    def narrowed(self) -> bool:
        """Whether not everything is looked at."""
        return bool(self._conditions())

    @property
    def map_filter(self) -> str:
        """For maps, on which no landmark is that is deleted."""
        return replace(self, state="" if self.show_deleted else self.state).list_filter

    def params(self) -> dict[str, str]:
        """For an address: what is not as it is unless said otherwise."""
        given = {name: str(getattr(self, name)) for name in _NAMES}
        return {name: text for name, text in given.items() if text and text != str(_PLAIN[name])}

    def text(self) -> str:
        """For an address, and to save it."""
        return urlencode(self.params())

    def path(self, page: str = "/landmarks", /, **more: object) -> str:
        """Address of a page that looks at it.

        Args:
            page: The page.
            more: Other fields of the address.
        """
        query = urlencode({**self.params(), **{name: str(value) for name, value in more.items() if value != ""}})
        return f"{page}?{query}" if query else page

    def chips(self) -> list[tuple[str, CatalogueQuery]]:
        """What is asked for, in words, each with what is left without it."""
        found = [(f"“{self.q}”", replace(self, q=""))] if self.q else []
        words = _words(self.labels)
        found += [(f"label {word}", replace(self, labels=" ".join(w for w in words if w != word))) for word in words]
        if self.state:
            found.append((dict(STATES)[self.state].lower(), replace(self, state="")))
        if self.photos:
            found.append((f"{_told(self.photos)} photos", replace(self, photos="")))
        if self.grade:
            found.append((f"best photo of grade {_told(self.grade)}", replace(self, grade="")))
        if self.filter:
            found.append((self.filter if len(self.filter) <= 60 else f"{self.filter[:60]}…", replace(self, filter="")))
        return found

    def labelled(self, label: str) -> CatalogueQuery:
        """The same of landmarks that have a label too."""
        return replace(self, labels=" ".join(dict.fromkeys([*_words(self.labels), label])))

    def _conditions(self) -> list[str]:
        found = [quoted(one or other) for one, other in _PHRASE.findall(self.q)]
        found += [f"labels:{quoted(word)}" for word in _words(self.labels)]
        found += {"active": ["active = true"], "inactive": ["active = false"], "deleted": ["deleted = true"]}.get(
            self.state, []
        )
        found += _within("reference_image_count", self.photos)
        found += _within("best_grade", self.grade)
        if self.filter:
            found.append(f"({self.filter})")
        return found


_NAMES: Final = tuple(field.name for field in fields(CatalogueQuery))
_PLAIN: Final = {field.name: field.default for field in fields(CatalogueQuery)}


def quoted(text: str) -> str:
    """A text as filters have it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _words(text: str) -> Iterable[str]:
    return list(dict.fromkeys(re.split(r"[\s,]+", text[:_LONGEST].lower().strip(" ,"))) if text.strip(" ,") else ())


def _span(text: str) -> tuple[str, str] | None:
    match = _SPAN.fullmatch(text)
    if match is None or not (match[1] or match[3]):
        return None
    low = match[1] or ""
    return (low, match[3] or "") if match[2] else (low, low)


def _told(text: str) -> str:
    low, high = _span(text) or ("", "")
    if low == high:
        return "no" if low == "0" else low
    return f"{low or '0'} to {high}" if high else f"{low} or more"


def _within(field: str, text: str) -> list[str]:
    low, high = _span(text) or ("", "")
    if low and low == high:
        return [f"{field} = {low}"]
    return [f"{field} {sign} {bound}" for sign, bound in ((">=", low), ("<=", high)) if bound]
