"""``steeple index``: from FAISS to a real Milvus and back, by the commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from steeple.cli.main import main
from steeple.delf.features import FeatureSet
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.server.engine import Engine
from steeple.server.shared_index.reading import indexed_images
from steeple.server.shared_index.states import SharedStates

from .places import MakeFeatures, Place, fill, printed

pytestmark = pytest.mark.engines


def found(engine: Engine, source: FeatureSet) -> str | None:
    answer = engine.identify(source, max_candidates=1)
    return answer.candidates[0].image.id if answer.identified else None


def test_a_catalogue_moves_to_milvus_and_back(
    place: Place,
    make_features: MakeFeatures,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(place, make_features, 12)
    Engine(place.settings()).close()
    told = printed(capsys, place.arguments("migrate", "--to", "milvus"))
    [moved] = told["indexes"]
    assert moved["model"] == DEFAULT_RELEASE
    assert moved["catalogue"] == moved["faiss"] == moved["milvus"] == {"images": 12, "descriptors": 2400}
    assert moved["objection"] == ""
    assert moved["agreement"]["queries"] == 12 * 64
    assert moved["agreement"]["same_image"] >= 0.99
    assert moved["agreement"]["same_feature"] >= 0.99
    assert told["then"].startswith(f"set milvus_uri = {place.uri}")

    engine = Engine(place.settings(milvus_uri=place.uri))
    assert [found(engine, make_features(number)) for number in (0, 11)] == ["i0", "i11"]
    engine.ingest.create_image("a", make_features(50), image_id="new")
    engine.ingest.delete_image("a", "i0")
    engine.close()

    by_engine = {one["engine"]: one for one in printed(capsys, place.arguments("status"))["indexes"]}
    assert (by_engine["milvus"]["images"], by_engine["milvus"]["serves"]) == (12, True)
    assert (by_engine["faiss"]["images"], by_engine["faiss"]["serves"]) == (12, False)
    assert by_engine["milvus"]["sequence"] == by_engine["milvus"]["catalogue_sequence"] == 14
    assert by_engine["faiss"]["sequence"] == 12, "it was saved before"

    [back] = printed(capsys, place.arguments("migrate", "--to", "faiss"))["indexes"]
    assert back["catalogue"] == back["faiss"] == back["milvus"]
    engine = Engine(place.settings())
    assert [found(engine, make_features(number)) for number in (0, 11, 50)] == [None, "i11", "new"]
    engine.close()


def test_an_index_of_faiss_is_made_from_nothing(
    place: Place,
    make_features: MakeFeatures,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(place, make_features, 5)
    [moved] = printed(capsys, place.arguments("migrate", "--to", "faiss"))["indexes"]
    assert moved["faiss"] == {"images": 5, "descriptors": 1000}
    assert not (place.data / "index" / f"{DEFAULT_RELEASE}.rebuild").exists()


def test_answers_that_differ_are_refused(
    place: Place,
    make_features: MakeFeatures,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(place, make_features, 4)
    assert main(place.arguments("migrate", "--to", "milvus")) == 0
    # What Milvus has of two images is exchanged: the numbers are right, and the answers are not.
    with place.catalogue() as catalogue:
        images = indexed_images(catalogue, [1, 2], DEFAULT_RELEASE)
    with closing(place.engine) as engine:
        generation = engine.generations(ModelRelease.load(DEFAULT_RELEASE)).open(place.state().generation)
        generation.put({1: images[2], 2: images[1]})
    told = printed(capsys, place.arguments("migrate", "--to", "milvus"), code=1)
    assert "the nearest is of the same image for 50.0% of the queries alone" in told["indexes"][0]["objection"]
    assert told["then"] == ""
    [moved] = printed(capsys, place.arguments("migrate", "--to", "milvus", "--anew"))["indexes"]
    assert moved["agreement"]["same_image"] >= 0.99


def test_what_was_killed_goes_on(
    place: Place,
    make_features: MakeFeatures,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fill(place, make_features, 130, count=30)
    command = [sys.executable, "-m", "steeple.cli", *place.arguments("migrate", "--to", "milvus", "--json")]
    process = subprocess.Popen(command, env={**os.environ}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 120
    with place.catalogue() as catalogue:
        states = SharedStates(catalogue.database, DEFAULT_RELEASE)
        while (state := states.read()).building_images < 64:
            assert process.poll() is None, process.stderr and process.stderr.read()
            assert time.monotonic() < deadline
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    half = place.state()
    assert half.generation == 0
    assert 64 <= half.building_images < 130
    [moved] = printed(capsys, place.arguments("migrate", "--to", "milvus", "--images", 20))["indexes"]
    assert moved["milvus"] == {"images": 130, "descriptors": 130 * 30}
    assert place.state().generation == state.building, "the same collection"


def test_a_catalogue_moves_while_a_server_uses_it(
    postgres_url: str, place: Place, make_features: MakeFeatures, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with place.config.open("a", encoding="utf-8") as file:
        file.write(f'database_url = "{postgres_url}"\n')
    fill(place, make_features, 3)
    before = Engine(place.settings())
    elsewhere = Place(place.uri, place.config, tmp_path / "elsewhere")
    [moved] = printed(capsys, elsewhere.arguments("migrate", "--to", "milvus"))["indexes"]
    assert moved["milvus"] == {"images": 3, "descriptors": 600}
    after = Engine(Place(place.uri, place.config, tmp_path / "other").settings(milvus_uri=place.uri))
    before.ingest.create_image("a", make_features(7), image_id="seven")
    after.ingest.create_image("a", make_features(8), image_id="eight")
    before.serving.catch_up()
    for engine in (before, after):
        assert [found(engine, make_features(number)) for number in (0, 7, 8)] == ["i0", "seven", "eight"]
        engine.close()
