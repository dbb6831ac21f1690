"""Progress bars of work that goes through stages, one bar after the other."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from steeple.cli.output import Output, Tally


@contextmanager
def staged(output: Output) -> Iterator[Callable[[str, int, int], None]]:
    """Hands out what to call with the stage's name, how many of its steps are done, and how many there are."""
    current, reached, tally = "", 0, Tally(lambda _: None)
    with ExitStack() as stack:

        def progress(stage: str, done: int, total: int) -> None:
            nonlocal current, reached, tally
            if stage != current or done < reached:  # the next stage, or the same anew
                stack.close()
                current, reached = stage, 0
                tally = stack.enter_context(output.progress(stage, total))
            for _ in range(done - reached):
                tally.advance("")
            reached = done

        yield progress


def steps_of(progress: Callable[[str, int, int], None], stage: str, total: int) -> Callable[[], None]:
    """What to call after each of so many steps of a stage."""
    done = itertools.count(1)
    return lambda: progress(stage, next(done), total)
