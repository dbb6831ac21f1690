"""Keys: what callers identify themselves with, what each may do, and how much."""

from steeple.server.access.keyring import Keyring
from steeple.server.access.records import UNCHANGED, ApiKey, Limits, MonthlyUsage, NewKey, Scope, Unchanged
from steeple.server.access.store import KeyStore

__all__ = [
    "UNCHANGED",
    "ApiKey",
    "KeyStore",
    "Keyring",
    "Limits",
    "MonthlyUsage",
    "NewKey",
    "Scope",
    "Unchanged",
]
