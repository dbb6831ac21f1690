"""Operations of several replicas: each is run by one, and goes on elsewhere when that one is gone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from steeple.errors import CancelledError
from steeple.server.catalogue import Catalogue
from steeple.server.operations import Job, LeaseLostError, OperationRunner, OperationState, OperationStore, Run
from tests.server.following.conftest import until

pytestmark = pytest.mark.engines

METHOD = "steeple.v1.CatalogService/Something"
PATIENCE = 30.0
SHORT = timedelta(seconds=1)
LONG = timedelta(hours=1)  # a busy machine must not be taken for a dead one

OpenRunner = Callable[..., OperationRunner]


@pytest.fixture
def open_runner(postgres_url: str, tmp_path: Path) -> Iterator[OpenRunner]:
    """Opens runners of replicas, each with its own connections; what they follow is told by the tests."""
    opened: list[tuple[OperationRunner, Catalogue]] = []

    def open_one(job: Job, lease: timedelta = LONG) -> OperationRunner:
        catalogue = Catalogue.open(postgres_url)
        runner = OperationRunner(
            OperationStore(catalogue.database), tmp_path / f"operations-{len(opened)}", lease=lease
        )
        opened.append((runner, catalogue))
        runner.register(METHOD, job)
        runner.start()
        return runner

    yield open_one
    for runner, catalogue in opened:
        runner.close()
        catalogue.close()


def test_each_operation_is_run_once_among_three_replicas(open_runner: OpenRunner) -> None:
    ran: Counter[str] = Counter()

    def job(run: Run) -> Mapping[str, str]:
        ran[run.operation.id] += 1
        run.save({"done": True})
        return {}

    runners = [open_runner(job) for _ in range(3)]
    begun = [runners[number % 3].begin(METHOD, {"number": number}).id for number in range(30)]
    for runner in runners:
        runner.follow()
    for operation_id in begun:
        # Any replica knows when it ends, whoever ran it.
        assert runners[0].wait(operation_id, PATIENCE).state is OperationState.SUCCEEDED
    assert ran == dict.fromkeys(begun, 1)


class Standing:
    """A run that stands still until it is let go; a later run counts on from what it saved."""

    def __init__(self) -> None:
        self.began, self.let_go, self.ended = threading.Event(), threading.Event(), threading.Event()
        self.runs: list[dict[str, int]] = []
        self.error: BaseException | None = None

    def __call__(self, run: Run) -> Mapping[str, str]:
        self.runs.append(dict(run.checkpoint))
        if len(self.runs) > 1:
            run.save({"count": 2})
            return {"by": "the second"}
        run.save({"count": 1})
        self.began.set()
        self.let_go.wait(PATIENCE)
        try:
            run.save({"count": 99})
        except BaseException as error:
            self.error = error
            raise
        finally:
            self.ended.set()
        return {"by": "the first"}


def test_what_a_replica_runs_that_has_died_goes_on_elsewhere(
    open_runner: OpenRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Standing()
    first = open_runner(job, SHORT)
    operation = first.begin(METHOD, {})
    assert job.began.wait(PATIENCE)
    # As if its process had been stopped: it renews nothing.
    monkeypatch.setattr(first, "_renew_one", lambda run, lease: None)
    second = open_runner(job)
    found = second.wait(operation.id, PATIENCE)
    assert (found.state, found.results) == (OperationState.SUCCEEDED, {"by": "the second"})
    assert job.runs == [{}, {"count": 1}], "it went on from what was saved"
    # It comes back, and cannot save.
    job.let_go.set()
    assert job.ended.wait(PATIENCE)
    assert isinstance(job.error, LeaseLostError)
    assert isinstance(job.error, CancelledError)
    until(lambda: not first._runs)
    assert second.store.get(operation.id) == found


def test_a_lease_is_renewed_for_as_long_as_a_step_takes(open_runner: OpenRunner) -> None:
    job = Standing()
    first = open_runner(job, 2 * SHORT)
    operation = first.begin(METHOD, {})
    assert job.began.wait(PATIENCE)
    second = open_runner(job, 2 * SHORT)
    leases = {first.store.get(operation.id).lease_until}
    while len(leases) < 8:  # four times as long as the lease, at five renewals in the time of one: almost
        second.follow()
        leases.add(first.store.get(operation.id).lease_until)
    job.let_go.set()
    assert second.wait(operation.id, PATIENCE).results == {"by": "the first"}
    assert len(job.runs) == 1


def test_a_replica_that_stops_leaves_its_operation_to_others_at_once(open_runner: OpenRunner) -> None:
    began = threading.Event()

    def job(run: Run) -> Mapping[str, str]:
        if run.checkpoint:
            return {"by": "the second"}
        run.save({"count": 1})
        began.set()
        until(run.stopped)
        run.check()
        return {}

    first = open_runner(job)
    operation = first.begin(METHOD, {})
    assert began.wait(PATIENCE)
    first.close()
    second = open_runner(job)
    assert second.wait(operation.id, PATIENCE).results == {"by": "the second"}


def test_any_replica_cancels(open_runner: OpenRunner) -> None:
    began = threading.Event()

    def job(run: Run) -> Mapping[str, str]:
        began.set()
        until(run.stopped)
        run.check()
        return {}

    first, second = open_runner(job), open_runner(job)
    operation = first.begin(METHOD, {})
    assert began.wait(PATIENCE)
    second.cancel(operation.id)
    first.follow()
    second.follow()
    assert second.wait(operation.id, PATIENCE).state is OperationState.CANCELLED


def test_a_lock_that_operations_have_alone_is_held_across_replicas(open_runner: OpenRunner) -> None:
    inside, most, lock = [0], [0], threading.Lock()

    def job(run: Run) -> Mapping[str, str]:
        with run.alone("one at a time"):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            for _ in range(20):
                run.save({"still": "here"})
            with lock:
                inside[0] -= 1
        return {}

    first, second = open_runner(job), open_runner(job)
    begun = [runner.begin(METHOD, {}).id for runner in (first, second) * 3]
    assert {first.wait(one, PATIENCE).state for one in begun} == {OperationState.SUCCEEDED}
    assert most == [1]
