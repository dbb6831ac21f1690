"""An index that servers share has what the catalogue has, whoever brings it there and wherever that breaks off."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from steeple.delf.features import FeatureSet
from steeple.delf.release import DEFAULT_RELEASE, ModelRelease
from steeple.errors import CancelledError, UnavailableError
from steeple.server.catalogue import Catalogue, ImageDraft, LandmarkDraft
from steeple.server.shared_index import SharedIndexKeeper, SharedKeepers
from steeple.server.shared_index.states import SharedStates
from tests.server.shared_index.stand_in import StandIn, Stored

MakeFeatures = Callable[..., FeatureSet]

RELEASE: Final = ModelRelease.load(DEFAULT_RELEASE)
COUNT: Final = 4  # descriptors of an image


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db", timedelta(days=1)) as opened:
        yield opened


@pytest.fixture
def engine() -> StandIn:
    return StandIn()


@pytest.fixture
def add(catalogue: Catalogue, make_features: MakeFeatures) -> Callable[..., None]:
    def added(landmark_id: str, *numbers: int) -> None:
        catalogue.create_landmark(LandmarkDraft(landmark_id, labels=["old"]), landmark_id=landmark_id)
        for number in numbers:
            draft = ImageDraft(make_features(number, count=COUNT))
            catalogue.create_image(landmark_id, draft, image_id=f"i{number}")

    return added


def opened(catalogue: Catalogue, engine: StandIn, stopping: threading.Event | None = None) -> SharedIndexKeeper:
    return SharedIndexKeeper(RELEASE, catalogue, engine.generations(RELEASE), stopping=stopping)


def serving(engine: StandIn) -> Stored:
    return engine.stored[RELEASE.name, engine.aliases[RELEASE.name]]


def state(catalogue: Catalogue) -> SharedStates:
    return SharedStates(catalogue.database, RELEASE.name)


def never() -> bool:
    return False


def test_the_first_server_builds_the_index_and_the_next_finds_it(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None]
) -> None:
    add("a", 1, 2, 3)
    first = opened(catalogue, engine)
    assert (first.index.stats().images, first.index.stats().descriptors) == (3, 3 * COUNT)
    assert first.sequence == catalogue.sequence() == 3
    before = list(serving(engine).puts)
    second = opened(catalogue, engine)
    assert (second.sequence, serving(engine).puts) == (3, before), "nothing was added again"


def test_a_change_is_taken_in_once_whoever_is_first(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None]
) -> None:
    one, two = opened(catalogue, engine), opened(catalogue, engine)
    add("a", 1, 2)
    one.catch_up()
    two.catch_up()
    assert serving(engine).puts == [1, 2]
    assert two.sequence == 2
    generations = two._generations
    assert getattr(generations, "awaited") == engine.clock, "searches there see what the other one wrote"  # noqa: B009


def test_two_servers_that_add_at_once_apply_each_change_once(
    catalogue: Catalogue, engine: StandIn, make_features: MakeFeatures
) -> None:
    keepers = [opened(catalogue, engine) for _ in range(2)]
    catalogue.create_landmark(LandmarkDraft("a"), landmark_id="a")

    def add(number: int) -> None:
        draft = ImageDraft(make_features(number, count=COUNT))
        key = catalogue.create_image("a", draft, image_id=f"i{number}").key
        keepers[number % 2].catch_up()
        assert key in keepers[number % 2].index

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(24)))
    assert sorted(serving(engine).puts) == list(range(1, 25))


def test_only_what_an_image_has_come_to_is_taken_in(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None]
) -> None:
    keeper = opened(catalogue, engine)
    add("a", 1, 2)
    catalogue.delete_image("a", "i1")
    catalogue.update_landmark("a", active=False)
    catalogue.update_landmark("a", active=True)
    keeper.catch_up()
    assert serving(engine).puts == [2]
    catalogue.undelete_image("a", "i1")
    keeper.catch_up()
    assert serving(engine).puts == [2, 1]


def test_labels_and_location_follow_the_landmark(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None]
) -> None:
    keeper = opened(catalogue, engine)
    add("a", 1)
    keeper.catch_up()
    assert serving(engine).facts == {1: (1, ("old",))}
    catalogue.update_landmark("a", labels=["new", "old"])
    keeper.catch_up()
    assert serving(engine).facts == {1: (1, ("new", "old"))}


def test_what_an_engine_that_was_away_has_missed_reaches_it_later(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("steeple.server.shared_index.keeper.time.monotonic", lambda: clock[0])
    keeper = opened(catalogue, engine)
    add("a", 1, 2)
    engine.puts_until_away = 1  # one of the two gets there, and nobody is told
    with pytest.raises(UnavailableError, match="stored but not searchable yet"):
        keeper.catch_up()
    engine.away, engine.puts_until_away = False, None
    keeper.catch_up_if_behind()
    assert keeper.sequence == 0, "not so soon"
    clock[0] += 1.5
    keeper.catch_up_if_behind()
    assert keeper.sequence == 2
    assert serving(engine).puts == [1, 1, 2]
    assert serving(engine).index.stats().images == 2


def test_a_build_that_was_interrupted_goes_on(catalogue: Catalogue, engine: StandIn, add: Callable[..., None]) -> None:
    add("a", *range(150))
    engine.puts_until_away = 100
    with pytest.raises(UnavailableError):
        opened(catalogue, engine)
    engine.away, engine.puts_until_away = False, None
    half = state(catalogue).read()
    assert (half.generation, half.building_images, half.building_after) == (0, 64, 64)
    add("b", 200)
    catalogue.delete_image("a", "i3")
    keeper = opened(catalogue, engine)
    puts = serving(engine).puts
    assert puts[64:100] == puts[100:136] == list(range(65, 101)), "what was not noted is added again"
    assert keeper.index.stats().images == 150
    assert 4 not in keeper.index
    assert (state(catalogue).read().building, keeper.sequence) == (0, catalogue.sequence())


def test_a_stopped_start_goes_on_later(catalogue: Catalogue, engine: StandIn, add: Callable[..., None]) -> None:
    add("a", *range(70))
    stopping = threading.Event()
    stopping.set()
    with pytest.raises(CancelledError):
        opened(catalogue, engine, stopping)
    assert opened(catalogue, engine).index.stats().images == 70


def test_an_index_that_was_lost_is_built_anew_while_the_server_runs(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    add("a", 1, 2)
    keeper = opened(catalogue, engine)
    engine.stored.clear()
    engine.aliases.clear()
    with pytest.raises(UnavailableError):
        keeper.index.stats()
    add("b", 3)
    with pytest.raises(UnavailableError):
        keeper.catch_up()
    with caplog.at_level(logging.INFO):
        keeper.upkeep(never)
    assert "the index is not where it was and is built from the catalogue" in caplog.messages
    assert (keeper.index.stats().images, keeper.sequence) == (3, 3)


def test_an_index_that_differs_is_made_anew_while_it_serves(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    add("a", 1, 2)
    opened(catalogue, engine)
    serving(engine).index.remove(2)
    before = engine.aliases[RELEASE.name]
    keeper = opened(catalogue, engine)
    assert keeper.index.stats().images == 1
    assert "the index differs from the catalogue and is made anew while it serves" in caplog.messages
    keeper.upkeep(never)
    assert engine.aliases[RELEASE.name] == before + 1
    assert (keeper.index.stats().images, 2 in keeper.index) == (2, True)
    keeper.upkeep(never)
    assert engine.aliases[RELEASE.name] == before + 1, "once"


def test_an_index_that_has_outgrown_its_lists_is_made_anew(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("steeple.server.shared_index.keeper.time.monotonic", lambda: clock[0])
    add("a", 1)
    keeper = opened(catalogue, engine)
    add("b", *range(2, 32))
    keeper.catch_up()
    clock[0] += 3601
    with keeper.growing():
        keeper.upkeep(never)
        assert serving(engine).made_for == COUNT, "not while it grows"
    keeper.upkeep(never)
    assert serving(engine).made_for == 31 * COUNT
    numbers = keeper._generations.numbers()
    assert len(numbers) == 2, "the one before is kept for searches that run"
    clock[0] += 61
    keeper.upkeep(never)
    assert list(keeper._generations.numbers()) == [engine.aliases[RELEASE.name]]


def test_an_alias_that_was_changed_without_the_state_knowing_is_put_right(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None]
) -> None:
    """As by a server that ended between the two."""
    add("a", 1)
    keeper = opened(catalogue, engine)
    states = state(catalogue)
    with states.locked() as held:
        held.state = replace(held.state, building=7, building_after=1, building_images=1, building_size=COUNT)
    keeper._generations.make(7, COUNT)
    keeper._generations.serve(7)
    keeper.upkeep(never)
    found = states.read()
    assert (found.generation, engine.aliases[RELEASE.name]) == (7, 7)


def test_an_index_of_a_release_that_is_retired_is_deleted(
    catalogue: Catalogue, engine: StandIn, add: Callable[..., None]
) -> None:
    add("a", 1)
    keepers = SharedKeepers(catalogue, engine)
    keepers.open(RELEASE, threading.Event())
    keepers.delete(RELEASE.name)
    assert (engine.stored, engine.aliases) == ({}, {})
    assert state(catalogue).read().generation == 0
    again = keepers.open(RELEASE, threading.Event())
    assert again.index.stats().images == 1
