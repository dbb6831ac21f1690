"""What the command line prints: tables, progress and errors for people, JSON for programs.

Results go to standard output, everything about the run (progress, notes, errors) to standard error, so
that a pipe carries results only.
"""

from __future__ import annotations

import json
import math
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from steeple.errors import SteepleError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress
    from rich.text import Text

# Without a terminal there is no width to keep to, and a table cut to 80 columns loses what is searched for.
_WIDTH_WITHOUT_TERMINAL: Final = 200

# Explicit direction marks: they can make a line read as something it is not.
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        justify: Numbers read best flush right.
    """

    title: str
    justify: Literal["left", "right"] = "left"


@dataclass(frozen=True)
class Cell:
    """Text of a table with a colour, as Rich names them (``green``, ``bold red``)."""

    text: str
    style: str = ""


@dataclass
class Tally:
    """Handed out by :meth:`Output.progress`: call it once for each thing done."""

    advance: Callable[[str], None]


class Output:
    """Prints results in the form that the user asked for.

    Args:
        as_json: JSON instead of text.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def document(self, value: object) -> None:
        """The one JSON document of this run; nothing in text mode."""
        if self.as_json:
            _write(sys.stdout, json.dumps(value, indent=2, ensure_ascii=False))

    def line(self, value: object) -> None:
        """One line of JSON, at once, for results that come one by one; nothing in text mode."""
        if self.as_json:
            _write(sys.stdout, json.dumps(value, ensure_ascii=False))

    def say(self, text: str, style: str = "") -> None:
        """A line of a result; nothing in JSON mode."""
        if not self.as_json:
            self._console(sys.stdout).print(_text(text, style))

    def note(self, text: str, style: str = "dim") -> None:
        """A line about the run, on standard error; nothing in JSON mode."""
        if not self.as_json:
            self._console(sys.stderr).print(_text(text, style))

    def table(self, columns: Sequence[Column], rows: Iterable[Sequence[str | Cell]], *, title: str = "") -> None:
        """A table; nothing in JSON mode."""
        if self.as_json:
            return
        from rich import box
        from rich.table import Table

        table = Table(title=title or None, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
        table.pad_edge, table.show_edge, table.padding = False, False, (0, 1, 0, 0)
        for column in columns:  # a number that is cut or broken is wrong, a name is still a name
            table.add_column(column.title, justify=column.justify, no_wrap=column.justify == "right")
        for row in rows:
            cells = [cell if isinstance(cell, Cell) else Cell(cell) for cell in row]
            table.add_row(*(_text(cell.text, cell.style) for cell in cells))
        self._console(sys.stdout).print(table)

    def facts(self, facts: Iterable[tuple[str, str]]) -> None:
        """Names and values of one thing, below each other; nothing in JSON mode."""
        if self.as_json:
            return
        pairs = [(name, value) for name, value in facts if value]
        width = max((len(name) for name, _ in pairs), default=0)
        console = self._console(sys.stdout)
        for name, value in pairs:
            line = _text(f"{name:<{width}}  ", "dim")
            line.append_text(_text(value))
            console.print(line)

    @contextmanager
    def progress(self, title: str, total: int) -> Iterator[Tally]:
        """A progress bar on standard error, where that is a terminal and text was asked for.

        Args:
            title: What is being done.
            total: How many things are to be done.
        """
        bar = self.bar()
        if bar is None:
            yield Tally(lambda _: None)
            return
        with bar:
            task = bar.add_task(plain(title), total=total, note="")
            yield Tally(lambda item: bar.update(task, advance=1, note=plain(item)))

    @contextmanager
    def steps(self) -> Iterator[Callable[[str, int, int], None]]:
        """A progress bar for work in several steps; what it yields is told the step, items done, and their number."""
        bar = self.bar()
        if bar is None:
            yield lambda step, done, total: None
            return
        with bar:
            task = bar.add_task("", total=None, note="")
            yield lambda step, done, total: bar.update(
                task, description=plain(step), completed=done, total=total or None
            )

    def bar(self, *, of_bytes: bool = False) -> Progress | None:
        """A bar on standard error, gone at its end; None where that is no terminal, or in JSON mode.

        Its tasks have a field ``note``, which stands behind the bar.

        Args:
            of_bytes: Whether it is bytes that are counted, not things.
        """
        if self.as_json or not sys.stderr.isatty():
            return None
        from rich import progress

        counts = (
            (progress.DownloadColumn(), progress.TransferSpeedColumn())
            if of_bytes
            else (progress.MofNCompleteColumn(),)
        )
        return progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            *counts,
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=self._console(sys.stderr),
            transient=True,
            # On one terminal, results are printed above the bar; results that go elsewhere must not be caught by it.
            redirect_stdout=sys.stdout.isatty(),
        )

    def error(self, error: SteepleError, *, hint: str = "", **facts: str) -> None:
        """An error, on standard error: one line and a hint, or a JSON document ``{"error": {...}}``.

        Args:
            error: What happened.
            hint: What to do about it, if the message does not say.
            facts: Such as the photo that it is about.
        """
        if self.as_json:
            _write(sys.stderr, json.dumps({"error": {**facts, **error_facts(error, hint)}}, ensure_ascii=False))
            return
        subject = "".join(f"{value}: " for value in facts.values())
        console = self._console(sys.stderr)
        line = _text("error: ", "bold red")
        line.append_text(_text(subject + error.message))
        console.print(line)
        if hint:
            console.print(_text(f"hint: {hint}", "dim"))

    def _console(self, stream: TextIO) -> Console:
        from rich.console import Console

        width = None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL
        return Console(file=stream, width=width, soft_wrap=True, highlight=False, markup=False, emoji=False)


def error_facts(error: SteepleError, hint: str = "") -> dict[str, object]:
    """An error as JSON: message, status, reason, exit_code and, where there are any, metadata and hint."""
    facts: dict[str, object] = {
        "message": error.message,
        "status": error.status,
        "reason": error.reason,
        "exit_code": error.exit_code,
    }
    if error.metadata:
        facts["metadata"] = dict(error.metadata)
    if hint:
        facts["hint"] = hint
    return facts


def without_nan(value: Any, digits: int | None = None) -> Any:  # noqa: ANN401 - JSON, of which mypy has no type
    """A value for JSON, which does not have NaN: None stands for it, at any depth.

    Args:
        value: Of mappings, lists, tuples and what JSON has besides.
        digits: After the point, to which numbers are rounded; None: as they are.
    """
    if isinstance(value, Mapping):
        return {name: without_nan(each, digits) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(each, digits) for each in value]
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return value if digits is None else round(value, digits)


def plain(text: str) -> str:
    """Text without control characters: a name from a catalogue must not be able to steer the terminal."""
    return "".join(" " if unicodedata.category(letter) == "Cc" or letter in _BIDI else letter for letter in text)


def describe_metadata(metadata: Mapping[str, str]) -> str:
    """Metadata on one line: ``a=1, b=2``."""
    return ", ".join(f"{key}={value}" for key, value in sorted(metadata.items()))


def describe_time(time: datetime | None) -> str:
    """A time to the second, in UTC."""
    return "" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def describe_size(size_bytes: float) -> str:
    """``3.4 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} TiB"


def _text(text: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(plain(text), style=style)


def _write(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()
