"""What a server tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from steeple.server.keeper import IndexInfo, UpkeepState


@dataclass(frozen=True)
class ServerInfo:
    """A server.

    Attributes:
        version: Of Steeple.
        start_time: When it was started, UTC.
        uptime_seconds: Since then.
        models: Names of the model releases served, the default first.
        index: The index that serves.
        upkeep: What is done to the index meanwhile.
        waiting_for: What has to happen before the index is of the kind that the settings name; empty if nothing has to.
    """

    version: str
    start_time: datetime
    uptime_seconds: float
    models: tuple[str, ...]
    index: IndexInfo
    upkeep: UpkeepState
    waiting_for: str
