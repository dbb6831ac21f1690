"""Keeps the app's translations in step with its texts, and compiles them.

    python tools/compile_messages.py           # new texts into the .po files, .mo files from them
    python tools/compile_messages.py --check   # changes nothing; fails if either is not in step

Texts are what ``tr(...)``, ``tr.count(...)`` and ``message(...)`` are given in Python and KV files. What is not
translated yet has an empty translation, and is shown in English.
"""

from __future__ import annotations

import argparse
import ast
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

UI: Final = Path(__file__).resolve().parent.parent / "client/steeple/app/ui"
LOCALE: Final = UI / "locale"
LANGUAGES: Final = ("ko",)
DOMAIN: Final = "steeple"

_CALLS: Final = frozenset({"tr", "message", "count"})
_KV_CALL: Final = re.compile(r"\btr(?:\.count)?\(")


def main(arguments: list[str] | None = None) -> int:
    """Runs the tool; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if something is not in step")
    check = parser.parse_args(arguments).check
    texts = sorted(set(_texts()), key=lambda text: text if isinstance(text, str) else text[0])
    stale = [path for language in LANGUAGES for path in _bring_into_step(language, texts, check=check)]
    for path in stale:
        print(f"{path}: {'not in step; run python tools/compile_messages.py' if check else 'written'}")
    return 1 if check and stale else 0


def _texts() -> Iterator[str | tuple[str, str]]:
    for path in sorted(UI.rglob("*.py")):
        yield from _of_python(path.read_text(encoding="utf-8"))
    for path in sorted(UI.rglob("*.kv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if _KV_CALL.search(line) and not line.lstrip().startswith("#"):
                yield from _of_python(line.split(":", 1)[1].strip())


def _of_python(source: str) -> Iterator[str | tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _CALLS:
            given = [item.value for item in node.args if isinstance(item, ast.Constant) and isinstance(item.value, str)]
            if name == "count" and len(given) == 2:
                yield given[0], given[1]
            elif name != "count" and len(given) == 1 and given[0]:
                yield given[0]


def _bring_into_step(language: str, texts: list[str | tuple[str, str]], *, check: bool) -> list[Path]:
    folder = LOCALE / language / "LC_MESSAGES"
    po, mo = folder / f"{DOMAIN}.po", folder / f"{DOMAIN}.mo"
    before = po.read_bytes() if po.is_file() else b""
    old = read_po(io.BytesIO(before), locale=language)
    catalogue = Catalog(locale=language, domain=DOMAIN, header_comment=f"# Texts of the app, {language}.", fuzzy=False)
    for text in texts:
        known = old.get(text if isinstance(text, str) else text[0])
        catalogue.add(text, "" if known is None else known.string)
    written, compiled = io.BytesIO(), io.BytesIO()
    write_po(written, _without_dates(catalogue), width=120, omit_header=False)
    write_mo(compiled, _without_dates(catalogue))
    stale = []
    for path, content in ((po, written.getvalue()), (mo, compiled.getvalue())):
        if not path.is_file() or path.read_bytes() != content:
            stale.append(path)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
    return stale


def _without_dates(catalogue: Catalog) -> Catalog:
    # The same texts make the same bytes, whenever and by whichever version of Babel.
    header = {"MIME-Version", "Content-Type", "Content-Transfer-Encoding", "Language", "Plural-Forms"}
    kept = [(name, value) for name, value in catalogue.mime_headers if name in header]
    catalogue.__class__ = type("_Plain", (Catalog,), {"mime_headers": kept})
    return catalogue


if __name__ == "__main__":
    sys.exit(main())
