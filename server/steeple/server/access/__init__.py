"""Keys and people: what callers identify themselves with, what each may do, and how much."""

from steeple.server.access.id_tokens import IdTokens
from steeple.server.access.keyring import Keyring
from steeple.server.access.person_records import (
    Credential,
    NewSession,
    Person,
    Session,
    SessionLifetime,
    person_name,
)
from steeple.server.access.person_store import PersonStore
from steeple.server.access.records import UNCHANGED, ApiKey, Limits, MonthlyUsage, NewKey, Scope, Unchanged
from steeple.server.access.sign_in import SignIns
from steeple.server.access.spent_tokens import SpentTokens
from steeple.server.access.store import KeyStore

__all__ = [
    "UNCHANGED",
    "ApiKey",
    "Credential",
    "IdTokens",
    "KeyStore",
    "Keyring",
    "Limits",
    "MonthlyUsage",
    "NewKey",
    "NewSession",
    "Person",
    "PersonStore",
    "Scope",
    "Session",
    "SessionLifetime",
    "SignIns",
    "SpentTokens",
    "Unchanged",
    "person_name",
]
