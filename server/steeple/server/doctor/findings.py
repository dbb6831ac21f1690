"""What a check found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from steeple.errors import SteepleError


class Status(StrEnum):
    """How a check ended. Only ``FAILED`` keeps a server from doing its work; ``SKIPPED`` could not be looked at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    Attributes:
        check: What was looked at.
        status: How it is.
        found: What was found, in words.
        remedy: What to do; empty if nothing has to be done.
    """

    check: str
    status: Status
    found: str
    remedy: str = ""

    def to_dict(self) -> dict[str, str]:
        """For JSON."""
        return {name: str(value) for name, value in asdict(self).items()}


def looked_at(check: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """The findings of a check, which may fail itself: that is a finding too, and the next checks go on."""
    try:
        yield from look()
    except SteepleError as error:
        yield Finding(check, Status.FAILED, error.message)
    except ModuleNotFoundError as error:
        remedy = "pip install 'steeple[server,cpu]'"
        yield Finding(check, Status.FAILED, f"{error.name} is not installed", remedy)
    except Exception as error:  # whatever it is, it is wrong with this machine
        yield Finding(check, Status.FAILED, f"{type(error).__name__}: {error}")
