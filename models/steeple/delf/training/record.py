"""The record of a training run: its recipe, what it began with, and its photos."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from steeple.errors import ReleaseError

RUN: Final = "run.json"


def run_facts(folder: Path) -> dict[str, Any]:
    """What ``run.json`` of a run holds.

    Raises:
        ReleaseError: If it is damaged.
    """
    try:
        facts = json.loads((folder / RUN).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReleaseError(f"{folder / RUN} cannot be read: {error}") from error
    if not isinstance(facts, dict) or not {"recipe", "start", "photos"} <= facts.keys():
        raise ReleaseError(f"{folder / RUN} is not the record of a training run")
    return facts
