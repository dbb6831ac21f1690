"""Work off the window's thread, and its result back on it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

import pytest

from steeple.app.ui.background import Latest, Threads
from steeple.errors import InternalError, NotFoundError, SteepleError


class Window:
    """Does what is posted when it is asked to, as the window's loop does."""

    def __init__(self) -> None:
        self.posted: queue.Queue[Callable[[], None]] = queue.Queue()

    def turn(self) -> None:
        self.posted.get(timeout=20)()


def test_work_is_done_elsewhere_and_its_result_comes_back() -> None:
    window, seen = Window(), list[threading.Thread]()
    threads = Threads(window.posted.put)
    threads.run(threading.current_thread, seen.append, lambda error: pytest.fail(str(error)))
    window.turn()
    assert seen[0] is not threading.current_thread()
    threads.close()


def test_errors_come_back_too_and_defects_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    window, errors = Window(), list[SteepleError]()
    threads = Threads(window.posted.put)

    def missing() -> None:
        raise NotFoundError("gone")

    def broken() -> None:
        raise ValueError("a bug")

    with caplog.at_level(logging.ERROR):
        for work in (missing, broken):
            threads.run(work, lambda _: pytest.fail("it worked"), errors.append)
            window.turn()
    assert isinstance(errors[0], NotFoundError)
    assert isinstance(errors[1], InternalError)
    assert "ValueError: a bug" in errors[1].message
    assert "a defect" in caplog.text
    threads.close()


def test_nothing_comes_back_after_it_was_closed() -> None:
    window, seen = Window(), list[int]()
    threads = Threads(window.posted.put)
    threads.run(lambda: 1, seen.append, lambda error: pytest.fail(str(error)))
    late = window.posted.get(timeout=20)
    threads.close()
    late()
    threads.run(lambda: 2, seen.append, lambda error: pytest.fail(str(error)))
    threads.post(lambda: seen.append(3))
    assert seen == []
    assert window.posted.empty()


def test_what_was_begun_before_is_not_shown_over_what_was_begun_last() -> None:
    window, seen, errors = Window(), list[str](), list[SteepleError]()
    threads, latest = Threads(window.posted.put), Latest()
    overtaken = threading.Event()

    def old() -> str:
        overtaken.wait(20)
        return "old"

    def old_and_broken() -> str:
        overtaken.wait(20)
        raise NotFoundError("gone")

    latest.run(threads, old, seen.append, errors.append)
    latest.run(threads, old_and_broken, seen.append, errors.append)
    latest.run(threads, lambda: "new", seen.append, errors.append)
    overtaken.set()
    for _ in range(3):
        window.turn()
    assert (seen, errors) == (["new"], [])
    latest.run(threads, lambda: "left", seen.append, errors.append)
    latest.forget()
    window.turn()
    assert seen == ["new"]
    latest.run(threads, old_and_broken, seen.append, errors.append)
    window.turn()
    assert [error.message for error in errors] == ["gone"]
    threads.close()
