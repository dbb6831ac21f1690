"""Makes client/steeple/client/_sync from _async: the same client without ``await``.

    python tools/generate_sync_client.py          # writes
    python tools/generate_sync_client.py --check  # exits 1 if what is there is not what it would write

What is left of the difference between the two is in client/steeple/client/_concurrency.py and _transport.py.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "client" / "steeple" / "client"
SOURCE = CLIENT / "_async"
TARGET = CLIENT / "_sync"

REPLACEMENTS = [
    (r"\bsteeple\.client\._async\b", "steeple.client._sync"),
    (r"^import grpc\.aio\n", ""),
    (r"\bgrpc\.aio\.", "grpc."),
    (r"\bclass AsyncClient\b", "class Client"),
    (r" Asynchronous clients belong to the event loop of their first call\.", ""),
    (r"\b(_?)Async([A-Z])", r"\1\2"),
    (r"\b(\w+)_async\b", r"\1"),
    (r"\basync (def|with|for)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAwaitable\[(\w+)\]", r"\1"),
    (r"\bAwaitable\b, |, \bAwaitable\b", ""),
    (r"\b__a(enter|exit|iter|next)__\b", r"__\1__"),
    (r"\banext\(", "next("),
    (r"\bStopAsyncIteration\b", "StopIteration"),
]

# Said outright, because the modules that are being written may not be there to be found.
FIRST_PARTY = "--config=lint.isort.known-first-party=['steeple']"

PACKAGE_DOCSTRING = '"""The synchronous client, generated from the asynchronous one."""\n'
HEADER = "# Made from _async/{name} by tools/generate_sync_client.py; do not edit.\n"


def synchronous(source: str, name: str) -> str:
    """The synchronous twin of a module of the asynchronous client."""
    if name == "__init__.py":
        text = PACKAGE_DOCSTRING
    else:
        text = source
        for pattern, replacement in REPLACEMENTS:
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    text = HEADER.format(name=name) + text
    text = _ruff(["check", "--select=I", "--fix", "--quiet", FIRST_PARTY], text, name)
    return _ruff(["format", "--quiet"], text, name)


def _ruff(arguments: list[str], text: str, name: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments, f"--stdin-filename={TARGET / name}", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"ruff could not read {name}:\n{done.stderr}")
    return done.stdout


def main() -> int:
    """Writes or checks all modules; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if something is stale")
    check = parser.parse_args().check
    wanted = {path.name: synchronous(path.read_text("utf-8"), path.name) for path in sorted(SOURCE.glob("*.py"))}
    present = {path.name: path.read_text("utf-8") for path in TARGET.glob("*.py")}
    stale = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    if check:
        for name in stale:
            print(f"stale: {TARGET / name}", file=sys.stderr)
        if stale:
            print("run python tools/generate_sync_client.py", file=sys.stderr)
        return 1 if stale else 0
    TARGET.mkdir(exist_ok=True)
    for name in stale:
        if name in wanted:
            (TARGET / name).write_text(wanted[name], "utf-8")
        else:
            (TARGET / name).unlink()
    print(f"{len(stale)} of {len(wanted)} modules written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
