"""What is fuzzed.

Each module here is a target: ``seeds()`` are inputs to begin with, and ``check(data)`` raises an error if one shows a
defect. A further target is one more module.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Target:
    """Something that takes bytes of strangers.

    Attributes:
        name: Of its module.
        seeds: Inputs to begin with.
        check: Raises an error if an input shows a defect.
    """

    name: str
    seeds: Callable[[], list[bytes]]
    check: Callable[[bytes], None]


def target_names() -> list[str]:
    """All targets, by name."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load_target(name: str) -> Target:
    """The target of that name."""
    module = importlib.import_module(f"{__name__}.{name}")
    return Target(name, module.seeds, module.check)
