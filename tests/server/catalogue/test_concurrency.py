from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from uuid import uuid4

import pytest

from steeple.delf.features import FeatureSet
from steeple.errors import AbortedError, NotFoundError
from steeple.server.catalogue import Catalogue, ChangeKind, ImageDraft, Landmark, LandmarkDraft
from steeple.server.catalogue.database import Database

MakeFeatures = Callable[..., FeatureSet]


def test_many_readers_and_several_writers(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    writers, images = 4, 12
    done = threading.Event()

    def write(number: int) -> None:
        landmark = catalogue.create_landmark(LandmarkDraft("Tower")).id
        for seed in range(images):
            catalogue.create_image(landmark, ImageDraft(make_features(seed)), image_id=f"i{seed}")
        for seed in range(number):
            catalogue.delete_image(landmark, f"i{seed}")

    def read() -> int:
        sequence, gallery, rounds = 0, set[int](), 0
        while True:
            last_round = done.is_set()
            for change in catalogue.changes_since(sequence, limit=7):
                assert change.sequence == sequence + 1
                sequence = change.sequence
                (gallery.add if change.kind is ChangeKind.ADD else gallery.remove)(change.image_key)
            found, features = catalogue.images(gallery), catalogue.features(gallery)
            assert {key: found[key].feature_count for key in features if key in found} == {
                key: len(features[key]) for key in features if key in found
            }
            landmarks = catalogue.list_landmarks().items
            assert all(landmark.reference_image_count <= images for landmark in landmarks)
            rounds += 1
            if last_round and sequence == catalogue.sequence():
                assert set(features) == gallery
                assert len(gallery) == writers * images - sum(range(writers))
                return rounds

    with ThreadPoolExecutor(writers + 6) as pool:
        reading = [pool.submit(read) for _ in range(6)]
        writing = [pool.submit(write, number) for number in range(writers)]
        wait(writing)
        done.set()
        for future in writing:
            future.result()
        assert all(future.result() >= 1 for future in reading)
    assert catalogue.list_landmarks().total_size == writers
    assert catalogue.image_count() == writers * images - sum(range(writers))


def test_two_processes_worth_of_catalogues_share_a_file(url: str, make_features: MakeFeatures) -> None:
    # Connections of two engines know nothing of each other, as those of two processes.
    def work(number: int) -> None:
        with Catalogue.open(url) as catalogue:
            catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id=f"t{number}")
            for seed in range(10):
                catalogue.create_image(f"t{number}", ImageDraft(make_features(seed)))

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work, number) for number in range(3)]:
            future.result()
    with Catalogue.open(url) as catalogue:
        assert catalogue.image_count() == 30
        assert [change.sequence for change in catalogue.changes_since(0)] == list(range(1, 31))


def test_only_one_of_those_who_saw_the_same_etag_wins(catalogue: Catalogue) -> None:
    etag = catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x").etag
    start = threading.Barrier(6)

    def update(number: int) -> Landmark:
        start.wait()
        return catalogue.update_landmark("x", display_name=f"by {number}", etag=etag)

    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(update, number) for number in range(6)]
        outcomes = [future.exception() or future.result() for future in futures]
    winners = [outcome for outcome in outcomes if isinstance(outcome, Landmark)]
    assert len(winners) == 1
    assert sum(isinstance(outcome, AbortedError) for outcome in outcomes) == 5
    assert catalogue.get_landmark("x") == winners[0]


def test_a_request_sent_twice_at_once_is_done_once(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    request_id, start = str(uuid4()), threading.Barrier(6)

    def create() -> int:
        start.wait()
        return catalogue.create_image("x", ImageDraft(make_features()), request_id=request_id).key

    with ThreadPoolExecutor(6) as pool:
        futures: list[Future[int]] = [pool.submit(create) for _ in range(6)]
        assert len({future.result() for future in futures}) == 1
    assert catalogue.image_count() == 1


def test_a_writer_does_not_hold_up_readers(url: str) -> None:
    with Catalogue.open(url) as catalogue:
        before = catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
        other = Database(url)
        with other.write() as connection:
            connection.exec_driver_sql("UPDATE landmark SET display_name = 'unfinished'")
            assert catalogue.get_landmark("x") == before
        other.close()
        assert catalogue.get_landmark("x").display_name == "unfinished"


def test_an_iteration_survives_what_happens_meanwhile(catalogue: Catalogue, make_features: MakeFeatures) -> None:
    catalogue.create_landmark(LandmarkDraft("Tower"), landmark_id="x")
    for seed in range(70):
        catalogue.create_image("x", ImageDraft(make_features(seed)), image_id=f"i{seed}")
    iteration = catalogue.iterate_features("delf-lite2-v1")
    first, _ = next(iteration)
    last = catalogue.get_image("x", "i69")
    catalogue.delete_image("x", "i69")
    new = catalogue.create_image("x", ImageDraft(make_features())).key
    keys = [first, *(key for key, _ in iteration)]
    assert last.key not in keys
    assert keys == [*range(first, last.key), new]
    with pytest.raises(NotFoundError):
        catalogue.get_image("x", "i69")
