"""Systems: rows of the table, put together of parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from steeple.errors import InvalidArgumentError
from steeple.lab.parts import Parts, PartUse, read_part
from steeple.lab.protocols import Kind
from steeple.lab.reading import Section, read_yaml
from steeple.lab.versions import module_version

BUILT_IN: Final = Path(__file__).with_name("systems.yaml")
"""The rows that ship with Steeple."""


_PRODUCT: Final = ("steeple.lab.", "steeple.recognition", "steeple.server.evaluation", "steeple.server.index")


class Group(StrEnum):
    """What a row of the table is there to show."""

    GLOBAL = "global"
    """One vector a photo."""
    LOCAL = "local"
    """Local features."""
    INDEXING = "indexing"
    """The same features, searched in another way."""
    AFTER = "after"
    """The same search, and something after it."""
    PRODUCT = "product"
    """Steeple as it is."""


@dataclass(frozen=True)
class WhiteningUse:
    """PCA of the pooled vectors, fitted on the training photos.

    Attributes:
        dimensions: That are kept.
        whiten: Whether they are scaled to the same variance.
    """

    dimensions: int
    whiten: bool


@dataclass(frozen=True)
class GlobalBranch:
    """How one vector is made of a photo.

    Attributes:
        backbone: Makes feature maps.
        pooling: Makes a vector of them.
        whitening: What follows; None: nothing.
    """

    backbone: PartUse
    pooling: PartUse
    whitening: WhiteningUse | None = None

    @property
    def identity(self) -> dict[str, Any]:
        """All that the vectors depend on, but for photos."""
        return {
            "backbone": self.backbone.identity,
            "pooling": self.pooling.identity,
            "whitening": None if self.whitening is None else vars(self.whitening),
        }


@dataclass(frozen=True)
class Product:
    """Steeple as it is: a model release, its index, verification and calibrated confidence.

    Attributes:
        release: Name or folder of the model release.
        exact: Whether every descriptor is compared, instead of through the PQ index.
    """

    release: str
    exact: bool

    @property
    def identity(self) -> dict[str, Any]:
        """All that its answers depend on, but for photos."""
        return {**vars(self), "version": module_version("steeple.lab.product", _PRODUCT)}


@dataclass(frozen=True)
class System:
    """A row of the table: parts, or the product.

    With both a local and a global search, the ranking is the union of both by reciprocal ranks (Cormack et al.,
    SIGIR 2009), for a stage after it to score.

    Attributes:
        name: Unique; of small letters, digits, dashes and dots.
        title: As the table shows it.
        group: What it is there to show.
        local: Makes local features; None: it has none.
        projection: Makes other descriptors of theirs, before the search; None: they stay as they are.
        branch: Makes one vector; None: it has none.
        local_search: Searches by local features.
        global_search: Searches by the vector.
        rerankings: Stages after the search, in their order.
        product: Instead of all parts.
        note: What is to be said beside it.
    """

    name: str
    title: str
    group: Group
    local: PartUse | None = None
    branch: GlobalBranch | None = None
    local_search: PartUse | None = None
    global_search: PartUse | None = None
    rerankings: tuple[PartUse, ...] = ()
    product: Product | None = None
    note: str = ""
    projection: PartUse | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """Its parts, by what they are for, as JSON; without those that it lacks."""
        branch = self.branch
        found: dict[str, Any] = {
            "local": self.local and self.local.definition,
            "projection": self.projection and self.projection.definition,
            "backbone": branch and branch.backbone.definition,
            "pooling": branch and branch.pooling.definition,
            "whitening": branch and branch.whitening and vars(branch.whitening),
            "local-search": self.local_search and self.local_search.definition,
            "global-search": self.global_search and self.global_search.definition,
            "rerank": [each.definition for each in self.rerankings],
            "steeple": self.product and vars(self.product),
        }
        return {name: value for name, value in found.items() if value}

    @property
    def identity(self) -> dict[str, Any]:
        """All that its answers depend on, but for photos: the definition, and versions of code."""
        parts = (self.local, self.projection, self.local_search, self.global_search, *self.rerankings)
        return {
            "parts": [each and each.identity for each in parts],
            "branch": self.branch and self.branch.identity,
            "product": self.product and self.product.identity,
        }

    def credits(self, parts: Parts) -> list[dict[str, str]]:
        """Of each part: title, paper, and what was chosen where the paper leaves it open."""
        branch = self.branch
        used: list[tuple[PartUse | None, Mapping[str, Kind[Any]]]] = [
            (self.local, parts.extractors),
            (self.projection, parts.projections),
            (None if branch is None else branch.backbone, parts.backbones),
            (None if branch is None else branch.pooling, parts.poolings),
            (self.local_search, parts.local_searches),
            (self.global_search, parts.global_searches),
            *((each, parts.rerankings) for each in self.rerankings),
        ]
        kinds = [(use.kind, kinds[use.kind]) for use, kinds in used if use is not None]
        return [
            {"kind": name, "title": kind.title, "paper": kind.paper, "choices": kind.choices} for name, kind in kinds
        ]


def fingerprint(value: object) -> str:
    """SHA-256, hex, of anything that JSON has, whatever the order of its keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def built_in_systems(parts: Parts) -> tuple[System, ...]:
    """The rows that ship with Steeple, in the table's order."""
    section = read_yaml(BUILT_IN)
    found = read_systems(section.items("systems"), parts, section.at("systems"))
    section.done()
    return found


def read_systems(values: Sequence[object], parts: Parts, where: str, rows: Sequence[System] = ()) -> tuple[System, ...]:
    """Systems as YAML defines them.

    Args:
        values: One mapping a system, or the name of a row.
        parts: What they may be made of.
        where: The place in the file, for messages.
        rows: Systems that can be named.

    Raises:
        InvalidArgumentError: If a definition makes no sense, or two systems have one name.
    """
    by_name = {row.name: row for row in rows}
    systems: dict[str, System] = {}
    for place, value in enumerate(values):
        at = f"{where}[{place}]"
        if not isinstance(value, str):
            system = read_system(value, parts, at)
        elif value in by_name:
            system = by_name[value]
        else:
            raise InvalidArgumentError(f"{at}: there is no row {value!r}; there are {', '.join(by_name)}")
        if system.name in systems:
            raise InvalidArgumentError(f"{at}: there are two systems of the name {system.name!r}")
        systems[system.name] = system
    return tuple(systems.values())


def read_system(value: object, parts: Parts, where: str) -> System:
    """One system as YAML defines it; arguments and errors as for :func:`read_systems`."""
    section = Section(value, where)
    name = section.text("name")
    if not name.replace("-", "").replace(".", "").isalnum() or name != name.lower() or not name.isascii():
        raise InvalidArgumentError(
            f"{section.at('name')} must be of small letters, digits, dashes and dots, not {name!r}"
        )
    where = f"{where} ({name})"

    def part(key: str, kinds: Mapping[str, Kind[Any]]) -> PartUse | None:
        found = section.get(key)
        return None if found is None else read_part(found, kinds, f"{where}.{key}")

    backbone, pooling = part("backbone", parts.backbones), part("pooling", parts.poolings)
    if (backbone is None) != (pooling is None):
        raise InvalidArgumentError(f"{where}: backbone and pooling go together")
    whitening = _whitening(section)
    if whitening is not None and backbone is None:
        raise InvalidArgumentError(f"{where}.whitening needs a backbone and a pooling")
    system = System(
        name,
        section.text("title", name),
        Group(section.choice("group", tuple(Group))),
        part("local", parts.extractors),
        None if backbone is None or pooling is None else GlobalBranch(backbone, pooling, whitening),
        part("local-search", parts.local_searches),
        part("global-search", parts.global_searches),
        tuple(
            read_part(each, parts.rerankings, f"{where}.rerank[{place}]")
            for place, each in enumerate(section.items("rerank"))
        ),
        _product(section),
        section.text("note", ""),
        part("projection", parts.projections),
    )
    section.done()
    _check(system, where)
    return system


def _whitening(section: Section) -> WhiteningUse | None:
    if "whitening" not in section:
        section.get("whitening")
        return None
    inner = section.section("whitening")
    found = WhiteningUse(inner.number("dimensions"), inner.flag("whiten", True))
    inner.done()
    return found


def _product(section: Section) -> Product | None:
    if "steeple" not in section:
        section.get("steeple")
        return None
    inner = section.section("steeple")
    found = Product(inner.text("release"), inner.flag("exact", False))
    inner.done()
    return found


def _check(system: System, where: str) -> None:
    searches = (system.local_search, system.global_search)
    if system.product is not None:
        if system.local or system.projection or system.branch or any(searches) or system.rerankings:
            raise InvalidArgumentError(f"{where}: steeple is a whole system; leave the other parts out")
        return
    if not any(searches):
        raise InvalidArgumentError(f"{where} needs local-search, global-search, or both")
    if system.local_search and not system.local:
        raise InvalidArgumentError(f"{where}.local-search needs local: what makes the local features")
    if system.projection and not system.local_search:
        raise InvalidArgumentError(f"{where}.projection needs local and local-search")
    if system.global_search and not system.branch:
        raise InvalidArgumentError(f"{where}.global-search needs backbone and pooling: what makes the vector")


def chosen(names: Sequence[str], systems: Sequence[System], where: str) -> tuple[System, ...]:
    """Those of some names, in the order of the names.

    Raises:
        InvalidArgumentError: If there is none of a name; the text lists those that there are.
    """
    by_name = {system.name: system for system in systems}
    for name in names:
        if name not in by_name:
            raise InvalidArgumentError(f"{where}: there is no system {name!r}; there are {', '.join(by_name)}")
    return tuple(by_name[name] for name in dict.fromkeys(names))
