"""A process that changes a catalogue, checks its index, and is killed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from steeple.delf.features import DIMENSIONS, FeatureSet, quantize_descriptors
from steeple.errors import AlreadyExistsError, NotFoundError
from steeple.server import index_keeper, upkeep
from steeple.server.catalogue import LandmarkDraft
from steeple.server.engine import Engine
from steeple.server.index import FaissIndex, codebook, faiss_index, training
from steeple.server.settings import Settings

DESCRIPTORS = 200
IMAGES = 30


def features(number: int) -> FeatureSet:
    """Those of image ``number``: always the same."""
    random = np.random.default_rng(number)
    vectors = random.standard_normal((DESCRIPTORS, DIMENSIONS)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return FeatureSet(
        model="delf-lite2-v1",
        width=640,
        height=480,
        descriptors=quantize_descriptors(vectors),
        keypoints=(random.random((DESCRIPTORS, 2)) * [639, 479]).astype(np.float32),
        scales=np.ones(DESCRIPTORS, np.float32),
        scores=np.linspace(1.0, 0.1, DESCRIPTORS, dtype=np.float32),
    )


def hurry() -> None:
    """Everything that waits in a server happens here all the time, at a small size."""
    upkeep._EVERY_SECONDS = 0.01  # type: ignore[misc]
    index_keeper._SAVE_SECONDS = 0.05  # type: ignore[misc]
    faiss_index._LIVE_LIMIT = 1000  # type: ignore[misc]
    codebook._COMFORT = 2  # type: ignore[misc]
    training._LISTS_PER_ROOT = 32  # type: ignore[misc]
    training._ITERATIONS = 2  # type: ignore[misc]


def check(engine: Engine, expected: dict[int, bool | None]) -> None:
    """Raises AssertionError unless the engine has what was acknowledged, once, and its index what the catalogue has.

    Args:
        engine: Just opened.
        expected: Whether an image is there, by number; None if a change of it was not acknowledged.
    """
    there = {}
    for image_key, found in engine.catalogue.iterate_features(engine.release.name):
        (number,) = (n for n in range(IMAGES) if np.array_equal(found.descriptors, features(n).descriptors))
        assert number not in there, f"image {number} is there twice"
        there[number] = image_key
    for number, wanted in expected.items():
        assert wanted is None or (number in there) == wanted, f"image {number}: {wanted} was acknowledged"
    index = engine.index_keeper.index
    assert isinstance(index, FaissIndex)
    rebuilt = FaissIndex(engine.release, codebook=index.codebook)
    for number, image_key in there.items():
        rebuilt.add(image_key, features(number).unit_descriptors())
    assert index.keys() == rebuilt.keys()
    assert index.stats() == rebuilt.stats()
    queries = np.concatenate([features(number).unit_descriptors()[:20] for number in range(IMAGES)])
    ours, theirs = index.search(queries, 15), rebuilt.search(queries, 15)
    np.testing.assert_allclose(ours.distances, theirs.distances, rtol=1e-5, atol=1e-6)
    for keys, numbers in zip(ours.image_keys.tolist(), ours.feature_numbers.tolist(), strict=True):
        pairs = [pair for pair in zip(keys, numbers, strict=True) if pair[0] >= 0]
        assert len(set(pairs)) == len(pairs), "a descriptor is there twice"


def work(data_dir: Path, journal: Path, seed: int, expected: dict[int, bool | None]) -> None:
    """Checks, then adds and removes images until it is killed, saying each in the journal before and after."""
    hurry()
    said = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        engine = Engine(Settings.load(data_dir=data_dir))
        check(engine, expected)
        with suppress(AlreadyExistsError):
            engine.catalogue.create_landmark(LandmarkDraft("A"), landmark_id="a")
        kind = engine.index_keeper.index.stats().kind.replace(" ", "_")
        os.write(said, f"ready {kind} -\n".encode())
        random = np.random.default_rng(seed)
        while True:
            number, adds = int(random.integers(IMAGES)), bool(random.random() < 0.75)
            name = f"image-{number}"
            os.write(said, f"begin {number} {adds}\n".encode())
            with suppress(AlreadyExistsError, NotFoundError):  # as was asked for, already
                if adds:
                    try:
                        engine.ingest.create_image("a", features(number), image_id=name)
                    except AlreadyExistsError:  # perhaps deleted, and kept
                        engine.ingest.undelete_image("a", name)
                else:
                    engine.ingest.delete_image("a", name)
            os.write(said, f"done {number} {adds}\n".encode())
    except BaseException as error:
        os.write(said, f"failed {error!r} -\n".encode())
        raise
