"""kill -9 in the middle of exports and imports."""

from __future__ import annotations

import hashlib
import multiprocessing
import random
import time
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from steeple.delf import wire
from steeple.delf.features import FeatureSet
from steeple.server.catalogue import Capture, Landmark, ReferenceImage
from steeple.server.engine import Engine
from steeple.server.operations import OperationState
from steeple.server.settings import Settings
from steeple.server.transfer import format
from tests.server.transfer import transfer_worker

IMAGES = 400
KILLS = 3
TIME = datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)


def small_features(number: int) -> FeatureSet:
    made = np.random.default_rng(number)
    return FeatureSet(
        model="delf-lite2-v1",
        width=100,
        height=100,
        descriptors=made.integers(-127, 128, (5, 40)).astype(np.int8),
        keypoints=made.uniform(0, 99, (5, 2)).astype(np.float32),
        scales=np.ones(5, np.float32),
        scores=np.linspace(1, 0.5, 5, dtype=np.float32),
    )


def image(number: int) -> ReferenceImage:
    """Image ``number`` of a catalogue that never was."""
    return ReferenceImage(
        key=number,
        landmark_id=f"landmark-{number % 7}",
        id=f"image-{number}",
        model="delf-lite2-v1",
        width=100,
        height=100,
        feature_count=5,
        sha256="",
        size_bytes=0,
        media_type="",
        metadata={"number": str(number)},
        create_time=TIME + timedelta(seconds=number),
        etag="",
        capture=Capture(),
        identify_count=number,
    )


def write_archive(path: Path) -> dict[str, bytes]:
    """Writes an archive of many small images; the lines of its two lists."""
    landmarks = [
        Landmark(f"landmark-{number}", f"Landmark {number}", "", None, {}, 0, TIME, TIME, "") for number in range(7)
    ]
    lines = {format.LANDMARKS: b"".join(format.LandmarkRecord.of(one).line() for one in landmarks)}
    records = []
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(IMAGES):
            data = wire.pack(small_features(number)).SerializeToString(deterministic=True)
            archive.writestr(format.features_member(image(number)), data)
            records.append(format.ImageRecord.of(image(number), hashlib.sha256(data).hexdigest(), "").line())
        lines[format.IMAGES] = b"".join(records)
        for name, text in lines.items():
            archive.writestr(name, text)
        manifest = format.Manifest(
            format=format.FORMAT,
            format_version=format.VERSION,
            steeple_version="0",
            create_time=TIME,
            sequence=0,
            models=[format.Release(name="delf-lite2-v1", tflite_sha256="")],
            landmark_count=7,
            image_count=IMAGES,
            photo_count=0,
            with_photos=True,
        )
        archive.writestr(format.MANIFEST, manifest.line())
    return lines


def kill_again_and_again(data_dir: Path, archive: Path | None, journal: Path, longest: float) -> int:
    """Runs the worker and kills it; how often it was in the middle of its operation then."""
    chance = random.Random(7)  # noqa: S311 - no secret
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.server.transfer.transfer_worker"])
    interrupted = 0
    for _ in range(KILLS):
        seen = said(journal).count("began")
        process = context.Process(target=transfer_worker.work, args=(data_dir, archive, journal))
        process.start()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.is_alive() and said(journal).count("began") == seen:
            process.join(0.005)
        process.join(chance.uniform(0.0, longest))
        interrupted += process.is_alive() and "ended" not in said(journal)
        process.kill()
        process.join()
        if "ended" in said(journal):
            break
    return interrupted


def said(journal: Path) -> str:
    return journal.read_text(encoding="utf-8") if journal.exists() else ""


def test_kills_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    data_dir, journal = tmp_path / "data", tmp_path / "journal"
    lines = write_archive(tmp_path / "catalogue.zip")
    assert kill_again_and_again(data_dir, tmp_path / "catalogue.zip", journal, 0.6) >= 2
    engine = Engine(Settings.load(None, data_dir=data_dir))
    (operation,) = engine.operations.store.list().items
    done = engine.operations.wait(operation.id, 120.0)
    assert (done.state, done.problem_count) == (OperationState.SUCCEEDED, 0)
    assert (done.results["landmarks"], done.results["images"]) == ("7", str(IMAGES))
    assert engine.catalogue.image_count() == IMAGES
    assert engine.index_keeper.index.stats().images == IMAGES
    assert engine.catalogue.sequence() == IMAGES, "every image was added once"
    engine.close()

    journal = tmp_path / "another"
    kill_again_and_again(data_dir, None, journal, 0.2)
    engine = Engine(Settings.load(None, data_dir=data_dir))
    operation = engine.operations.store.list().items[0]
    assert engine.operations.wait(operation.id, 120.0).state is OperationState.SUCCEEDED
    folder = engine.operations.folder(operation.id)
    assert [path.name for path in folder.iterdir()] == ["catalogue.zip"]
    with zipfile.ZipFile(folder / "catalogue.zip") as archive:
        for name, text in lines.items():
            assert archive.read(name) == text
        assert archive.testzip() is None
    engine.close()
