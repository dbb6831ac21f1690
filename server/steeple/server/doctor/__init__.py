"""Looks at a machine and a data folder, changes nothing, and says what is wrong and how to mend it."""

from steeple.server.doctor.findings import Finding, Status, looked_at

__all__ = ["Finding", "Status", "looked_at"]
