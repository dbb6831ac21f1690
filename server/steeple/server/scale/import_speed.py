"""What an import costs, beside what it cannot go below: extraction alone."""

from __future__ import annotations

import shutil
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from steeple.delf.photo_files import evenly
from steeple.errors import InternalError, InvalidArgumentError
from steeple.server.engine import Engine
from steeple.server.extraction import ExtractorPool
from steeple.server.importing import ImportOptions
from steeple.server.importing.layout import plan_import
from steeple.server.importing.sources import FolderSource
from steeple.server.operations import OperationState
from steeple.server.settings import Settings

_SAMPLE: Final = 40  # photos that are extracted alone
_PER_LANDMARK: Final = 20
_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True)
class ImportSpeed:
    """What an import cost.

    Attributes:
        photos: Of the import.
        cores: That it could use.
        extract_ms: Milliseconds to decode and extract a photo on one thread with nothing beside; the mean of a sample,
            taken before and after the import.
        extract_busy_ms: The same where all cores do it at once: more, where cores share what they compute with.
        seconds: Of the import.
        commit_seconds: Of them, in which the catalogue and the index took photos, while others were extracted.
        photos_per_second: Imported.
        ratio: Of ``seconds`` to ``photos * extract_ms / cores``.
        busy_ratio: The same to ``photos * extract_busy_ms / cores``.
        extract_cpu_ms: Processor time of an extraction where all cores extract, milliseconds: nearly the same on a
            machine that has other things to do.
        import_cpu_ms: Processor time of the import, of all threads, milliseconds a photo.
        failed: Photos that were not imported.
    """

    photos: int
    cores: int
    extract_ms: float
    extract_busy_ms: float
    seconds: float
    commit_seconds: float
    photos_per_second: float
    ratio: float
    busy_ratio: float
    extract_cpu_ms: float
    import_cpu_ms: float
    failed: int


def write_photos(folder: Path, count: int) -> None:
    """Writes synthetic photos of 640x480 pixels, 20 a landmark, each like no other; number n is always the same."""
    for number in range(count):
        random = np.random.default_rng(number)
        noise = random.integers(0, 256, (60, 80, 3)).astype(np.uint8)
        image = cv2.resize(noise, (640, 480), interpolation=cv2.INTER_CUBIC)
        for _ in range(30):
            (x, y), (width, height) = random.integers(0, [560, 400]), random.integers(20, 160, 2)
            colour = [int(value) for value in random.integers(0, 256, 3)]
            cv2.rectangle(image, (int(x), int(y)), (int(x + width), int(y + height)), colour, -1)
        landmark = folder / f"landmark-{number // _PER_LANDMARK:04}"
        landmark.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(landmark / f"{number:06}.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 90])


def measure_import(
    photos: Path, work: Path, *, duplicates: str = "none", advance: Callable[[int, int], object]
) -> ImportSpeed:
    """Imports a folder into a new catalogue, and measures extraction before and after.

    Args:
        photos: One folder a landmark, or with a manifest.
        work: A folder for the server's data; what it makes there is deleted.
        duplicates: What becomes of photos that have duplicates.
        advance: Told how many photos of how many are done.

    Raises:
        InvalidArgumentError: If there is no photo to import.
        SteepleError: If the import failed.
    """
    sample = _sample(photos)
    data_dir = work / "data"
    settings = Settings.load(data_dir=data_dir, import_dir=photos, log_level="WARNING")
    engine = Engine(settings)
    try:
        cores = settings.workers
        extractors = engine.serving.extractors_of(engine.release)
        alone = [_alone(extractors, sample)]
        busy = [_busy(extractors, sample, cores)]
        options = ImportOptions.from_json({**ImportOptions(folder=".").to_json(), "duplicates": duplicates})
        began, began_cpu = time.perf_counter(), time.process_time()
        operation = engine.photo_import.begin(options)
        while not operation.finished:
            operation = engine.operations.wait(operation.id, _POLL_SECONDS)
            advance(operation.done, operation.total)
        seconds, import_cpu = time.perf_counter() - began, time.process_time() - began_cpu
        alone.append(_alone(extractors, sample))
        busy.append(_busy(extractors, sample, cores))
    finally:
        engine.close()
        shutil.rmtree(data_dir)
    if operation.state is not OperationState.SUCCEEDED:
        raise InternalError(f"the import failed: {operation.error_message}")
    count = operation.total
    extract, extract_busy = statistics.mean(alone), statistics.mean(wall for wall, _ in busy)
    return ImportSpeed(
        photos=count,
        cores=cores,
        extract_ms=round(1e3 * extract, 2),
        extract_busy_ms=round(1e3 * extract_busy, 2),
        seconds=round(seconds, 3),
        commit_seconds=float(operation.results["commit_seconds"]),
        photos_per_second=round(count / seconds, 2),
        ratio=round(seconds * cores / (count * extract), 3),
        busy_ratio=round(seconds * cores / (count * extract_busy), 3),
        extract_cpu_ms=round(1e3 * statistics.mean(cpu for _, cpu in busy), 2),
        import_cpu_ms=round(1e3 * import_cpu / count, 2),
        failed=operation.problem_count,
    )


def _sample(folder: Path) -> list[bytes]:
    """Some of the photos that are imported."""
    source = FolderSource(folder, ".")
    try:
        photos = plan_import(source, "").photos
        if not photos:
            raise InvalidArgumentError(f"there is no photo to import in {folder}")
        return [source.read(photo.file) for photo in evenly(photos, _SAMPLE)]
    finally:
        source.close()


def _alone(extractors: ExtractorPool, photos: Sequence[bytes]) -> float:
    """Seconds a photo, on this thread."""
    extractors.extract(photos[0])  # makes the extractor
    began = time.perf_counter()
    for photo in photos:
        extractors.extract(photo)
    return (time.perf_counter() - began) / len(photos)


def _busy(extractors: ExtractorPool, photos: Sequence[bytes], threads: int) -> tuple[float, float]:
    """Seconds, and seconds of processor time, a photo and thread, on so many threads."""
    ready = threading.Barrier(threads + 1)

    def work(mine: Sequence[bytes]) -> None:
        extractors.extract(mine[0])
        ready.wait()
        for photo in mine:
            extractors.extract(photo)

    with ThreadPoolExecutor(threads) as pool:
        runs = [pool.submit(work, photos) for _ in range(threads)]
        ready.wait()
        began, began_cpu = time.perf_counter(), time.process_time()
        for run in runs:
            run.result()
        cpu = time.process_time() - began_cpu
        return (time.perf_counter() - began) / len(photos), cpu / (threads * len(photos))
