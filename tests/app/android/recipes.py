"""What buildozer and python-for-android make of the app's spec; run with the Python of `make test-android`.

    PYTHON recipes.py FOLDER

Run in the folder that `make android-stage` makes. Prints JSON; nothing is built, and no SDK is needed.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

_KEY = re.compile(r"^#? ?([a-z][\w.-]*) =", re.MULTILINE)


def main() -> int:
    """Reads the spec, copies what would be packed, and resolves the requirements."""
    # Both talk, and one of them already when it is imported.
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        found = {**_buildozer(), **_recipes()}
    sys.stdout.write(json.dumps(found))
    return 0


def _buildozer() -> dict[str, Any]:
    import buildozer  # noqa: PLC0415 - talks

    builder = buildozer.Buildozer("buildozer.spec")
    builder.targetname = "android"
    builder.check_configuration_tokens()
    builder.check_build_layout()
    builder._copy_application_sources()
    packed = Path(builder.app_dir)
    template = (Path(buildozer.__file__).parent / "default.spec").read_text(encoding="utf-8")
    return {
        "known_keys": sorted(set(_KEY.findall(template))),
        "keys": sorted(dict(builder.config["app"])),
        "version": builder.get_version(),
        "requirements": builder.config.getlist("app", "requirements"),
        "packed": sorted(path.relative_to(packed).as_posix() for path in packed.rglob("*") if path.is_file()),
    }


def _recipes() -> dict[str, Any]:
    import buildozer  # noqa: PLC0415
    from pythonforandroid.build import Context  # noqa: PLC0415
    from pythonforandroid.graph import get_recipe_order_and_bootstrap  # noqa: PLC0415
    from pythonforandroid.recipe import Recipe  # noqa: PLC0415

    context = Context()
    # A name with a version is no recipe's.
    names = [
        item.split("==")[0] for item in buildozer.Buildozer("buildozer.spec").config.getlist("app", "requirements")
    ]
    recipes, modules, bootstrap = get_recipe_order_and_bootstrap(context, names)
    versions = {name: str(Recipe.get_recipe(name, context).version) for name in recipes}
    return {"recipes": versions, "modules": sorted(modules), "bootstrap": bootstrap.name}


if __name__ == "__main__":
    sys.exit(main())
