"""Protocol messages of people and sessions to the SDK's types."""

from __future__ import annotations

from steeple.client._convert_access import to_scope
from steeple.client._requests import prefixed
from steeple.client._times import to_time
from steeple.client.people import Me, NewSession, Person, Session
from steeple.v1 import person_service_pb2 as api
from steeple.v1.key_service_pb2 import Key


def person_name(person: str | Person) -> str:
    """``people/{id}`` of an id, a name or a person."""
    return person.name if isinstance(person, Person) else prefixed("people/", person)


def to_person(message: api.Person) -> Person:
    """A person."""
    return Person(
        name=message.name,
        display_name=message.display_name,
        role=to_scope(message.role),
        disabled=message.disabled,
        oidc_subject=message.oidc_subject,
        has_password=message.has_password,
        create_time=to_time(message.create_time),
        update_time=to_time(message.update_time),
        last_sign_in_time=to_time(message.last_sign_in_time) if message.HasField("last_sign_in_time") else None,
        password_time=to_time(message.password_time) if message.HasField("password_time") else None,
    )


def to_session(message: api.Session) -> Session:
    """A session."""
    return Session(
        name=message.name,
        user_agent=message.user_agent,
        address=message.address,
        create_time=to_time(message.create_time),
        last_use_time=to_time(message.last_use_time),
        expire_time=to_time(message.expire_time),
        current=message.current,
    )


def to_new_session(message: api.SignInResponse | api.SignInWithIdTokenResponse) -> NewSession:
    """A session that has just begun."""
    return NewSession(to_session(message.session), to_person(message.person), message.secret)


def to_me(message: api.GetMeResponse) -> Me:
    """Whom calls are by."""
    return Me(
        asks_for_keys=message.asks_for_keys,
        actor=message.actor,
        display_name=message.display_name,
        scope=None if message.scope == Key.SCOPE_UNSPECIFIED else to_scope(message.scope),
        session=to_session(message.session) if message.HasField("session") else None,
        oidc_issuer=message.oidc_issuer,
        oidc_client_id=message.oidc_client_id,
    )
