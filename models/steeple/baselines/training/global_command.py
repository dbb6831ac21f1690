"""Subcommands ``siamac`` and ``dir``."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from steeple.baselines import releases
from steeple.baselines.training.global_methods import DIR, SIAMAC, Limits, Method
from steeple.baselines.training.global_photos import collections
from steeple.delf.training import pretrained
from steeple.errors import InvalidArgumentError

_TRUNK: Final = "efficientnet-lite0"
_HELD_OUT_SHARE: Final = 0.25


def add(subcommands: Any) -> None:
    """Adds them to a parser."""
    for method, paper in ((SIAMAC, "MAC and a contrastive loss"), (DIR, "R-MAC, a learned projection, a triplet loss")):
        parser = subcommands.add_parser(
            method.name,
            help=f"{paper}, on {_TRUNK}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description=f"Trains {method.name}: {paper}. The epoch that is best on landmarks held out is kept.",
            epilog=f"example:\n  KERAS_BACKEND=jax python -m steeple.baselines.training {method.name} --data photos/ "
            f"--pairs pairs.json --held-out town_hall --output {method.name}.npz",
        )
        parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="a folder of photos per landmark")
        parser.add_argument("--pairs", type=Path, metavar="FILE", help="pairs of photos that verified; default: none")
        parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the weights; facts beside them")
        parser.add_argument("--start", type=Path, metavar="FILE", help="weights to start from; default: ImageNet's")
        parser.add_argument(
            "--held-out", action="append", default=[], metavar="LANDMARK", help="to validate on; may be repeated"
        )
        parser.add_argument("--steps", type=int, default=Limits.steps, help="at most; default: %(default)s")
        parser.add_argument("--seconds", type=float, default=math.inf, help="at most; default: no limit")
        parser.add_argument("--side", type=int, default=Limits.side, help="pixels of pictures; default: %(default)s")
        parser.add_argument("--tuples", type=int, default=method.tuples, help="in a batch; default: %(default)s")
        parser.add_argument("--rate", type=float, default=method.rate, help="of learning; default: %(default)s")
        parser.add_argument("--seed", type=int, default=Limits.seed, help="of all randomness; default: %(default)s")
        parser.set_defaults(run=_run, method=method)


def _run(given: argparse.Namespace) -> dict[str, Any]:
    if given.side < 64 or given.side % 32:
        raise InvalidArgumentError(f"--side is a multiple of 32 and at least 64, not {given.side}")
    if min(given.steps, given.tuples) < 1 or not given.rate > 0:
        raise InvalidArgumentError("--steps and --tuples are at least 1, and --rate is above 0")
    # Here, since other subcommands' processes import this module and need no Keras.
    from steeple.baselines.training.global_run import train  # noqa: PLC0415

    taught, held = collections(given.data, given.pairs, given.held_out, _HELD_OUT_SHARE)
    start = (
        pretrained.keras_weights(pretrained.IMAGENET[_TRUNK].state_dict())
        if given.start is None
        else releases.load(given.start.stem, given.start.parent).weights
    )
    method: Method = replace(given.method, tuples=given.tuples, rate=given.rate)
    limits = Limits(given.side, given.steps, given.seconds, given.seed)
    made, facts = train(method, _TRUNK, start, taught, held, limits)
    facts = {"held_out": sorted(given.held_out), **facts}
    base = "" if method.dimensions else _TRUNK  # which has no projection
    return releases.save(given.output, made, facts, base=base).facts
