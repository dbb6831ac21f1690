"""Assembles what goes into the Android app: `make android-stage`, and docs/client/android.md.

    python tools/stage_android.py [--output build/android]

The output has `buildozer.spec` with the files that it names, and the folder `app`, all of which is packed: `main.py`,
the packages below without what a phone has no use for, and the model releases for phones. It imports nothing of them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPEC = ROOT / "deploy" / "android"

PACKAGES = {
    "protos": ("errors.py", "v1"),
    "models": ("delf", "recognition", "packs"),
    "client": ("client", "app"),
}
"""What is packed of the namespace, by folder."""

LEFT_OUT = (
    "delf/export",  # makes model releases, with TensorFlow
    "delf/training",
    "delf/releases",  # staged one by one
)
"""Of the packages, by path below the namespace."""

KINDS = {".py", ".kv", ".mo", ".json", ".ttf", ".typed"}
"""Files that are packed, by suffix; source.include_exts in buildozer.spec has them, and those of model releases."""

RELEASES = ("delf-lite2-v1", "delf-lite0-v1")
"""Model releases that are packed: the default, and the one for slow phones."""

TRAINING_FILES = ("weights.npz",)
"""Of a model release: needed to train another one only."""


def stage(output: Path) -> list[Path]:
    """Makes the output anew.

    Args:
        output: A folder; what was staged there before is removed, and nothing else.

    Returns:
        The files, relative to it, sorted.
    """
    app = output / "app"
    shutil.rmtree(app, ignore_errors=True)
    app.mkdir(parents=True)
    shutil.copyfile(SPEC / "main.py", app / "main.py")
    namespace = app / "steeple"
    for folder, names in PACKAGES.items():
        for name in names:
            _copy(ROOT / folder / "steeple", name, namespace)
    for release in RELEASES:
        _copy_release(ROOT / "models/steeple/delf/releases" / release, namespace / "delf" / "releases" / release)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    for path in SPEC.iterdir():
        if path.suffix in {".spec", ".xml"}:
            text = path.read_text(encoding="utf-8").replace("@VERSION@", version)
            (output / path.name).write_text(text, encoding="utf-8")
        elif path.suffix == ".png":
            shutil.copyfile(path, output / path.name)
    return sorted(path.relative_to(output) for path in output.rglob("*") if path.is_file())


def _copy(source: Path, name: str, target: Path) -> None:
    root = source / name
    for path in [root] if root.is_file() else sorted(root.rglob("*")):
        place = path.relative_to(source).as_posix()
        left_out = any(place == entry or place.startswith(f"{entry}/") for entry in LEFT_OUT)
        if path.suffix in KINDS and path.is_file() and not left_out:
            (target / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / place)


def _copy_release(source: Path, target: Path) -> None:
    """Copies a model release without what trains others; the rest is checked by hash, now and when it is loaded."""
    target.mkdir(parents=True)
    manifest = json.loads((source / "release.json").read_text(encoding="utf-8"))
    for name in TRAINING_FILES:
        manifest["files"].pop(name, None)
    for name, facts in manifest["files"].items():
        data = (source / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != facts["sha256"]:
            raise SystemExit(f"{source / name} is not what release.json says; check the working tree")
        (target / name).write_bytes(data)
    (target / "release.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Stages the app and says what it takes."""
    parser = argparse.ArgumentParser(description="Assembles what goes into the Android app.")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "build" / "android", help="folder (default: build/android)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    files = stage(given.output)
    size = sum((given.output / path).stat().st_size for path in files)
    if given.json:
        print(json.dumps({"output": str(given.output), "bytes": size, "files": [path.as_posix() for path in files]}))
    else:
        print(f"{len(files)} files, {size / 1e6:.1f} MB in {given.output}")
        print(f"Where the Android SDK can be had: cd {given.output} && buildozer android debug")
    return 0


if __name__ == "__main__":
    sys.exit(main())
