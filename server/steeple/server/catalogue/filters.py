"""Filters as conditions of a query: what fields a list can be filtered by, and how."""

from __future__ import annotations

import operator
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, FunctionElement, and_, exists, literal, not_, or_, select, true
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from steeple.errors import InvalidArgumentError
from steeple.server.catalogue import filter_parser, terms
from steeple.server.catalogue.filter_parser import And, Node, Not, Or, Restriction, parse
from steeple.server.catalogue.ids import folded

_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], ColumnElement[bool]]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LARGEST: Final = 2**63 - 1
_LONGEST_NAME: Final = 1000  # of a text to look for; SQLite takes patterns of up to 50,000 bytes


class FilterField(ABC):
    """A field that a list can be filtered by.

    Attributes:
        operators: That it takes.
        keyed: Whether it has keys, as in ``metadata.wikidata``.
    """

    operators: tuple[str, ...] = ("=", "!=")
    keyed: bool = False

    @abstractmethod
    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """What the database has to find true; never NULL, so that NOT has a meaning.

        Raises:
            ValueError: If the value is not one of the field; the message says what one is.
        """


class Text(FilterField):
    """A text that is never NULL, compared as a whole."""

    def __init__(self, column: ColumnElement[str]) -> None:
        self._column = column

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """Whether it is that text."""
        return _COMPARISONS[restriction.operator](self._column, restriction.value)


class Number(FilterField):
    """A whole number, which may be NULL: that is other than every number."""

    operators = tuple(_COMPARISONS)

    def __init__(self, column: ColumnElement[Any]) -> None:
        self._column = column

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """How it compares."""
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", restriction.value, re.ASCII):
            raise ValueError("a whole number is expected")
        value = int(restriction.value)
        if abs(value) > _LARGEST:
            raise ValueError("the number is too large")
        # Whatever size the column has: PostgreSQL refuses numbers that are larger.
        compared = _COMPARISONS[restriction.operator](self._column, literal(value, BigInteger))
        if restriction.operator == "!=":
            return or_(self._column.is_(None), compared)
        return and_(self._column.is_not(None), compared)


class Real(FilterField):
    """A number that is never NULL."""

    operators = tuple(_COMPARISONS)

    def __init__(self, column: ColumnElement[float]) -> None:
        self._column = column

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """How it compares."""
        if not re.fullmatch(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?", restriction.value, re.ASCII):
            raise ValueError("a number such as 0.75 is expected")
        return _COMPARISONS[restriction.operator](self._column, float(restriction.value))


class Choice(FilterField):
    """One of a few words."""

    def __init__(self, column: ColumnElement[str], words: Iterable[str]) -> None:
        self._column = column
        self._words = tuple(words)

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """Whether it is that word."""
        if restriction.value not in self._words:
            raise ValueError(f"one of {', '.join(self._words)} is expected")
        return _COMPARISONS[restriction.operator](self._column, restriction.value)


class Flag(FilterField):
    """True or false."""

    def __init__(self, column: ColumnElement[bool]) -> None:
        self._column = column

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """Whether it is so."""
        if restriction.value not in ("true", "false"):
            raise ValueError("true or false is expected")
        wanted = (restriction.value == "true") == (restriction.operator == "=")
        return self._column.is_(true()) if wanted else not_(self._column.is_(true()))


class Time(FilterField):
    """A time that is never NULL."""

    operators = tuple(_COMPARISONS)

    def __init__(self, column: ColumnElement[datetime]) -> None:
        self._column = column

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """How it compares; a time without an offset is UTC."""
        try:
            value = datetime.fromisoformat(restriction.value)
            value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError('a time such as "2026-05-01" or "2026-05-01T12:00:00Z" is expected') from None
        return _COMPARISONS[restriction.operator](self._column, value)


class Words(FilterField):
    """A list of words: has it this one?

    Args:
        of_term: What is true of rows that have a term.
    """

    operators = (":",)

    def __init__(self, of_term: Callable[[int], ColumnElement[bool]]) -> None:
        self._of_term = of_term

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """Whether the word is among them; with ``*``, whether there are any."""
        return self._of_term(terms.label(restriction.value))


class Entries(FilterField, ABC):
    """Keys and their texts."""

    operators = ("=", "!=", ":")
    keyed = True

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """``field.key = value``, ``field:key``, or ``field.key:*``. What has no such key is other than every value."""
        if restriction.operator == ":":
            if restriction.key and restriction.value != "*":
                raise ValueError("to ask for a key, write field:key; to ask for its value, field.key = value")
            key = restriction.key or restriction.value
            return self._has_any() if key == "*" else self._has_key(key)
        if not restriction.key:
            raise ValueError("a key is expected, as in metadata.wikidata = Q243")
        found = self._has_entry(restriction.key, restriction.value)
        return not_(found) if restriction.operator == "!=" else found

    @abstractmethod
    def _has_any(self) -> ColumnElement[bool]: ...

    @abstractmethod
    def _has_key(self, key: str) -> ColumnElement[bool]: ...

    @abstractmethod
    def _has_entry(self, key: str, value: str) -> ColumnElement[bool]: ...


class TermEntries(Entries):
    """Keys and their texts, found by terms.

    Args:
        of_term: What is true of rows that have a term.
    """

    def __init__(self, of_term: Callable[[int], ColumnElement[bool]]) -> None:
        self._of_term = of_term

    def _has_any(self) -> ColumnElement[bool]:
        return self._of_term(terms.any_key())

    def _has_key(self, key: str) -> ColumnElement[bool]:
        return self._of_term(terms.key(key))

    def _has_entry(self, key: str, value: str) -> ColumnElement[bool]:
        return self._of_term(terms.entry(key, value))


class JsonEntries(Entries):
    """Keys and their texts, as JSON of which every row is read: for lists that are short."""

    def __init__(self, column: ColumnElement[Any]) -> None:
        self._rows = _JsonEntries(column).table_valued("key", "value")

    def _has_any(self) -> ColumnElement[bool]:
        return exists(select(self._rows.c.key))

    def _has_key(self, key: str) -> ColumnElement[bool]:
        return exists(select(self._rows.c.key).where(self._rows.c.key == key))

    def _has_entry(self, key: str, value: str) -> ColumnElement[bool]:
        rows = self._rows
        return exists(select(rows.c.key).where(and_(rows.c.key == key, rows.c.value == value)))


class Names(FilterField):
    """Folded names: does one of them contain this text, whatever its case and accents?

    Args:
        containing: What is true of rows of which a name contains a folded text.
    """

    operators = (":",)

    def __init__(self, containing: Callable[[str], ColumnElement[bool]]) -> None:
        self._containing = containing

    def condition(self, restriction: Restriction) -> ColumnElement[bool]:
        """Whether one contains the text."""
        text = folded(restriction.value)
        if not text.strip():
            raise ValueError("a text to look for is expected")
        if len(text) > _LONGEST_NAME:  # which a letter or two may grow to: some ligatures stand for a sentence
            raise ValueError(f"a text of at most {_LONGEST_NAME} characters is expected, written out")
        return self._containing(text)


def condition(text: str, fields: Mapping[str, FilterField]) -> ColumnElement[bool]:
    """What a filter asks for, as a condition; true for an empty one.

    Args:
        text: The filter.
        fields: By name; a text alone is looked for in the field whose name is empty, if there is one.

    Raises:
        InvalidArgumentError: If it is no filter, or not of these fields; the message points at the place.
    """
    if "\0" in text:
        raise InvalidArgumentError("filter must not have NUL characters", field="filter")
    tree = parse(text)
    return true() if tree is None else _built(tree, text, fields)


def _built(node: Node, text: str, fields: Mapping[str, FilterField]) -> ColumnElement[bool]:
    match node:
        case And(operands):
            return and_(*(_built(one, text, fields) for one in operands))
        case Or(operands):
            return or_(*(_built(one, text, fields) for one in operands))
        case Not(operand):
            return not_(_built(operand, text, fields))
        case Restriction():
            return _restricted(node, text, fields)


def _restricted(node: Restriction, text: str, fields: Mapping[str, FilterField]) -> ColumnElement[bool]:
    field = fields.get(node.field)
    if field is None:
        known = ", ".join(sorted(name for name in fields if name))
        what = f"there is no field {node.field!r}" if node.field else "a text alone is not looked for here"
        raise filter_parser.wrong(text, node.position, f"{what}; those there are: {known}")
    if node.key and not field.keyed:
        raise filter_parser.wrong(text, node.position, f"{node.field} has no keys")
    if node.operator not in field.operators:
        takes = " ".join(field.operators)
        raise filter_parser.wrong(text, node.position, f"{node.field} takes {takes}, not {node.operator}")
    try:
        return field.condition(node)
    except ValueError as error:
        raise filter_parser.wrong(text, node.position, str(error)) from None


class _JsonEntries(FunctionElement[Any]):
    """Rows of a JSON object of texts: ``key``, ``value``."""

    name = "json_each"
    inherit_cache = True


@compiles(_JsonEntries)
def _sqlite(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    return f"json_each({compiler.process(element.clause_expr, **options)})"


@compiles(_JsonEntries, "postgresql")
def _postgresql_entries(element: FunctionElement[Any], compiler: SQLCompiler, **options: object) -> str:
    return f"json_each_text({compiler.process(element.clause_expr, **options)})"
