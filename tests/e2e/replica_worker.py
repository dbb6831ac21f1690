"""``steeple serve`` with leases of two seconds, so that nobody waits long for a replica that was killed."""

from __future__ import annotations

from datetime import timedelta

from steeple.cli.main import main
from steeple.server.operations import runner

if __name__ == "__main__":
    runner.LEASE = timedelta(seconds=2)  # type: ignore[misc]
    main()
