"""``python -m tests.history run`` and ``check``: as long as one likes, and again from a file."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.history import report
from tests.history.checker import check
from tests.history.operations import History
from tests.history.runner import Runner


def main() -> int:
    """The exit code: 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.history", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="kill a server while clients work, and check what they saw")
    run.add_argument("--seconds", type=float, default=60.0, help="that the clients work")
    run.add_argument("--seed", type=int, help="of what they do and what befalls the server; random if not given")
    run.add_argument("--output", type=Path, help="folder for the history, the log and the data of a run that fails")
    again = commands.add_parser("check", help="check a history that was saved")
    again.add_argument("history", type=Path)
    for command in (run, again):
        command.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args()
    if given.command == "check":
        history = History.load(given.history)
        said = report.facts(history, check(history))
    else:
        seed = random.SystemRandom().randrange(1_000_000) if given.seed is None else given.seed
        output = given.output or Path(tempfile.mkdtemp(prefix="steeple-history-"))
        output.mkdir(parents=True, exist_ok=True)
        if any(output.iterdir()):
            parser.error(f"{output} is not empty")
        sys.stderr.write(f"seed {seed}, {given.seconds:g} s, in {output}\n")
        done = Runner(output, seed, given.seconds).run()
        done.history.save(output / "history.jsonl")
        said = report.facts(done.history, check(done.history), done.failures)
        said["index_kinds"] = sorted(done.kinds)
        said["history"] = str(output / "history.jsonl")
    sys.stdout.write((json.dumps(said) if given.json else report.text(said)) + "\n")
    if said["violations"] or said["failures"]:
        sys.stderr.write(f"the same operations and faults again: python -m tests.history run --seed {said['seed']}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
