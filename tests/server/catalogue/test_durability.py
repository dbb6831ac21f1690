"""What was acknowledged survives SIGKILL."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import uuid
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.catalogue import Catalogue, ChangeKind, ImageDraft

NAMESPACE = uuid.UUID("7a0f3c52-7f0c-4a58-9d62-0b0f5d1b7f11")
THREADS = 3

# Adds images for ever, each under a request id of its own; prints each once it is acknowledged. Every third is
# deleted again.
WRITER = f"""
import itertools, sys, threading, uuid
import numpy as np
from steeple.delf.features import FeatureSet
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft

catalogue = Catalogue.open(sys.argv[1])
catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="tower")
printing = threading.Lock()

def say(*words):
    with printing:
        sys.stdout.write(" ".join(map(str, words)) + chr(10))
        sys.stdout.flush()

def add(thread):
    for number in itertools.count(thread, {THREADS}):
        full = lambda shape: np.full(shape, 1 + number % 100, np.float32)
        features = FeatureSet("m", 640, 480, full((50, 40)).astype(np.int8), full((50, 2)), full(50), full(50))
        request_id = str(uuid.uuid5(uuid.UUID("{NAMESPACE}"), str(number)))
        image = catalogue.create_image("tower", ImageDraft(features), image_id=f"i{{number}}", request_id=request_id)
        say("added", number, image.key)
        if number % 3 == 2:
            catalogue.delete_image("tower", f"i{{number}}")
            say("deleted", number, image.key)

for thread in range({THREADS}):
    threading.Thread(target=add, args=(thread,)).start()
"""


def features_of(number: int) -> FeatureSet:
    def full(shape: int | tuple[int, int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return np.full(shape, 1 + number % 100, np.float32)

    return FeatureSet("m", 640, 480, full((50, 40)).astype(np.int8), full((50, 2)), full(50), full(50))


@pytest.mark.parametrize("acknowledgements", [1, 40])
def test_what_was_acknowledged_survives_sigkill(sqlite_url: str, tmp_path: Path, acknowledgements: int) -> None:
    url = sqlite_url
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(acknowledgements)]
        writer.kill()
        lines += writer.stdout.readlines()
    assert writer.returncode == -signal.SIGKILL
    said = [tuple(line.split()) for line in lines if line.endswith("\n")]
    added = {int(number): int(key) for what, number, key in said if what == "added"}
    deleted = {int(number) for what, number, _ in said if what == "deleted"}
    assert len(said) >= acknowledgements

    with Catalogue.open(url) as catalogue:
        stored = {int(image.id[1:]): image for image in catalogue.list_images("tower", page_size=1000).items}
        assert not deleted & set(stored)
        # A deletion that was under way may have been done without having been acknowledged.
        missing = set(added) - deleted - set(stored)
        assert all(number % 3 == 2 for number in missing)
        assert len(missing) + len(set(stored) - set(added)) <= THREADS
        for number, image in stored.items():
            assert image.key == added.get(number, image.key)
        for key, features in catalogue.features(image.key for image in stored.values()).items():
            number = int(catalogue.images([key])[key].id[1:])
            expected = wire.unpack(wire.pack(features_of(number)))
            np.testing.assert_array_equal(features.descriptors, expected.descriptors)
            np.testing.assert_array_equal(features.keypoints, expected.keypoints)
        assert [key for key, _ in catalogue.iterate_features("m")] == sorted(image.key for image in stored.values())
        assert_history_leads_to(catalogue, {image.key for image in stored.values()})

        # The application did not hear of some and sends all again: each is there once.
        highest = max([*added, *stored])
        for number in range(highest + 1):
            image = catalogue.create_image(
                "tower",
                ImageDraft(features_of(number)),
                image_id=f"i{number}",
                request_id=str(uuid.uuid5(NAMESPACE, str(number))),
            )
            assert image.key == added.get(number, image.key)
        keys = [image.key for image in catalogue.list_images("tower", page_size=1000).items]
        assert len(keys) == len(set(keys)) == catalogue.image_count()
        assert_history_leads_to(catalogue, set(keys))

    with closing(sqlite3.connect(tmp_path / "catalogue.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def assert_history_leads_to(catalogue: Catalogue, keys: set[int]) -> None:
    history = catalogue.changes_since(0, limit=10**6)
    assert [change.sequence for change in history] == list(range(1, catalogue.sequence() + 1))
    gallery = set[int]()
    for change in history:
        if change.kind is ChangeKind.ADD:
            assert change.image_key not in gallery
            gallery.add(change.image_key)
        else:
            gallery.remove(change.image_key)
    assert gallery == keys
