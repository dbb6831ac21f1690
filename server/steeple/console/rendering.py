"""Makes pages of templates. What a template is given is text and is shown as such, whatever it holds."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER: Final = Path(__file__).parent
STATIC_FOLDER: Final = _FOLDER / "static"
"""Scripts, styles and pictures of the console's own."""

_UNITS: Final = ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3600, "hour"), (60, "minute"))


def environment() -> Environment:
    """Of all templates. What a template asks for and was not given is an error."""
    made = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        number=number, size=size, when=when, percent=percent, seconds=seconds, ending=ending, sentence=sentence
    )
    made.globals.update(asset=asset, ms=milliseconds)
    return made


@cache
def static_version() -> str:
    """Changes with any file of :data:`STATIC_FOLDER`."""
    digest = hashlib.sha256()
    for path in sorted(STATIC_FOLDER.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """Path of a file of :data:`STATIC_FOLDER`, below their version, so that browsers may keep it for good.

    Scripts import each other by relative paths, and so in the same version, and each once.
    """
    return f"/static/{static_version()}/{name}"


def number(value: float | int | None) -> str:
    """With thousands apart: 1,234,567."""
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def size(value: float | int) -> str:
    """Bytes as people read them: 1.5 MB."""
    amount = float(value)
    for unit in ("bytes", "kB", "MB", "GB"):
        if amount < 1000:
            return f"{amount:,.0f} {unit}" if unit == "bytes" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:,.1f} TB"


def percent(value: float) -> str:
    """A share of 1: 97 %, and 99.5 % near the ends."""
    shown = 100 * value
    return f"{shown:.1f} %" if 0 < shown < 1 or 99 < shown < 100 else f"{shown:.0f} %"


def seconds(value: float) -> str:
    """A span: 12 ms, 3.4 s, 5 min, 2 h."""
    if value < 1:
        return f"{1000 * value:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{value / 60:.0f} min" if value < 5400 else f"{value / 3600:.1f} h"


def milliseconds(value: float) -> str:
    """A span that is given in milliseconds, as :func:`seconds`."""
    return seconds(value / 1000)


def ending(count: int, one: str, many: str = "") -> str:
    """``1 photo``, ``2 photos``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def sentence(text: str) -> str:
    """With a capital letter at the beginning and a full stop at the end."""
    told = text[:1].upper() + text[1:]
    return told if not told or told.endswith((".", "!", "?", ":")) else f"{told}."


def when(time: datetime | None, now: datetime | None = None) -> Markup:
    """How long ago, or how long until; the time itself, UTC, for who points at it."""
    if time is None:
        return Markup("–")
    moment = time if time.tzinfo else time.replace(tzinfo=UTC)
    passed = ((now or datetime.now(UTC)) - moment).total_seconds()
    words = "now"
    for length, unit in _UNITS:
        if abs(passed) >= length:
            count = int(abs(passed) // length)
            span = ending(count, unit)
            words = f"{span} ago" if passed > 0 else f"in {span}"
            break
    exact = f"{moment:%Y-%m-%d %H:%M:%S} UTC"
    return Markup('<time datetime="{}" title="{}">{}</time>').format(moment.isoformat(), exact, words)
