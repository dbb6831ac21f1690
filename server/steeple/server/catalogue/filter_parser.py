"""The language of filters: a subset of AIP-160, from text to a tree.

::

    filter   = sequence { "AND" sequence }
    sequence = factor { factor }                    both must hold, as with AND
    factor   = term { "OR" term }                   OR binds tighter than AND
    term     = [ "NOT" ] ( "(" filter ")" | restriction )
    restriction = field operator value | value      a value alone is text to look for
    operator = "=" | "!=" | "<" | "<=" | ">" | ">=" | ":"
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from steeple.errors import InvalidArgumentError

MAX_LENGTH: Final = 2000
MAX_DEPTH: Final = 20
MAX_RESTRICTIONS: Final = 100
"""Comparisons and texts of a filter: SQLite takes no deeper expressions than 1000, and each may have several parts."""

_SHOWN: Final = 24  # characters of the filter either side of an error
_TOKEN: Final = re.compile(
    r"""(?P<space>\s+)
      | (?P<paren>[()])
      | (?P<operator>!=|<=|>=|=|<|>|:)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<word>[^\s()"'=!<>:\\]+)""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS: Final = frozenset({"AND", "OR", "NOT"})


@dataclass(frozen=True)
class Restriction:
    """A comparison, or a text to look for.

    Attributes:
        field: Left of the operator, such as ``labels``; empty for a text alone.
        key: What follows the first dot of the field, as in ``metadata.wikidata``; empty without.
        operator: ``:`` for a text alone.
        value: Without its quotes.
        position: Where it begins in the filter, from 0.
    """

    field: str
    key: str
    operator: str
    value: str
    position: int


@dataclass(frozen=True)
class Not:
    """What does not hold."""

    operand: Node


@dataclass(frozen=True)
class And:
    """What all hold."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """Of what at least one holds."""

    operands: tuple[Node, ...]


Node: TypeAlias = Restriction | Not | And | Or


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str) -> Node | None:
    """The tree of a filter; None for an empty one.

    Raises:
        InvalidArgumentError: If it is none; the message points at the place.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidArgumentError(
            f"filter must be at most {MAX_LENGTH} characters long, not {len(text)}", field="filter"
        )
    tokens = list(_tokens(text))
    if not tokens:
        return None
    parser = _Parser(text, tokens)
    node = parser.filter(0)
    parser.end()
    return node


def wrong(text: str, position: int, what: str) -> InvalidArgumentError:
    """The error that points at a place of a filter."""
    before, after = text[max(0, position - _SHOWN) : position], text[position : position + _SHOWN]
    return InvalidArgumentError(
        f"filter, character {position + 1}: {what}; at the arrow: {before}→{after}",
        field="filter",
        position=str(position),
    )


def _tokens(text: str) -> Iterator[_Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            quote = text[position] in "\"'"
            what = "this quotation mark has no partner" if quote else f"{text[position]!r} is not expected; quote texts"
            raise wrong(text, position, what)
        kind = match.lastgroup or ""
        if kind == "word" and match[0] in _KEYWORDS:
            kind = match[0]
        if kind != "space":
            yield _Token(kind, match[0], position)
        position = match.end()


class _Parser:
    """Recursive descent, as deep as parentheses are nested."""

    def __init__(self, text: str, tokens: Sequence[_Token]) -> None:
        self._text = text
        self._tokens = [*tokens, _Token("end", "", len(text))]
        self._next = 0
        self._restrictions = 0

    def filter(self, depth: int) -> Node:
        operands = [self._sequence(depth)]
        while self._take("AND"):
            operands.append(self._sequence(depth))
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def end(self) -> None:
        token = self._peek()
        if token.kind != "end":
            raise wrong(self._text, token.position, f"{token.text!r} is not expected here")

    def _sequence(self, depth: int) -> Node:
        operands = [self._factor(depth)]
        while self._peek().kind in ("word", "string", "NOT") or self._peek().text == "(":
            operands.append(self._factor(depth))
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def _factor(self, depth: int) -> Node:
        operands = [self._term(depth)]
        while self._take("OR"):
            operands.append(self._term(depth))
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def _term(self, depth: int) -> Node:
        if self._take("NOT"):
            return Not(self._simple(depth))
        return self._simple(depth)

    def _simple(self, depth: int) -> Node:
        token = self._peek()
        if token.text == "(" and token.kind == "paren":
            if depth == MAX_DEPTH:
                raise wrong(self._text, token.position, f"parentheses may be nested {MAX_DEPTH} deep")
            self._next += 1
            node = self.filter(depth + 1)
            if self._peek().text != ")":
                raise wrong(
                    self._text,
                    self._peek().position,
                    f"the parenthesis of character {token.position + 1} is not closed",
                )
            self._next += 1
            return node
        return self._restriction()

    def _restriction(self) -> Restriction:
        start = self._value("a field, a text or a parenthesis")
        self._restrictions += 1
        if self._restrictions > MAX_RESTRICTIONS:
            raise wrong(self._text, start.position, f"a filter may have {MAX_RESTRICTIONS} comparisons and texts")
        quoted_key = ""
        if start.kind == "word" and start.text.endswith(".") and self._peek().kind == "string":
            quoted_key = _unquoted(self._value("a key").text)
        operator = self._peek()
        if operator.kind != "operator":
            if quoted_key:
                raise wrong(self._text, operator.position, "an operator is expected here, such as =")
            return Restriction("", "", ":", _text_of(start), start.position)
        if start.kind != "word":
            raise wrong(self._text, start.position, "a field stands left of an operator, without quotation marks")
        self._next += 1
        value = self._value("a value")
        field, _, plain_key = start.text.partition(".")
        return Restriction(
            field,
            quoted_key or plain_key,
            operator.text,
            _text_of(value),
            start.position,
        )

    def _value(self, wanted: str) -> _Token:
        token = self._peek()
        if token.kind not in ("word", "string"):
            found = f", not {token.text!r}" if token.text else ""
            raise wrong(self._text, token.position, f"{wanted} is expected here{found}")
        self._next += 1
        return token

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, kind: str) -> bool:
        if self._peek().kind != kind:
            return False
        self._next += 1
        return True


def _text_of(token: _Token) -> str:
    return token.text if token.kind == "word" else _unquoted(token.text)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
