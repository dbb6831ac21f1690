"""Saves what a person would, and says each time that it is saved; until it is killed.

Run as ``python -m tests.app.saver FOLDER``: saves on and on. With ``answer`` after it: answers what waits there.
"""

from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from steeple.app.data import AppData
from steeple.app.found import Found, Origin
from steeple.app.history import HistoryEntry
from steeple.app.secrets import FileSecrets
from steeple.client import LatLng
from steeple.delf.features import FeatureSet

from .known import answer_of, features_of

TIME = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Answering:
    """Answers with the number of features as the landmark's name."""

    def identify(self, features: FeatureSet, *, include_thumbnails: bool = False, near: LatLng | None = None) -> Found:
        return Found(answer_of(f"L{len(features)}"), Origin.SERVER)


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def save_on_and_on(data: AppData) -> None:
    history: list[int] = []
    for number in itertools.count(1):
        history.append(data.history.add(HistoryEntry(answer_of(f"L{number}"), Origin.SERVER, TIME, b"\xff" * 30_000)))
        say(history=history)
        say(waiting=data.waiting.add(features_of(number), time=TIME, thumbnail=b"\xfe" * 20_000))
        say(max_bytes=data.settings.change(max_bytes=(1024, 4096)[number % 2], language=f"x{number}").language)
        data.keys.set("localhost:1", f"stp_{number}")
        say(key=f"stp_{number}")
        say(proposal=data.proposals.photo("localhost:1", b"\xfd" * 50_000, f"L{number}", time=TIME))
        if number % 3 == 0:
            data.history.delete(history.pop(0))
            say(history=history)


def main() -> None:
    folder = Path(sys.argv[1])
    with AppData.open(folder, secrets=FileSecrets(folder / "secrets.json")) as data:
        if sys.argv[2:] == ["answer"]:
            for entry in data.waiting.answer(Answering()):
                say(answered=entry.id)
        else:
            save_on_and_on(data)


if __name__ == "__main__":
    main()
