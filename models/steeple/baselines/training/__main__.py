"""``python -m steeple.baselines.training``: trains the network of one method."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from typing import Any, Final

from steeple.baselines.training import global_command, patch_command
from steeple.errors import SteepleError

_COMMANDS: Final[tuple[Callable[[Any], None], ...]] = (global_command.add, patch_command.add)
"""Each adds its subcommands; the namespace that one makes has ``run``, which returns facts to print as JSON."""


def main() -> int:
    """Runs a subcommand; the exit code is 1 after an error that says what to do."""
    parser = argparse.ArgumentParser(prog="python -m steeple.baselines.training", description=__doc__)
    subcommands = parser.add_subparsers(required=True, metavar="METHOD")
    for add in _COMMANDS:
        add(subcommands)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    try:
        facts = given.run(given)
    except SteepleError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return 1
    sys.stdout.write(json.dumps(facts, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
