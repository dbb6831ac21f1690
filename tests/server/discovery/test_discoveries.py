"""Discoveries of a real engine: what is found, what is made of it, and what interruptions cost."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from steeple.errors import (
    CancelledError,
    FailedPreconditionError,
    InvalidArgumentError,
    ModelMismatchError,
    NotFoundError,
)
from steeple.server.catalogue import LandmarkDraft, audit
from steeple.server.discovery import DiscoveryOptions, ProposalState, Source
from steeple.server.discovery.decisions import Decisions
from steeple.server.discovery.discoveries import METHOD
from steeple.server.engine import Engine
from steeple.server.importing.sources import FolderSource
from steeple.server.operations import OperationState, Run
from steeple.server.settings import Settings
from tests.scenes import encoded

from .conftest import Heap, photographs

LONGEST = 120.0  # seconds that a test waits


def settings(folder: Path, import_dir: Path) -> Settings:
    return Settings.load(data_dir=folder, import_dir=import_dir)


def discover(engine: Engine, folder: str = "heap") -> str:
    """Id of a discovery of a folder, which has ended well."""
    operation = engine.discoveries.start(Source(folder=folder), DiscoveryOptions())
    done = engine.operations.wait(operation.id, LONGEST)
    assert done.state is OperationState.SUCCEEDED, done.error_message
    return operation.id


@pytest.fixture(scope="session")
def discovered(heap: Heap, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a data folder ``data``, in which ``import/heap`` was discovered."""
    root = tmp_path_factory.mktemp("discovered")
    (root / "import" / "heap" / "more").mkdir(parents=True)
    for name in ("a0", "a1", "a2", "b0", "b1", "stranger"):
        (root / "import" / "heap" / f"{name}.png").write_bytes(heap.files[name])
    (root / "import" / "heap" / "more" / "same.png").write_bytes(heap.files["a0"])
    (root / "import" / "heap" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no photo")
    engine = Engine(settings(root / "data", root / "import"))
    discover(engine)
    engine.close()
    return root


@pytest.fixture
def engine(discovered: Path, tmp_path: Path) -> Iterator[Engine]:
    """An engine on a copy of it."""
    shutil.copytree(discovered / "data", tmp_path / "data")
    opened = Engine(settings(tmp_path / "data", discovered / "import"))
    yield opened
    opened.close()


@pytest.fixture
def found(engine: Engine) -> str:
    """Id of the discovery."""
    (discovery,) = engine.discoveries.store.list().items
    return discovery.id


def items(engine: Engine, discovery_id: str) -> dict[int, set[str]]:
    """Files by number of the proposal."""
    numbers = [each.number for each in engine.discoveries.store.proposals(discovery_id).items]
    proposals = [engine.discoveries.store.proposal(discovery_id, number) for number in numbers]
    return {each.number: {photo.item for photo in each.photos} for each in proposals}


def number_of(engine: Engine, discovery_id: str, item: str) -> int:
    (photo,) = [photo for photo in engine.discoveries.store.photos(discovery_id) if photo.item == item]
    return photo.number


def stored(engine: Engine, tmp_path: Path) -> set[str]:
    return {path.name for path in (tmp_path / "data" / "images").rglob("*") if path.is_file()}


def test_buildings_are_proposed_and_the_rest_is_left_over(engine: Engine, found: str, heap: Heap) -> None:
    discovery = engine.discoveries.store.get(found)
    assert (discovery.photo_count, discovery.proposal_count, discovery.leftover_count) == (6, 2, 1)
    assert discovery.finish_time is not None
    assert items(engine, found) == {1: {"a0.png", "a1.png", "a2.png"}, 2: {"b0.png", "b1.png"}}
    first = engine.discoveries.store.proposal(found, 1)
    assert first.state is ProposalState.PROPOSED
    assert (first.view_count, first.landmark_id) == (3, "")
    assert first.cohesion == pytest.approx(1.0, abs=0.01)
    assert first.representative in {photo.number for photo in first.photos}
    assert {(pair.first, pair.second) for pair in first.pairs} == {
        (one.number, other.number) for one in first.photos for other in first.photos if one.number < other.number
    }
    assert min(pair.inliers for pair in first.pairs) > 100
    (left,) = engine.discoveries.store.leftovers(found).items
    assert left.item == "stranger.png"
    data, media_type = engine.discoveries.photo(found, left.number)
    assert (data, media_type) == (heap.files["stranger"], "image/png")
    assert engine.discoveries.thumbnail(found, left.number)[:2] == b"\xff\xd8"
    operation = engine.operations.store.get(found)
    assert operation.results == {
        "discovery": discovery.name,
        "photos": "6",
        "proposals": "2",
        "leftovers": "1",
    }
    problems = engine.operations.store.problems(found).items
    assert [(problem.item, problem.status) for problem in problems] == [("broken.jpg", "INVALID_ARGUMENT")]


def test_what_is_accepted_is_found_with_the_features_it_has(engine: Engine, found: str, heap: Heap) -> None:
    before = engine.discoveries.store.features(found, [number_of(engine, found, "a1.png")])
    request_id = str(uuid4())
    draft = LandmarkDraft("The first", labels=["tower"])
    photos = [number_of(engine, found, name) for name in ("a0.png", "a1.png")]
    accepted = engine.discoveries.accept(found, 1, draft, landmark_id="first", photos=photos, request_id=request_id)
    assert (accepted.landmark.id, accepted.landmark.reference_image_count) == ("first", 2)
    assert accepted.proposal.state is ProposalState.ACCEPTED
    assert accepted.proposal.landmark_id == "first"
    answer = engine.identify(heap.features["a2"], max_candidates=3)
    assert answer.identified
    assert answer.candidates[0].landmark.id == "first"
    images = {image.id: image for image in engine.catalogue.list_images("first").items}
    assert set(images) == set(accepted.image_ids)
    became = {photo.item: photo.image_id for photo in accepted.proposal.photos}
    image = images[became["a1.png"]]
    assert image.sha256 == hashlib.sha256(heap.files["a1"]).hexdigest()
    assert image.quality is not None
    np.testing.assert_array_equal(
        engine.catalogue.features([image.key])[image.key].descriptors, next(iter(before.values())).descriptors
    )
    again = engine.discoveries.accept(found, 1, draft, landmark_id="first", photos=photos, request_id=request_id)
    assert (again.landmark, list(again.image_ids)) == (accepted.landmark, list(accepted.image_ids))
    assert engine.catalogue.image_count() == 2
    with pytest.raises(FailedPreconditionError, match="ACCEPTED"):
        engine.discoveries.accept(found, 1, draft)
    # What became a reference image stays when the discovery goes, and only that.
    engine.discoveries.delete(found)
    assert engine.ingest.photo("first", image.id)[0] == heap.files["a1"]
    assert engine.discoveries.store.list().total_size == 0


def test_photos_that_nobody_has_any_more_are_deleted(engine: Engine, found: str, tmp_path: Path, heap: Heap) -> None:
    assert len(stored(engine, tmp_path)) == 6
    engine.discoveries.accept(found, 2, LandmarkDraft("The second"), landmark_id="second")
    # Gone from the catalogue for good, it is still of the discovery.
    engine.catalogue.delete_landmark("second", force=True)
    engine.ingest.purge(engine.catalogue.get_landmark("second").expire_time)
    assert len(stored(engine, tmp_path)) == 6
    engine.discoveries.delete(found)
    assert stored(engine, tmp_path) == set()
    with pytest.raises(NotFoundError):
        engine.discoveries.store.get(found)


def test_an_existing_landmark_gets_what_it_has_not(engine: Engine, found: str, heap: Heap) -> None:
    engine.catalogue.create_landmark(LandmarkDraft("Old"), landmark_id="old")
    engine.ingest.create_image("old", heap.files["a0"])
    with pytest.raises(NotFoundError):
        engine.discoveries.accept(found, 1, "new")
    accepted = engine.discoveries.accept(found, 1, "old")
    assert len(accepted.image_ids) == 2
    assert accepted.landmark.reference_image_count == 3


def test_what_the_catalogue_knows_is_proposed_as_an_addition(
    engine: Engine, found: str, discovered: Path, heap: Heap
) -> None:
    engine.discoveries.accept(found, 1, LandmarkDraft("The first"), landmark_id="first")
    later = discovered / "import" / "later"
    later.mkdir(exist_ok=True)
    (later / "a.jpg").write_bytes(encoded(np.ascontiguousarray(photographs()["a2"][:, 30:])))
    second = discover(engine, "later")
    (proposal,) = engine.discoveries.store.proposals(second).items
    assert (proposal.landmark_id, proposal.photo_count) == ("first", 1)
    assert proposal.landmark is not None
    assert proposal.landmark.display_name == "The first"


def test_proposals_are_merged_split_and_discarded(engine: Engine, found: str) -> None:
    decisions, request_id = engine.discoveries.decisions, str(uuid4())
    with audit.attempting(audit.Attempt("keys/me", "steeple.v1.DiscoveryService/MergeProposals")):
        merged = decisions.merge(found, [1, 2], request_id=request_id)
    assert (merged.number, merged.photo_count, merged.view_count) == (1, 5, 5)
    assert 0.39 < merged.cohesion < 0.95  # 4 of 10 pairs, and what matches by chance
    assert decisions.merge(found, [1, 2], request_id=request_id).photo_count == 5
    events = audit.events(engine.catalogue.database, resource=merged.name).items
    assert [(event.actor, event.outcome) for event in events] == [("keys/me", "OK")]
    out = [number_of(engine, found, name) for name in ("b0.png", "b1.png")]
    rest, taken_out = decisions.split(found, 1, out)
    assert (rest.photo_count, taken_out.photo_count) == (3, 2)
    assert items(engine, found)[taken_out.number] == {"b0.png", "b1.png"}
    assert decisions.discard(found, taken_out.number).state is ProposalState.DISCARDED
    listed = engine.discoveries.store.proposals(found, states=[ProposalState.PROPOSED])
    assert [each.number for each in listed.items] == [1]
    assert engine.discoveries.store.get(found).open_proposal_count == 1
    attempts: list[Callable[[], object]] = [
        lambda: decisions.discard(found, taken_out.number),
        lambda: decisions.merge(found, [1, taken_out.number]),
        lambda: decisions.split(found, taken_out.number, out[:1]),
        lambda: engine.discoveries.accept(found, taken_out.number, LandmarkDraft("No")),
    ]
    for refused in attempts:
        with pytest.raises(FailedPreconditionError, match="DISCARDED"):
            refused()
    request_id = str(uuid4())
    restored = decisions.restore(found, taken_out.number, request_id=request_id)
    assert (restored.state, restored.photo_count) == (ProposalState.PROPOSED, 2)
    assert engine.discoveries.store.get(found).open_proposal_count == 2
    decisions.discard(found, taken_out.number)
    again = decisions.restore(found, taken_out.number, request_id=request_id)
    assert again.state is ProposalState.DISCARDED, "a repeat changes nothing"
    with pytest.raises(FailedPreconditionError, match="only what is DISCARDED"):
        decisions.restore(found, 1)


def test_bad_decisions_change_nothing(engine: Engine, found: str) -> None:
    decisions, before = engine.discoveries.decisions, items(engine, found)
    stranger = number_of(engine, found, "stranger.png")
    every = [photo.number for photo in engine.discoveries.store.proposal(found, 2).photos]
    attempts: dict[str, Callable[[], object]] = {
        "names": lambda: decisions.merge(found, [1]),
        "photos": lambda: decisions.split(found, 1, [stranger]),
        "display_name": lambda: engine.discoveries.accept(found, 1, LandmarkDraft("")),
    }
    for field, refused in attempts.items():
        with pytest.raises(InvalidArgumentError) as error:
            refused()
        assert error.value.metadata["field"] == field
    with pytest.raises(InvalidArgumentError, match="all that"):
        decisions.split(found, 2, every)
    with pytest.raises(NotFoundError):
        decisions.merge(found, [1, 9])
    with pytest.raises(ModelMismatchError, match="discover again"):
        Decisions(engine.catalogue.database, lambda: "delf-other").accept(found, 1, LandmarkDraft("Other"))
    assert items(engine, found) == before
    assert engine.catalogue.list_landmarks().total_size == 0


def test_each_discovery_of_a_list_has_its_own_counts(engine: Engine, found: str) -> None:
    store = engine.discoveries.store
    begun = store.open("99991231-235959999-aaaaaaaa", "folder x", engine.release.name, DiscoveryOptions())
    assert (begun.photo_count, begun.proposal_count, begun.leftover_count) == (0, 0, 0)
    whole = store.get(found)
    assert whole.photo_count > whole.leftover_count > 0
    assert whole.proposal_count > 0
    page = store.list()
    assert (list(page.items), page.total_size) == ([begun, whole], 2)


def test_folders_that_may_not_be_named(engine: Engine, discovered: Path, tmp_path: Path) -> None:
    (discovered / "import" / "out").unlink(missing_ok=True)
    (discovered / "import" / "out").symlink_to(tmp_path)
    with pytest.raises(NotFoundError, match="links are not followed"):
        engine.discoveries.start(Source(folder="out"), DiscoveryOptions())
    for folder in ("", "..", "/etc", "heap/../../data"):
        with pytest.raises(InvalidArgumentError, match="import_dir"):
            engine.discoveries.start(Source(folder=folder), DiscoveryOptions())
    with pytest.raises(NotFoundError):
        engine.discoveries.start(Source(folder="nowhere"), DiscoveryOptions())
    with pytest.raises(NotFoundError):
        engine.discoveries.start(Source(upload="nothing"), DiscoveryOptions())


def test_interrupted_at_any_step_it_goes_on_where_it_was(
    engine: Engine, found: str, heap: Heap, tmp_path: Path
) -> None:
    """The job itself, stopped after two photos, after one search, and then left alone."""
    read: list[str] = []
    few = tmp_path / "few"
    few.mkdir()
    for name in ("a0", "a1", "stranger"):
        (few / f"{name}.png").write_bytes(heap.files[name])

    class Recorded(FolderSource):
        def read(self, name: str) -> bytes:
            read.append(name)
            return super().read(name)

    store = engine.discoveries.store
    arguments = {"source": {"upload": "", "folder": "heap"}, "options": DiscoveryOptions().to_json()}
    engine.operations.close()  # so that nothing else takes it up
    operation = engine.operations.store.create(METHOD, arguments)
    job = engine.discoveries.job
    job.open_source = lambda source, check: closing(Recorded(tmp_path, "few"))

    def photos() -> list[bool]:
        return [photo.searched for photo in store.photos(operation.id)]

    for stopping in (lambda: len(photos()) >= 2, lambda: sum(photos()) >= 1):
        run = Run(engine.operations.store.get(operation.id), engine.operations.store, tmp_path / "run", stopping)
        with pytest.raises(CancelledError):
            job(run)
    assert sum(photos()) == 1
    with pytest.raises(FailedPreconditionError):
        engine.discoveries.delete(operation.id)
    run = Run(engine.operations.store.get(operation.id), engine.operations.store, tmp_path / "run", lambda: False)
    assert job(run) == {"discovery": f"discoveries/{operation.id}", "photos": "3", "proposals": "1", "leftovers": "1"}
    assert read == ["a0.png", "a1.png", "stranger.png"]
    assert items(engine, operation.id) == {1: {"a0.png", "a1.png"}}
    assert job(run)["proposals"] == "1"  # once more, as after a death before the operation was ended
    assert len(read) == 3
