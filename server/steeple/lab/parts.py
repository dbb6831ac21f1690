"""All parts that an experiment can name, and how they are named: a kind, and parameters of it."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final, TypeVar

from steeple.errors import InvalidArgumentError
from steeple.lab.protocols import (
    Backbone,
    GlobalSearch,
    Kind,
    LocalExtractor,
    LocalSearch,
    Pooling,
    Projection,
    Reranking,
)
from steeple.lab.reading import Section, Value, check_type
from steeple.lab.versions import module_version

PartT = TypeVar("PartT")

_NONE: Final[Mapping[str, Any]] = {}


@dataclass(frozen=True)
class Parts:
    """The kinds of parts, each by the name that an experiment gives it.

    Attributes:
        extractors: Of local features.
        projections: Of their descriptors.
        backbones: Networks that make feature maps.
        poolings: Of feature maps, to one vector.
        local_searches: By local features.
        global_searches: By one vector.
        rerankings: Stages after the search.
    """

    extractors: Mapping[str, Kind[LocalExtractor]] = field(default_factory=lambda: _NONE)
    projections: Mapping[str, Kind[Projection]] = field(default_factory=lambda: _NONE)
    backbones: Mapping[str, Kind[Backbone]] = field(default_factory=lambda: _NONE)
    poolings: Mapping[str, Kind[Pooling]] = field(default_factory=lambda: _NONE)
    local_searches: Mapping[str, Kind[LocalSearch]] = field(default_factory=lambda: _NONE)
    global_searches: Mapping[str, Kind[GlobalSearch]] = field(default_factory=lambda: _NONE)
    rerankings: Mapping[str, Kind[Reranking]] = field(default_factory=lambda: _NONE)

    @staticmethod
    @functools.cache
    def shipped() -> Parts:
        """Those of this package. The first call imports networks' runtimes and much else."""
        return Parts(**{each.name: _table(*_TABLES[each.name]) for each in fields(Parts)})


_TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "extractors": ("steeple.lab.local", "EXTRACTORS"),
    "projections": ("steeple.lab.local", "PROJECTIONS"),
    "backbones": ("steeple.lab.pooling", "BACKBONES"),
    "poolings": ("steeple.lab.pooling", "POOLINGS"),
    "local_searches": ("steeple.lab.indexes", "LOCAL_SEARCHES"),
    "global_searches": ("steeple.lab.indexes", "GLOBAL_SEARCHES"),
    "rerankings": ("steeple.lab.after", "RERANKINGS"),
}


def _table(module: str, name: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = getattr(importlib.import_module(module), name)
    return table


@dataclass(frozen=True)
class PartUse:
    """A part as a system uses it.

    Attributes:
        kind: Its name in the table of its kinds.
        parameters: All of them, the defaults of those that were not given too.
        version: Of its code.
    """

    kind: str
    parameters: Mapping[str, Value]
    version: str

    @property
    def definition(self) -> dict[str, Value]:
        """As YAML and JSON have it; equal parts have equal ones."""
        return {"kind": self.kind, **self.parameters}

    @property
    def identity(self) -> dict[str, Value]:
        """The definition, and the version of the code."""
        return {**self.definition, "version": self.version}


def read_part(value: object, kinds: Mapping[str, Kind[PartT]], where: str) -> PartUse:
    """A part as YAML names it: by its kind alone, or as a mapping of ``kind`` and parameters.

    Args:
        value: What YAML has.
        kinds: The table of kinds.
        where: The place in the file, for messages.

    Raises:
        InvalidArgumentError: If there is no such kind or parameter, or a value is of another type.
    """
    section = Section({"kind": value} if isinstance(value, str) else value, where)
    name = section.choice("kind", tuple(kinds))
    kind = kinds[name]
    given, allowed = section.rest(), parameters_of(kind)
    for key, parameter in given.items():
        if key not in allowed:
            says = f"{name} takes {', '.join(allowed)}" if allowed else f"{name} takes no parameters"
            raise InvalidArgumentError(f"{section.at(key)}: there is no such parameter; {says}")
        expected = allowed[key]
        if expected is not None and parameter is not None:
            like: type = list if isinstance(expected, tuple) else type(expected)
            check_type(parameter, like, section.at(key))
    plain = {key: list(each) if isinstance(each, tuple) else each for key, each in allowed.items()}
    return PartUse(name, {**plain, **given}, version_of(kind))


def make_part(use: PartUse, kinds: Mapping[str, Kind[PartT]], where: str) -> PartT:
    """The part itself.

    Args:
        use: Which.
        kinds: The table of kinds.
        where: Of which system it is, for messages.

    Raises:
        InvalidArgumentError: If a parameter makes no sense.
    """
    try:
        return kinds[use.kind].make(**use.parameters)
    except InvalidArgumentError as error:
        raise InvalidArgumentError(f"{where}, {use.kind}: {error.message}", **error.metadata) from error


def parameters_of(kind: Kind[Any]) -> dict[str, Any]:
    """The parameters of a kind and their defaults."""
    found = inspect.signature(kind.make).parameters
    return {name: parameter.default for name, parameter in found.items()}


def version_of(kind: Kind[Any]) -> str:
    """Of the code that makes a part (:func:`steeple.lab.versions.module_version`)."""
    make: Callable[..., Any] = kind.make
    while isinstance(make, functools.partial):
        make = make.func
    return module_version(make.__module__)
