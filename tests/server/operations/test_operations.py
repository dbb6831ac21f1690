from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from steeple.errors import (
    FailedPreconditionError,
    ImageError,
    InvalidArgumentError,
    NotFoundError,
    ResourceExhaustedError,
    UnavailableError,
)
from steeple.server.catalogue import Catalogue, LandmarkDraft, audit
from steeple.server.operations import OperationRunner, OperationState, OperationStore, Run
from steeple.server.operations.store import MAX_UNFINISHED

METHOD = "steeple.v1.CatalogService/Something"


@pytest.fixture
def catalogue(catalogue_url: str) -> Iterator[Catalogue]:
    with Catalogue.open(catalogue_url) as opened:
        yield opened


@pytest.fixture
def store(catalogue: Catalogue) -> OperationStore:
    return OperationStore(catalogue.database)


@pytest.fixture
def runner(store: OperationStore, tmp_path: Path) -> Iterator[OperationRunner]:
    made = OperationRunner(store, tmp_path / "operations")
    yield made
    made.close()


class Counting:
    """Counts to ``until`` by ones, with a checkpoint a number; waits at ``hold`` until it is let go or told to stop."""

    def __init__(self, until: int, hold: int | None = None) -> None:
        self.until, self.hold = until, hold
        self.seen: list[int] = []
        self.held, self.let_go = threading.Event(), threading.Event()

    def __call__(self, run: Run) -> Mapping[str, str]:
        for number in range(int(run.checkpoint.get("next", 0)), self.until):
            if number == self.hold:
                self.held.set()
                while not self.let_go.wait(0.01):
                    run.check()
            self.seen.append(number)
            run.progress(number + 1, self.until, "counting")
            run.save({"next": number + 1})
        return {"counted": str(self.until)}


def test_an_operation_is_carried_out_and_tells_what_came_of_it(runner: OperationRunner) -> None:
    job = Counting(3)
    runner.register(METHOD, job)
    runner.start()
    began = runner.begin(METHOD, {"until": 3})
    assert began.name.startswith("operations/")
    done = runner.wait(began.id, 20.0)
    assert (done.state, done.results, done.step, done.done, done.total) == (
        OperationState.SUCCEEDED,
        {"counted": "3"},
        "counting",
        3,
        3,
    )
    assert done.start_time is not None
    assert done.end_time is not None
    assert done.create_time <= done.start_time <= done.end_time
    assert job.seen == [0, 1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, priorities are of processes")
def test_queries_go_first(runner: OperationRunner) -> None:
    def job(run: Run) -> Mapping[str, str]:
        return {"niceness": str(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))}

    runner.register(METHOD, job)
    runner.start()
    assert runner.wait(runner.begin(METHOD, {}).id, 20.0).results == {"niceness": "10"}


def test_a_repeated_request_begins_nothing_new(runner: OperationRunner) -> None:
    runner.register(METHOD, Counting(1))
    request_id = str(uuid4())
    first = runner.begin(METHOD, {"a": 1}, request_id=request_id)
    assert runner.begin(METHOD, {"a": 1}, request_id=request_id).id == first.id
    with pytest.raises(InvalidArgumentError, match="other content"):
        runner.begin(METHOD, {"a": 2}, request_id=request_id)
    assert runner.store.list().total_size == 1


def test_cancelled_and_resumed_it_goes_on_where_it_was(runner: OperationRunner) -> None:
    job = Counting(5, hold=2)
    runner.register(METHOD, job)
    runner.start()
    operation = runner.begin(METHOD, {})
    assert job.held.wait(20.0)
    runner.cancel(operation.id)
    cancelled = runner.wait(operation.id, 20.0)
    assert (cancelled.state, cancelled.checkpoint) == (OperationState.CANCELLED, {"next": 2})
    job.let_go.set()
    runner.resume(operation.id)
    assert runner.wait(operation.id, 20.0).state is OperationState.SUCCEEDED
    assert job.seen == [0, 1, 2, 3, 4]  # nothing twice, nothing left out
    with pytest.raises(FailedPreconditionError, match="SUCCEEDED"):
        runner.resume(operation.id)


def test_what_a_stopped_server_was_doing_goes_on_at_the_next_start(store: OperationStore, tmp_path: Path) -> None:
    job = Counting(4, hold=1)
    first = OperationRunner(store, tmp_path / "operations")
    first.register(METHOD, job)
    first.start()
    operation = first.begin(METHOD, {})
    assert job.held.wait(20.0)
    first.close()
    assert store.get(operation.id).state is OperationState.QUEUED
    job.let_go.set()
    second = OperationRunner(store, tmp_path / "operations")
    second.register(METHOD, job)
    second.start()
    assert second.wait(operation.id, 20.0).state is OperationState.SUCCEEDED
    second.close()
    assert job.seen == [0, 1, 2, 3]


def test_what_a_dead_server_was_doing_goes_on_at_the_next_start(store: OperationStore, runner: OperationRunner) -> None:
    operation = store.create(METHOD, {})
    claimed = store.claim("gone", timedelta(milliseconds=1) if store.shared else None)
    assert claimed is not None
    assert claimed.id == operation.id
    store.save(operation.id, "gone", step="counting", done=2, total=3, checkpoint={"next": 2})
    # The server is killed here: nobody says that the operation ended.
    job = Counting(3)
    runner.register(METHOD, job)
    runner.start()
    assert runner.wait(operation.id, 20.0).state is OperationState.SUCCEEDED
    assert job.seen == [2]


def test_a_failure_is_told_and_can_be_resumed(runner: OperationRunner) -> None:
    failing = True

    def job(run: Run) -> Mapping[str, str]:
        if failing:
            raise UnavailableError("the disk is away")
        return {}

    runner.register(METHOD, job)
    runner.start()
    operation = runner.begin(METHOD, {})
    failed = runner.wait(operation.id, 20.0)
    assert (failed.state, failed.error_status, failed.error_message) == (
        OperationState.FAILED,
        "UNAVAILABLE",
        "the disk is away",
    )
    failing = False
    runner.resume(operation.id)
    again = runner.wait(operation.id, 20.0)
    assert (again.state, again.error_status) == (OperationState.SUCCEEDED, "")


def test_a_defect_of_a_job_is_a_failure_and_others_go_on(runner: OperationRunner) -> None:
    def job(run: Run) -> Mapping[str, str]:
        if run.arguments["bad"]:
            raise ZeroDivisionError("what is this")
        return {}

    runner.register(METHOD, job)
    runner.start()
    bad, good = runner.begin(METHOD, {"bad": True}), runner.begin(METHOD, {"bad": False})
    failed = runner.wait(bad.id, 20.0)
    assert (failed.state, failed.error_status) == (OperationState.FAILED, "INTERNAL")
    assert "ZeroDivisionError" in failed.error_message
    assert runner.wait(good.id, 20.0).state is OperationState.SUCCEEDED


def test_problems_are_kept_once_an_item(runner: OperationRunner) -> None:
    def job(run: Run) -> Mapping[str, str]:
        for item in ("b.jpg", "a.jpg", "b.jpg"):
            run.problem(item, ImageError(f"{item} is no photo"))
        run.problem("bad\0name\ud800" + "x" * 5000, ImageError("y" * 5000))
        return {}

    runner.register(METHOD, job)
    runner.start()
    operation = runner.begin(METHOD, {})
    assert runner.wait(operation.id, 20.0).problem_count == 3
    first = runner.store.problems(operation.id, 2)
    rest = runner.store.problems(operation.id, 2, first.next_page_token)
    assert [problem.item for problem in first.items] == ["b.jpg", "a.jpg"]
    assert first.items[0].status == "INVALID_ARGUMENT"
    assert (len(rest.items), rest.next_page_token, rest.total_size) == (1, "", 3)
    assert len(rest.items[0].item) <= 500


def test_changes_are_audited_as_the_caller_s(runner: OperationRunner, catalogue: Catalogue) -> None:
    def job(run: Run) -> Mapping[str, str]:
        with run.change("steeple.v1.CatalogService/CreateLandmark"):
            catalogue.create_landmark(LandmarkDraft("Big Ben"))
        return {}

    runner.register(METHOD, job)
    runner.start()
    with audit.attempting(audit.Attempt("keys/someone", METHOD)):
        operation = runner.begin(METHOD, {})
    runner.wait(operation.id, 20.0)
    events = audit.events(catalogue.database).items
    assert [(event.actor, event.method.partition("/")[2], event.resource) for event in events] == [
        ("keys/someone", "CreateLandmark", "landmarks/big-ben"),
        ("keys/someone", "Something", operation.name),
    ]


def test_finished_operations_are_deleted_with_their_files(runner: OperationRunner) -> None:
    def job(run: Run) -> Mapping[str, str]:
        (run.folder / "file").write_bytes(b"content")
        return {}

    held = Counting(1, hold=0)
    runner.register(METHOD, job)
    runner.register("steeple.v1.CatalogService/Held", held)
    runner.start()
    busy = runner.begin("steeple.v1.CatalogService/Held", {})
    deleted, purged = runner.begin(METHOD, {}), runner.begin(METHOD, {})
    for operation in (deleted, purged):
        runner.wait(operation.id, 20.0)
        assert (runner.folder(operation.id) / "file").exists()
    assert held.held.wait(20.0)
    with pytest.raises(FailedPreconditionError, match="cancel it first"):
        runner.delete(busy.id)
    runner.delete(deleted.id)
    assert not runner.folder(deleted.id).exists()
    with pytest.raises(NotFoundError):
        runner.store.get(deleted.id)
    runner.purge(datetime.now(UTC) + timedelta(days=89))
    assert runner.folder(purged.id).exists()
    runner.purge(datetime.now(UTC) + timedelta(days=91))
    assert not runner.folder(purged.id).exists()
    assert [operation.id for operation in runner.store.list().items] == [busy.id]


def test_lists_are_the_latest_first_and_in_pages(store: OperationStore) -> None:
    ids = [store.create(METHOD, {"number": number}).id for number in range(5)]
    assert len(set(ids)) == 5
    seen: list[str] = []
    token = ""
    while True:
        page = store.list(2, token)
        seen += [operation.id for operation in page.items]
        token = page.next_page_token
        if not token:
            break
    assert seen == sorted(ids, reverse=True)
    store.cancel(ids[0])
    assert [operation.id for operation in store.list(states=[OperationState.CANCELLED]).items] == [ids[0]]
    with pytest.raises(InvalidArgumentError, match="page_token"):
        store.list(2, store.list(2).next_page_token, states=[OperationState.QUEUED])


def test_no_more_than_a_hundred_operations_wait(store: OperationStore) -> None:
    request = str(uuid4())
    first = store.create(METHOD, {}, request_id=request)
    for _ in range(MAX_UNFINISHED - 1):
        last = store.create(METHOD, {})
    with pytest.raises(ResourceExhaustedError, match="100 operations are queued or running"):
        store.create(METHOD, {})
    assert store.create(METHOD, {}, request_id=request).id == first.id
    store.cancel(last.id)
    store.create(METHOD, {})
    with pytest.raises(ResourceExhaustedError, match="cancel those"):
        store.resume(last.id)
    store.cancel(first.id)
    assert store.resume(last.id).state is OperationState.QUEUED


class Told(logging.Handler):
    """Sets an event when something is logged that an operation's outcome waits for."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if "not stored yet" in record.getMessage():
            self.seen.set()


def test_an_outcome_is_stored_once_the_database_takes_it(tmp_path: Path) -> None:
    told, log = Told(), logging.getLogger("steeple.server.operations.runner")
    log.addHandler(told)
    with Catalogue.open(f"sqlite:///{tmp_path}/catalogue.db?timeout=0.01") as catalogue:
        runner = OperationRunner(OperationStore(catalogue.database), tmp_path / "operations")
        with closing(sqlite3.connect(tmp_path / "catalogue.db", check_same_thread=False)) as other:

            def job(run: Run) -> Mapping[str, str]:
                other.execute("BEGIN IMMEDIATE")  # another process changes the catalogue, and goes on doing so
                run.progress(1, 2, "while nobody else may write")
                return {"done": "yes"}

            runner.register(METHOD, job)
            began = runner.begin(METHOD, {})
            runner.start()
            assert told.seen.wait(20.0)
            assert runner.store.get(began.id).state is OperationState.RUNNING
            other.rollback()
        done = runner.wait(began.id, 20.0)
        runner.close()
    log.removeHandler(told)
    assert (done.state, done.results, done.step, done.total) == (
        OperationState.SUCCEEDED,
        {"done": "yes"},
        "while nobody else may write",
        2,
    )
