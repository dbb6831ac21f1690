"""Which of the servers on one database this is."""

from __future__ import annotations

import platform
import secrets
from dataclasses import dataclass
from typing import Final

_LONGEST_HOST: Final = 60


@dataclass(frozen=True)
class Replica:
    """A server process, for as long as it runs.

    Attributes:
        id: Made at random when it starts.
        host: Name of the machine, or the container, for people.
    """

    id: str
    host: str

    @staticmethod
    def here() -> Replica:
        """This process, as another replica than any before."""
        return Replica(secrets.token_hex(4), platform.node()[:_LONGEST_HOST] or "localhost")

    @property
    def name(self) -> str:
        """For logs and leases."""
        return f"{self.host}/{self.id}"
