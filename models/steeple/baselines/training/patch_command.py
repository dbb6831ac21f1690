"""What ``python -m steeple.baselines.training hardnet`` and ``... lift`` run."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any, Final

from steeple.baselines import releases
from steeple.baselines.training.pool import default_workers
from steeple.errors import InvalidArgumentError

_HELP: Final = {
    "hardnet": "a descriptor of patches around SIFT's keypoints (Mishchuk et al., NeurIPS 2017)",
    "lift": "a detector, an orientation and a descriptor (after Yi et al., ECCV 2016)",
}
_PROGRESS_EVERY: Final = 10.0  # seconds


def add(subcommands: Any) -> None:
    """Adds one subcommand per network to what :meth:`argparse.ArgumentParser.add_subparsers` returned."""
    for network, text in _HELP.items():
        parser = subcommands.add_parser(
            network,
            help=text,
            description=f"Trains {text} on photos of any kind.",
            epilog=f"example: python -m steeple.baselines.training {network} --data photos --output {network}.npz",
        )
        parser.add_argument("--data", type=Path, required=True, help="folder with photos anywhere below it")
        parser.add_argument("--output", type=Path, required=True, help="file to write, .npz; facts go beside it, .json")
        parser.add_argument("--start", type=Path, help="such a file to train on; by default weights begin at random")
        parser.add_argument("--steps", type=int, help="optimiser steps; by default 20000")
        parser.add_argument("--seconds", type=float, default=math.inf, help="when to end at the latest")
        parser.add_argument("--batch", type=int, help="pairs of patches a step; by default 1024")
        parser.add_argument("--pool", type=int, help="pairs of patches made of the photos; by default 200000")
        parser.add_argument("--rate", type=float, help="highest learning rate; by default 0.001")
        parser.add_argument("--seed", type=int, help="of all randomness; by default 0")
        parser.add_argument("--workers", type=int, default=default_workers(), help="processes that make pairs")
        parser.set_defaults(run=_run, network=network)


def _run(given: argparse.Namespace) -> dict[str, Any]:
    for name in ("steps", "seconds", "batch", "pool", "rate", "workers"):
        value = getattr(given, name)
        if value is not None and not value > 0:
            raise InvalidArgumentError(f"--{name} must be positive")
    start = None if given.start is None else releases.load(given.start.stem, given.start.parent)
    # Here, because processes that make pairs import this module and need no Keras.
    from steeple.baselines.training.patch_run import PatchRecipe, train  # noqa: PLC0415

    names = ("network", "steps", "batch", "pool", "rate", "seed")
    recipe = PatchRecipe(**{name: getattr(given, name) for name in names if getattr(given, name) is not None})
    trained = train(
        given.data, given.output, recipe, _progress(), start=start, seconds=given.seconds, workers=given.workers
    )
    return {"file": str(given.output), **trained.facts}


def _progress() -> Any:
    """Says on stderr every few seconds how far it is."""
    import logging  # noqa: PLC0415

    log = logging.getLogger(__name__)
    last = [time.monotonic()]

    def told(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] >= _PROGRESS_EVERY or (done == total and total):
            last[0] = now
            log.info("%s: %d of %d", stage, done, total)

    return told
