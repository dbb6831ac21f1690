"""Reads YAML as it was meant: what nobody asked for, or what is of another kind, is an error that says where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from steeple.errors import InvalidArgumentError

Value: TypeAlias = str | int | float | bool | list[Any] | dict[str, Any] | None
"""What YAML can say of a parameter."""

_NAMES: Final[Mapping[type, str]] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
}


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # PyYAML has no types
    """Refuses a key that stands twice, of which YAML's own reader keeps the last."""


def _mapping(loader: Any, node: Any) -> dict[Any, Any]:  # noqa: ANN401 - PyYAML has no types
    seen: set[object] = set()
    for key, _ in node.value:
        name = loader.construct_object(key, deep=True)
        if not isinstance(name, str):
            raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} is no text", key.start_mark)
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {name!r} stands twice", key.start_mark)
        seen.add(name)
    found: dict[Any, Any] = loader.construct_mapping(node, deep=True)
    return found


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> Section:
    """The mapping in a YAML file.

    Raises:
        InvalidArgumentError: If the file cannot be read, is no YAML, or is no mapping; the text says where.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{path} cannot be read: {error}") from error
    try:
        value = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = getattr(error, "problem", None) or "it is no YAML"
        raise InvalidArgumentError(f"{path}{line}: {problem}") from error
    return Section(value, str(path))


class Section:
    """A mapping of a YAML file, read key by key; :meth:`done` refuses what was not read.

    Args:
        value: What the file holds there.
        where: The file, and the place in it.

    Raises:
        InvalidArgumentError: If it is no mapping.
    """

    def __init__(self, value: object, where: str) -> None:
        self.where = where
        if not isinstance(value, dict):
            raise InvalidArgumentError(f"{where}: expected keys and their values, not {_shown(value)}")
        self._values: dict[str, Any] = value
        self._asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        return self._values.get(key) is not None

    def at(self, key: str) -> str:
        """Where a key stands, for messages."""
        return f"{self.where}: {key}" if ": " not in self.where else f"{self.where}.{key}"

    def get(self, key: str) -> Any:  # noqa: ANN401 - whatever YAML says
        """What the key holds; None if it is not there."""
        self._note(key)
        return self._values.get(key)

    def text(self, key: str, default: str | None = None) -> str:
        """Text; without a default it must be there."""
        return str(self._typed(key, default, str))

    def number(self, key: str, default: int | None = None, *, least: int = 1) -> int:
        """A whole number of at least ``least``."""
        value = int(self._typed(key, default, int))
        if value < least:
            raise InvalidArgumentError(f"{self.at(key)} must be {least} or more, not {value}")
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        """True or false."""
        return bool(self._typed(key, default, bool))

    def choice(self, key: str, allowed: Collection[str], default: str | None = None) -> str:
        """One of some words."""
        value = self.text(key, default)
        if value not in allowed:
            raise InvalidArgumentError(f"{self.at(key)} must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def items(self, key: str) -> list[Any]:
        """A list; empty if it is not there."""
        return list(self._typed(key, [], list))

    def section(self, key: str) -> Section:
        """A mapping within this one."""
        return Section(self.get(key), self.at(key))

    def rest(self) -> dict[str, Value]:
        """All that was not asked for, which is then read."""
        found = {key: value for key, value in self._values.items() if key not in self._asked}
        self._asked += found
        return found

    def done(self) -> None:
        """Refuses what was not read.

        Raises:
            InvalidArgumentError: If there is a key that nobody asked for; the text lists those that may be there.
        """
        unknown = [key for key in self._values if key not in self._asked]
        if unknown:
            raise InvalidArgumentError(
                f"{self.at(unknown[0])}: there is no such key; here are allowed: {', '.join(self._asked)}"
            )

    def _note(self, key: str) -> None:
        if key not in self._asked:
            self._asked.append(key)

    def _typed(self, key: str, default: object, kind: type) -> Any:  # noqa: ANN401 - of the type asked for
        value = self.get(key)
        if value is None:
            if default is None:
                raise InvalidArgumentError(f"{self.at(key)} is missing; it must be {_NAMES[kind]}")
            return default
        check_type(value, kind, self.at(key))
        return value


def check_type(value: object, kind: type, where: str) -> None:
    """Refuses a value of another type; a whole number is a number too, true and false are not.

    Raises:
        InvalidArgumentError: If it is of another type.
    """
    fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
    if not fits or (isinstance(value, bool) and kind is not bool):
        raise InvalidArgumentError(f"{where} must be {_NAMES[kind]}, not {_shown(value)}")


def _shown(value: object) -> str:
    return "nothing" if value is None else f"{value!r}"
