"""Runs the staged app's parts as a phone would: nothing but what is staged, and what phones have beside it.

    PYTHON -S -P -m tests.app.android.phone STAGED REQUEST.json

Run by tests, with whichever Python plays the phone; prints what it found as JSON. The key is in STEEPLE_KEY.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

ALLOWED = frozenset({"ai_edge_litert", "backports", "cv2", "google", "grpc", "grpc_status", "numpy", "tflite_runtime"})
"""Packages from elsewhere that the app may import; Kivy's and Java's come with windows and phones."""

LEFT_ALONE = ("steeple.app.ui", "steeple.app.android.pyjnius_bridge")


class Guard:
    """Refuses imports of what a phone does not have."""

    def __init__(self, also: Iterable[str]) -> None:
        self._also = frozenset(also)
        self.refused: set[str] = set()

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        top = name.partition(".")[0]
        if top in ALLOWED | self._also | sys.stdlib_module_names or top == "steeple":
            return None
        self.refused.add(top)
        raise ModuleNotFoundError(f"a phone has no {top}", name=top)


def guarded(staged: str, also: Iterable[str]) -> Guard:
    """Leaves what is staged, what is installed, and of that what a phone has.

    -S leaves out what an editable installation of the repository adds to the path.
    """
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    installed = Path(sys.executable).parent.parent / "lib" / version / "site-packages"
    sys.path[:] = [staged, *(entry for entry in sys.path if entry), str(installed)]
    guard = Guard(also)
    sys.meta_path.insert(0, guard)
    return guard


def strangers(staged: str) -> list[str]:
    """Modules of the app that are not those that are staged."""
    return [
        name
        for name, module in sys.modules.items()
        if name.startswith("steeple.") and not str(module.__file__).startswith(staged + "/")
    ]


def main(staged: str, request: str) -> int:
    """Imports every module, then asks a server."""
    facts = json.loads(Path(request).read_text(encoding="utf-8"))
    guard = guarded(staged, facts.pop("also"))
    modules = [name for name in modules_of(Path(staged)) if not name.startswith(LEFT_ALONE)]
    for name in modules:
        importlib.import_module(name)
    found = {"imported": modules, "strange": strangers(staged), "refused": sorted(guard.refused), **_versions()}
    print(json.dumps({**found, **_ask(facts)}))  # noqa: T201
    return 0


def modules_of(staged: Path) -> list[str]:
    """Names of all modules of the app."""
    found = []
    for path in sorted((staged / "steeple").rglob("*.py")):
        parts = path.relative_to(staged).with_suffix("").parts
        found.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return found


def _versions() -> dict[str, str]:
    import cv2  # noqa: PLC0415 - after the guard
    import google.protobuf  # noqa: PLC0415
    import grpc  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415
    from google.protobuf.internal import api_implementation  # noqa: PLC0415

    from steeple.delf.network import runtime  # noqa: PLC0415

    return {
        "python": sys.version.split()[0],
        "runtime": runtime(),
        "grpc": grpc.__version__,
        "numpy": np.__version__,
        "opencv": cv2.__version__,
        "protobuf": f"{google.protobuf.__version__} {api_implementation.Type()}",
    }


def _ask(facts: dict[str, Any]) -> dict[str, Any]:
    import os  # noqa: PLC0415
    import time  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415

    from steeple.client import Client  # noqa: PLC0415
    from steeple.delf import Extractor  # noqa: PLC0415
    from steeple.errors import SteepleError  # noqa: PLC0415

    photo = np.load(facts["photo"])
    features = Extractor().extract(photo)
    reach = {"root_certificates": facts["certificate"], "timeout": 60.0}
    with Client(facts["address"], key=os.environ["STEEPLE_KEY"], **reach) as client:
        client.wait_until_ready(60.0)
        whole = client.identify(photo, include_matches=True)
        few = client.identify(photo, max_bytes=4096)
        upload = client.identify(photo, upload=True)
        stream = [answer.answer for answer in client.identify_stream(iter([photo] * 3))]
        times = []
        for _ in range(facts["repeat"]):
            start = time.perf_counter()
            client.identify(features, include_matches=True)
            times.append(1000 * (time.perf_counter() - start))
    try:
        with Client(facts["address"], key="stp_nobody_knows", **reach) as stranger:
            stranger.identify(features)
        refusal = ""
    except SteepleError as error:
        refusal = type(error).__name__
    return {
        "features": len(features),
        "answers": {"whole": whole.to_dict(), "few": few.to_dict(), "upload": upload.to_dict()},
        "stream": [answer.to_dict() for answer in stream],
        "refusal": refusal,
        "round_trip_ms": sorted(times),
    }


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
